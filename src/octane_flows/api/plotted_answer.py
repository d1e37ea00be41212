"""A question's answer that draws its chart: `wh.metrics.burn_up().plot()`.

A relation and its question in, the report's charts out, or the sentence why there is none;
`OpenWarehouse` makes the answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from octane_flows.errors import UsageError
from octane_flows.questions import Question

if TYPE_CHECKING:
    import altair

#: A notebook's viewers do not give a picture the colours of their page.
_COLOURS = {"currentColor": "#333333", "transparent": "white"}


class Answer(duckdb.DuckDBPyRelation):
    """A DuckDB relation that knows its question, and so its chart."""

    __slots__ = ("question",)
    question: Question

    def plot(self) -> Plot:
        """The charts that the report draws of these rows, for the last line of a cell.

        Where there is nothing to draw, a sentence says why. Raises UsageError where the libraries
        that draw are missing.
        """
        return plot_of(self.question, self)

    def filter(self, filter_expr: Any) -> Answer:
        """The rows for which the condition holds, as an answer of the same question."""
        return answer_of(self.question, super().filter(filter_expr))


def answer_of(question: Question, relation: duckdb.DuckDBPyRelation) -> Answer:
    """The relation as an answer: a copy of it, whose class has `plot`."""
    answer = object.__new__(Answer)
    state: dict[str, object] = relation.__getstate__()[1]  # type: ignore[index]  # as copy.copy
    for name, value in state.items():
        setattr(answer, name, value)
    answer.question = question
    return answer


@dataclass(frozen=True)
class Plot:
    """The charts of an answer, or the sentence why there are none; a notebook shows them."""

    sentence: str
    specification: dict[str, Any] | None = None

    @property
    def chart(self) -> altair.TopLevelMixin | None:
        """The charts as one of Altair, to be changed and saved; None where there are none."""
        if self.specification is None:
            return None
        import altair

        chart: altair.TopLevelMixin = altair.Chart.from_dict(self.specification)
        return chart

    @property
    def svg(self) -> str:
        """The charts as a picture, drawn without a browser or the network; empty without charts."""
        if self.specification is None:
            return ""
        from octane_flows.reports.draw_pictures import draw_pictures

        [picture] = draw_pictures([json.dumps(self.specification)])
        if picture.problem:
            raise UsageError(
                f"The chart could not be drawn: {picture.problem}; the rows are there: "
                "write .df() in place of .plot()."
            )
        return picture.svg

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What Jupyter shows."""
        text = {"text/plain": self.sentence}
        return text if self.specification is None else {"image/svg+xml": self.svg, **text}

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows."""
        if self.specification is None:
            return "text/plain", self.sentence
        return "image/svg+xml", self.svg


def plot_of(question: Question, rows: duckdb.DuckDBPyRelation) -> Plot:
    """The charts of a question's rows, below one another. Raises UsageError."""
    try:
        from octane_flows.reports.default_charts import (
            BARS_SHOWN,
            CHARTS,
            CHARTS_OF_ALL_ROWS,
            chart_specifications,
        )
    except ImportError as error:
        raise UsageError(
            f"A chart cannot be drawn, because {error.name} is missing; run "
            "pip install octane-flows again, or use .df() without a chart."
        ) from error
    name = f"{question.kind} {question.slug}"
    if question.slug not in CHARTS:
        return Plot(
            f"The {name} has no chart; .df() shows its rows. "
            f"Charts have the metrics {', '.join(sorted(CHARTS))}."
        )
    drawn_rows = rows if question.slug in CHARTS_OF_ALL_ROWS else rows.limit(BARS_SHOWN)
    answer = drawn_rows.to_arrow_table()
    texts = chart_specifications(question.slug, answer)
    if answer.num_rows == 0:
        return Plot(f"The {name} has no rows, so there is nothing to draw.")
    if not texts:
        return Plot(f"The rows of the {name} have nothing that its chart shows; .df() shows them.")
    return Plot(f"Chart of the {name}.", _below_one_another([json.loads(text) for text in texts]))


def _below_one_another(specifications: list[dict[str, Any]]) -> dict[str, Any]:
    """One specification of several, with the colours of a page of its own."""
    first = specifications[0]
    whole = first
    if len(specifications) > 1:
        shared = ("$schema", "config", "datasets")
        parts = [
            {key: value for key, value in part.items() if key not in shared}
            for part in specifications
        ]
        datasets = {key: rows for part in specifications for key, rows in part["datasets"].items()}
        whole = {
            "$schema": first["$schema"],
            "config": first["config"],
            "datasets": datasets,
            "vconcat": parts,
            "resolve": {"scale": {"color": "independent"}},
        }
    coloured: dict[str, Any] = _with_colours(whole)
    return coloured


def _with_colours(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: inner if key == "datasets" else _with_colours(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_with_colours(inner) for inner in value]
    return _COLOURS.get(value, value) if isinstance(value, str) else value
