"""Answers of flows and metrics for requests: parameters as texts in; rows, warnings and SQL out.

`question_pages` writes them as a page, CSV or JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb
import pyarrow as pa

from octane_flows.errors import UsageError
from octane_flows.models.parameter_sources import is_list, value_sources
from octane_flows.models.sql_text import literal
from octane_flows.questions import (
    Question,
    Value,
    given_values,
    parse_parameters,
    partial_answer,
    past_limit,
    question_relation,
)
from octane_flows.serve.bounded_answers import (
    Deadline,
    Limits,
    bounded_table,
    json_rows,
    refusals_of_duckdb,
)
from octane_flows.serve.refused_requests import RefusalError, wrong_request
from octane_flows.serve.served_generations import ServedGeneration

COMMAND = "octane-flows "  # in a sentence that asks for a command
CHOICES = 200  # values of a parameter that a form offers


@dataclass(frozen=True)
class Answer:
    """The rows of one question, and what must be said about them.

    `is_cut`: there are more rows than were fetched.
    """

    question: Question
    values: Mapping[str, Value]
    generation: int
    as_of: datetime
    remarks: tuple[str, ...]
    rows: pa.Table
    is_cut: bool = False
    workspace_names: Mapping[str, str | None] = field(default_factory=dict)


def answer_question(
    generation: ServedGeneration,
    question: Question,
    texts: Mapping[str, str],
    limits: Limits,
    deadline: Deadline,
    *,
    as_json: bool = False,
    first: int | None = None,
) -> Answer:
    """Ask one question. `first`: so many rows are enough. Raises RefusalError."""
    subject = f"The {question.kind} {question.slug}"
    with (
        generation.reader() as reader,
        deadline.interrupting(reader),
        refusals(limits, subject),
    ):
        parse_parameters(question, texts)  # first what is wrong with them as they stand
        given, unknown = given_values(reader.connection, question, texts)
        values = parse_parameters(question, given)
        finding = partial_answer(reader.connection, question)
        limit = past_limit(reader.connection, question, given)
        relation = question_relation(reader.connection, question, values)
        if first is not None:
            relation = relation.limit(first + 1)
        rows = bounded_table(json_rows(relation) if as_json else relation, limits, subject)
    remarks = [value.sentence for value in unknown]
    if limit:
        remarks.append(f"{limit[0].upper()}{limit[1:]}")
    if finding:
        remarks.append(f"{finding[0].upper()}{finding[1:]}.")
    is_cut = first is not None and rows.num_rows > first
    return Answer(
        question,
        values,
        generation.number,
        generation.as_of,
        tuple(remarks),
        rows[:first] if is_cut else rows,
        is_cut,
        generation.workspace_names,
    )


def offered_values(
    generation: ServedGeneration, question: Question, limits: Limits, deadline: Deadline
) -> dict[str, list[str]]:
    """Values that rows have, by parameter, for a form to offer; large sources offer the first."""
    sources = value_sources(question.parameters, question.values)
    offered: dict[str, list[str]] = {}
    with generation.reader() as reader, deadline.interrupting(reader):
        for name, source in sources.items():
            if is_list(name):
                continue
            with refusals_of_duckdb(limits, "The list of values"):
                rows = reader.execute(
                    "select distinct accepted.value from meta.accepted_values as accepted "
                    f"where accepted.source = ? order by accepted.value limit {CHOICES}",
                    [source.name],
                ).fetchall()
            offered[name] = [value for (value,) in rows]
    return offered


@contextmanager
def refusals(limits: Limits, subject: str) -> Iterator[None]:
    """What is wrong with a question or its values, as refusals."""
    with refusals_of_duckdb(limits, subject):
        try:
            yield
        except UsageError as error:
            if isinstance(error.__cause__, duckdb.Error):
                raise error.__cause__ from None
            if COMMAND in str(error):  # it is not the request that has to be corrected
                raise RefusalError(503, f"{error} That is for whoever runs this server.") from None
            raise wrong_request(str(error)) from None


def texts_of_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters of an address. Raises RefusalError for a name that is given twice."""
    texts: dict[str, str] = {}
    for name, text in pairs:
        if name in texts:
            raise wrong_request(f"The parameter {name} is given twice; give it once.")
        texts[name] = text
    return texts


def call_of(question: Question, values: Mapping[str, Value]) -> str:
    """The SQL that gives the same rows in any DuckDB client."""
    inputs = ", ".join(f"{name} := {_sql(value)}" for name, value in values.items())
    return f"from {question.name}({inputs})"


def _sql(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return literal(value.isoformat(" ") if isinstance(value, datetime) else _text(value))


def _text(value: str | date) -> str:
    return value if isinstance(value, str) else value.isoformat()
