"""The types of all columns of all questions: what a column is called says what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb
import pytest

from octane_flows.questions import Kind, Question, list_questions
from tests.golden import kit

#: How names end or begin, and the types that such columns have; the first that fits decides.
TYPES = (
    (r"_(count|rank|number|bytes)$|^step$", {"BIGINT"}),
    (r"_(ratio|speed)$", {"DOUBLE"}),
    (r"_(days|hours|minutes|seconds|ms)$", {"BIGINT", "DOUBLE"}),
    (r"^(is|has|was|are)_", {"BOOLEAN"}),
    (r"_at$", {"TIMESTAMP"}),
    (r"_date$", {"DATE"}),
    (r"_value$", {"DOUBLE", "VARCHAR"}),
    (r"^depth$", {"INTEGER"}),
    (r"^(expected|body)$", {"JSON"}),
    (r"", {"VARCHAR"}),
)
KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")
QUESTIONS = [question for kind in KINDS for question in list_questions(kind)]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as opened:
        yield opened


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_counts_ratios_times_and_ids_have_the_types_of_their_names(
    question: Question, connection: duckdb.DuckDBPyConnection
) -> None:
    types = {
        name: kind
        for name, kind, *_ in connection.execute(f"describe from {question.name}()").fetchall()
    }

    for name, kind in types.items():
        expected = next(kinds for ending, kinds in TYPES if re.search(ending, name))
        assert kind in expected, (name, kind)
