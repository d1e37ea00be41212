"""Questions as methods: an attribute for each flow or metric, with its parameters and its meaning.

The function that answers a question by its slug in, methods out; `OpenWarehouse` makes them. The
stub `flows_and_metrics.pyi` says the same to editors and type checkers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from inspect import Parameter, Signature
from typing import ClassVar

import duckdb

from octane_flows.api.plotted_answer import Answer
from octane_flows.questions import Kind, Question, Value, list_questions
from octane_flows.questions.catalogue import nearest

Rows = duckdb.DuckDBPyRelation

#: The types of a header's `param` line in Python; texts are taken for dates and times too.
PYTHON_TYPES: dict[str, object] = {
    "text": str | None,
    "integer": int | None,
    "number": float | None,
    "boolean": bool | None,
    "date": date | str | None,
    "timestamp": datetime | str | None,
}


class QuestionMethods:
    """All questions of one kind as methods; called as a function it lists them."""

    kind: ClassVar[Kind]

    def __init__(self, answer: Callable[..., Answer], catalogue: Callable[[], Rows]) -> None:
        self._answer = answer
        self._catalogue = catalogue
        self._questions = {question.slug: question for question in list_questions(self.kind)}

    def __call__(self) -> Rows:
        """One row for each question: its slug, its text and what a row of its answer is."""
        return self._catalogue()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._questions]

    def __getattr__(self, slug: str) -> Callable[..., Answer]:
        """The method of one question; Python asks here for names that are no attributes."""
        if slug.startswith("_"):
            raise AttributeError(slug)
        if slug not in self._questions:
            raise AttributeError(
                f"There is no {self.kind} '{slug}'; {nearest(slug, list(self._questions))}"
            )
        return question_method(self._questions[slug], self._answer)


def question_method(question: Question, answer: Callable[..., Answer]) -> Callable[..., Answer]:
    """A function with the question's parameters, which `help` and notebooks show."""
    signature = Signature(
        [
            Parameter(
                parameter.name,
                Parameter.KEYWORD_ONLY,
                default=python_default(parameter.type, parameter.default),
                annotation=PYTHON_TYPES[parameter.type],
            )
            for parameter in question.parameters
        ],
        return_annotation=Answer,
    )

    def method(*positional: Value, **parameters: Value) -> Answer:
        signature.bind(*positional, **parameters)  # TypeError, as for any other function
        return answer(question.slug, **parameters)

    method.__name__ = method.__qualname__ = question.slug
    method.__doc__ = "\n".join(docstring_lines(question))
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


def python_default(kind: str, default: str | None) -> Value:
    """A default of a header as a value of Python."""
    if default is None:
        return None
    if kind == "boolean":
        return default == "true"
    if kind == "integer":
        return int(default)
    return float(default) if kind == "number" else default


def docstring_lines(question: Question) -> list[str]:
    """What a method says about itself: the question, what a row is, the parameters."""
    lines = [question.text, "", f"One row is {question.grain}."]
    if question.parameters:
        lines.append("")
    lines += [f"{parameter.name}: {parameter.meaning}" for parameter in question.parameters]
    if question.needs:
        needed = ", ".join(" or ".join(group) for group in question.needs)
        lines += ["", f"Needs {needed}; without them there are no rows."]
    return lines
