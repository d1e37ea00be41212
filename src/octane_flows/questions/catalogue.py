"""Which flows and metrics there are, read from the headers of `sql/flow` and `sql/metric`.

Nothing in, `Flow` and `Metric` records out; everything that names one asks here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from octane_flows.errors import UsageError
from octane_flows.models.documented_columns import Column
from octane_flows.models.header import Parameter
from octane_flows.models.model import Model, load_models

Known = TypeVar("Known", bound="Metric")


@dataclass(frozen=True)
class Metric:
    """One question with parameters; `grain` says what a row is, `source` what it rests on."""

    schema: ClassVar[str] = "metric"

    slug: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    grain: str
    key: tuple[str, ...]
    source: str

    @property
    def name(self) -> str:
        """The macro's qualified name, as in `metric.flaky_tests`."""
        return f"{self.schema}.{self.slug}"


@dataclass(frozen=True)
class Flow(Metric):
    """One documented flow: a question with the vendor's number and title; `source` is its page."""

    schema: ClassVar[str] = "flow"

    number: int
    title: str


@dataclass(frozen=True)
class PlanOfFlow(Flow):
    """What a flow that writes would send: one row for each request."""

    schema: ClassVar[str] = "plan"


def list_plans() -> list[PlanOfFlow]:
    """All plans in the order of their flows' numbers."""
    plans = [
        PlanOfFlow(
            **_facts(model),
            number=model.header.flow_number or 0,
            title=model.header.flow_title or model.slug,
        )
        for model in load_models()
        if model.schema == "plan"
    ]
    return sorted(plans, key=lambda plan: (plan.number, plan.slug))


def plan_named(slug: str) -> PlanOfFlow:
    """The plan of that slug; an unknown one is a `UsageError` with the nearest name."""
    return _named(slug, list_plans(), "plan")


def list_flows() -> list[Flow]:
    """All flows in the order of their numbers."""
    flows = [
        Flow(
            **_facts(model),
            number=model.header.flow_number or 0,
            title=model.header.flow_title or model.slug,
        )
        for model in load_models()
        if model.schema == "flow"
    ]
    return sorted(flows, key=lambda flow: (flow.number, flow.slug))


def list_metrics() -> list[Metric]:
    """All metrics in the order of their names."""
    metrics = [Metric(**_facts(model)) for model in load_models() if model.schema == "metric"]
    return sorted(metrics, key=lambda metric: metric.slug)


def flow_named(slug: str) -> Flow:
    """The flow of that slug; an unknown one is a `UsageError` with the nearest name."""
    return _named(slug, list_flows(), "flow")


def metric_named(slug: str) -> Metric:
    """The metric of that slug; an unknown one is a `UsageError` with the nearest name."""
    return _named(slug, list_metrics(), "metric")


def _named(slug: str, known: Sequence[Known], kind: str) -> Known:
    by_slug = {one.slug: one for one in known}
    if slug in by_slug:
        return by_slug[slug]
    raise UsageError(f"There is no {kind} '{slug}'; {nearest(slug, list(by_slug))}")


def nearest(name: str, known: list[str]) -> str:
    """The end of a sentence that helps somebody who misspelt a name."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'? Known: {', '.join(known)}."
    return f"known: {', '.join(known)}."


def _facts(model: Model) -> dict[str, Any]:
    header = model.header
    return {
        "slug": model.slug,
        "question": header.question,
        "parameters": header.parameters,
        "columns": model.columns,
        "grain": header.grain or "",
        "key": header.key,
        "source": "; ".join(header.sources),
    }
