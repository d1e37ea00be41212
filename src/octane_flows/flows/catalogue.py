"""Which flows there are, read from the headers of `sql/flow`.

Nothing in, `Flow` records out; everything that names a flow asks here.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from octane_flows.errors import UsageError
from octane_flows.warehouse.columns import Column
from octane_flows.warehouse.header import Parameter
from octane_flows.warehouse.models import Model, load_models


@dataclass(frozen=True)
class Flow:
    """One documented flow; `grain` says what a row is, `source` is the page that it follows."""

    slug: str
    number: int
    title: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    grain: str
    key: tuple[str, ...]
    source: str


def list_flows() -> list[Flow]:
    """All flows in the order of their numbers."""
    flows = [_flow(model) for model in load_models() if model.schema == "flow"]
    return sorted(flows, key=lambda flow: (flow.number, flow.slug))


def flow_named(slug: str) -> Flow:
    """The flow of that slug; an unknown one is a `UsageError` with the nearest name."""
    flows = {flow.slug: flow for flow in list_flows()}
    if slug in flows:
        return flows[slug]
    raise UsageError(f"There is no flow '{slug}'; {nearest(slug, list(flows))}")


def nearest(name: str, known: list[str]) -> str:
    """The end of a sentence that helps somebody who misspelt a name."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'? Known: {', '.join(known)}."
    return f"known: {', '.join(known)}."


def _flow(model: Model) -> Flow:
    header = model.header
    return Flow(
        slug=model.slug,
        number=header.flow_number or 0,
        title=header.flow_title or model.slug,
        question=header.question,
        parameters=header.parameters,
        columns=model.columns,
        grain=header.grain or "",
        key=header.key,
        source="; ".join(header.sources),
    )
