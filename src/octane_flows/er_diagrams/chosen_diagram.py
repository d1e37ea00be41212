"""The diagram that somebody names: areas, flows, metrics, plans or tables, or nothing for all.

Names in, a `Diagram` out; the command `er` and notebooks call it. An unknown name is a
`UsageError`.
"""

from __future__ import annotations

from collections.abc import Sequence

from octane_flows.er_diagrams.areas import AREAS
from octane_flows.er_diagrams.diagram import Diagram
from octane_flows.er_diagrams.draw_diagrams import (
    area_diagram,
    question_diagram,
    question_names,
    table_diagram,
    table_names,
)
from octane_flows.errors import UsageError
from octane_flows.questions.catalogue import nearest


def chosen_diagram(names: Sequence[str]) -> Diagram:
    """The diagram of the named things; several are joined to one diagram of tables."""
    if not names:
        return table_diagram(table_names())
    diagrams = [_diagram(name) for name in dict.fromkeys(names)]
    if len(diagrams) == 1:
        return diagrams[0]
    boxes = {
        box.name
        for name, diagram in zip(dict.fromkeys(names), diagrams, strict=True)
        for box in diagram.boxes
        if _table(name) is None or box.name == _table(name)
    }
    return table_diagram(sorted(boxes & set(table_names())))


def _diagram(name: str) -> Diagram:
    for area in AREAS:
        if area.slug == name:
            return area_diagram(area)
    for question in question_names():
        if name in (question, question.partition(".")[2]):
            return question_diagram(question)
    table = _table(name)
    if table is not None:
        return table_diagram([table])
    slugs = [question.partition(".")[2] for question in question_names()]
    choices = [*(area.slug for area in AREAS), *dict.fromkeys(slugs), *table_names()]
    raise UsageError(
        f"There is no area, flow, metric, plan or table '{name}' to draw; {nearest(name, choices)}"
    )


def _table(name: str) -> str | None:
    """The qualified name of a table, if it is one and no area or question."""
    for choice in table_names():
        if name == choice:
            return choice
    taken = {area.slug for area in AREAS} | {it.partition(".")[2] for it in question_names()}
    return f"er.{name}" if f"er.{name}" in table_names() and name not in taken else None
