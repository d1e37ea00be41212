"""Which questions the warehouse answers, read from the headers of `sql/flow`, `metric` and `plan`.

Nothing in, `Question` records out; everything that names a flow, a metric or a plan asks here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from octane_flows.errors import UsageError
from octane_flows.models.documented_columns import Column
from octane_flows.models.header import Note
from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.parameter_sources import ValueSource
from octane_flows.models.question_files import question_file, slugs

Kind = Literal["flow", "metric", "plan"]


@dataclass(frozen=True)
class Question:
    """One question with parameters, and what the columns and rows of its answer mean.

    A flow answers a task of the vendor's documentation, or one of your own; a metric answers a
    question of quality or progress; a plan lists the requests that a writing flow would send.
    `source` is the vendor's page or what the answer rests on. `number` is the vendor's number of a
    documented flow and of its plan, None for everything else. `writes` are the entity types that
    a plan may write, with `$name` for the value of a parameter. `needs` are parameters that must be
    given: of each group at least one.
    """

    kind: Kind
    slug: str
    text: str
    title: str
    number: int | None
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    grain: str
    key: tuple[str, ...]
    source: str
    writes: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    values: tuple[tuple[str, ValueSource], ...] = ()

    @property
    def name(self) -> str:
        """The macro's qualified name, as in `metric.flaky_tests`."""
        return f"{self.kind}.{self.slug}"

    @property
    def defaults(self) -> dict[str, str | None]:
        """The default of every parameter, as the header spells it."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    @property
    def is_documented(self) -> bool:
        """Whether the vendor's documentation has this flow."""
        return self.number is not None


def list_questions(kind: Kind) -> list[Question]:
    """All questions of a kind: documented flows by number, then the others by name."""
    return sorted((_question(kind, slug) for slug in slugs(kind)), key=_reading_order)


def documented_flows() -> list[Question]:
    """The flows of the vendor's documentation, by number."""
    return [flow for flow in list_questions("flow") if flow.is_documented]


def question_named(kind: Kind, slug: str) -> Question:
    """The question of that slug; an unknown one is a `UsageError` with the nearest name."""
    if slug in slugs(kind):
        return _question(kind, slug)
    for other in ("flow", "metric"):
        if other != kind and slug in slugs(other):
            raise UsageError(
                f"There is no {kind} '{slug}', but a {other}; ask it with "
                f"'octane-flows {other} {slug}'."
            )
    choices = [question.slug for question in list_questions(kind)]
    raise UsageError(f"There is no {kind} '{slug}'; {nearest(slug, choices)}")


def nearest(name: str, choices: Sequence[str]) -> str:
    """The end of a sentence that helps somebody who misspelt a name."""
    matches = difflib.get_close_matches(name.lower(), choices, n=1)
    if matches:
        return f"did you mean '{matches[0]}'? Known: {', '.join(choices)}."
    return f"known: {', '.join(choices)}."


def _question(kind: Kind, slug: str) -> Question:
    file = question_file(kind, slug)
    header = file.header
    return Question(
        kind=kind,
        slug=slug,
        text=header.question,
        title=header.flow_title or slug.replace("_", " ").capitalize(),
        number=header.flow_number,
        parameters=header.parameters,
        columns=file.columns,
        grain=header.grain or "",
        key=header.key,
        source="; ".join(header.sources),
        writes=header.writes,
        notes=header.notes,
        needs=header.needs,
        values=header.values,
    )


def _reading_order(question: Question) -> tuple[bool, int, str]:
    return not question.is_documented, question.number or 0, question.slug
