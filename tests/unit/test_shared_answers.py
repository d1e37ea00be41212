"""Answers that several questions of a report read are evaluated once, and no row differs by it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from octane_flows import __version__
from octane_flows.errors import UsageError
from octane_flows.models.macros import macro_sql
from octane_flows.models.model import load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.questions import question_named, run_question
from octane_flows.reports.report_content import METRIC_AREAS
from octane_flows.reports.shared_answers import SHARED, SharedAnswers
from octane_flows.reports.stored_answers import StoredAnswers
from tests.golden.cases import all_cases
from tests.golden.warehouse import CaseWarehouse

READERS = (
    "current_failures", "failure_bursts", "flaky_tests", "problematic_tests", "test_repair_times",
    "test_states", "triage",
)  # fmt: skip
#: The report asks for them one after the other; each is to read what the ones before stored.
IN_ORDER = [slug for slugs in METRIC_AREAS.values() for slug in slugs if slug in READERS]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    models = {f"metric.{slug}" for slug in READERS}
    with CaseWarehouse(case for case in all_cases() if case.model in models) as warehouse:
        warehouse.connection.execute(
            "create or replace table meta.build as select ? as built_by, ? as models_digest",
            [__version__, models_digest(load_models())],
        )
        yield warehouse.connection


def test_shared_answers_have_the_rows_of_the_questions_in_their_order(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    answers = StoredAnswers(connection, [])
    for slug in IN_ORDER:
        question = question_named("metric", slug)
        table = answers.table(question)
        expected = run_question(connection, question)

        assert expected.num_rows > 1, f"the cases of {slug} say nothing"
        assert answers.select(f"from {table}").equals(expected), slug


def test_each_reader_reads_what_is_stored(connection: duckdb.DuckDBPyConnection) -> None:
    shared = SharedAnswers(connection.cursor())

    assert shared.sources("metric.triage") == ("metric.current_failures", "metric.test_states")
    for slug in READERS:
        assert shared.sources(f"metric.{slug}"), f"{slug} is evaluated without shared answers"
    for name in SHARED:
        assert any(name in shared.sources(f"metric.{slug}") for slug in READERS), name


def test_the_outcomes_are_evaluated_once(connection: duckdb.DuckDBPyConnection) -> None:
    answers = StoredAnswers(connection, [])
    answers.table(question_named("metric", "current_failures"))
    outcomes = next(model for model in load_models() if model.name == "metric.test_outcomes")
    connection.execute("drop macro table metric.test_outcomes")
    try:
        with pytest.raises(UsageError):
            run_question(connection, question_named("metric", "test_states"))
        table = answers.table(question_named("metric", "test_states"))
    finally:
        connection.execute(macro_sql(outcomes))

    assert answers.number(f"select count(*) from {table}") > 1


def test_other_parameters_than_the_defaults_are_evaluated_anew(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    shared = SharedAnswers(connection.cursor())

    assert shared.sources("metric.changes") == ()
    assert shared.macro("metric.changes") == "metric.changes"


@pytest.mark.parametrize("column", ["built_by", "models_digest"])
def test_a_warehouse_of_other_models_answers_with_its_own_macros(
    connection: duckdb.DuckDBPyConnection, column: str
) -> None:
    cursor = connection.cursor()
    cursor.execute("begin")
    cursor.execute(f"update meta.build set {column} = 'another'")

    assert SharedAnswers(cursor).macro("metric.triage") == "metric.triage"
    cursor.execute("rollback")


def test_a_warehouse_that_does_not_tell_its_models_answers_with_its_own_macros() -> None:
    with duckdb.connect() as connection:
        assert SharedAnswers(connection).macro("metric.triage") == "metric.triage"
