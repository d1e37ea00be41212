"""Calling flows: names and values are checked, and each refusal says what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows import parity
from octane_flows.errors import AnswerError, UsageError
from octane_flows.parity.requests import (
    DOCUMENTED_REQUESTS,
    DocumentedRequests,
    Params,
    Request,
    Steps,
)
from octane_flows.parity.requests.documented_requests import pattern, single
from octane_flows.questions import (
    documented_flows,
    list_questions,
    parse_parameters,
    partial_answer,
    question_named,
    run_question,
    store_answer,
)
from tests.golden import kit
from tests.golden.cases import case_at

SLUG = "modules_with_recent_failures"


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as connection:
        yield connection


def test_documented_flows_come_in_the_order_of_their_numbers() -> None:
    assert [flow.number for flow in documented_flows()] == list(range(1, 26))


@pytest.mark.parametrize("flow", list_questions("flow"), ids=lambda flow: flow.slug)
def test_columns_of_the_answer_are_the_documented_ones(
    flow: Any, empty: duckdb.DuckDBPyConnection
) -> None:
    answer = run_question(empty, flow)

    assert answer.column_names == [column.name for column in flow.columns]
    assert set(flow.key) <= set(answer.column_names)


def test_an_unknown_flow_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'planned_runs'"):
        question_named("flow", "planed_runs")


def test_an_unknown_parameter_names_the_nearest(empty: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="did you mean 'hours'"):
        run_question(empty, question_named("flow", SLUG), {"hour": "3"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("as_of", "yesterday", "write a date and time in UTC"),
        ("as_of", "2021-13-01", "write a date and time in UTC"),
        ("hours", "many", "write a whole number"),
        ("hours", "-1", "write a whole number from zero on"),
        ("hours", "2147483648", "write a whole number up to 2,147,483,647"),
        ("hours", "99999999999999999999", "write a whole number from zero on"),
        ("only_automated", "perhaps", "write true or false"),
    ],
)
def test_a_bad_value_says_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        parse_parameters(question_named("flow", SLUG), {name: value})

    assert value in str(raised.value)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e400", "1e200"])
def test_a_number_is_finite_and_not_below_zero(value: str) -> None:
    with pytest.raises(UsageError, match="write a number from zero on"):
        parse_parameters(question_named("metric", "flaky_tests"), {"z": value})


@pytest.mark.parametrize(
    "text",
    [
        "2021-01-20T21:00:00Z",
        "2021-01-20T21:00:00",
        "2021-01-20T22:00:00+01:00",
        "2021-01-20 21:00",
    ],
)
def test_moments_are_taken_as_utc_with_and_without_a_zone(text: str) -> None:
    values = parse_parameters(question_named("flow", SLUG), {"as_of": text})

    assert values == {"as_of": datetime(2021, 1, 20, 21)}


def test_nothing_written_means_null_where_null_means_something() -> None:
    flow = question_named("flow", "open_high_severity_defects")

    assert parse_parameters(flow, {"severity_codes": ""}) == {"severity_codes": None}
    with pytest.raises(UsageError, match="whole number"):
        parse_parameters(question_named("flow", SLUG), {"hours": ""})


def test_a_column_means_the_same_in_every_flow() -> None:
    meanings: dict[str, dict[str, list[str]]] = {}
    for flow in list_questions("flow"):
        for column in flow.columns:
            meanings.setdefault(column.name, {}).setdefault(column.meaning, []).append(flow.slug)
    differing = {name: said for name, said in meanings.items() if len(said) > 1}

    assert set(differing) <= {"test_name"}, differing


def test_a_parameter_means_the_same_in_every_flow() -> None:
    kinds: dict[str, set[str]] = {}
    for flow in list_questions("flow"):
        for parameter in flow.parameters:
            kinds.setdefault(parameter.name, set()).add(parameter.type)

    assert {name: meanings for name, meanings in kinds.items() if len(meanings) > 1} == {}


def test_a_number_too_large_is_told(empty: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="write a whole number up to 2,147,483,647"):
        run_question(empty, question_named("flow", SLUG), {"hours": "9000000000000000"})


def test_an_unfinished_result_of_the_caller_does_not_matter(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    empty.execute("select * from range(3)").fetchone()

    assert run_question(empty, question_named("flow", SLUG)).num_rows == 0


def test_a_partial_answer_is_given_and_said(tmp_path: Path) -> None:
    with kit.open_empty() as connection:
        assert partial_answer(connection, question_named("flow", SLUG)) is None
        connection.execute(
            "update meta.models set status = 'partial', reason = 'the lake has no octane.run' "
            "where model = 'flow.' || ?",
            [SLUG],
        )
        assert run_question(connection, question_named("flow", SLUG)).num_rows == 0
        assert partial_answer(connection, question_named("flow", SLUG)) == (
            f"the answer of {SLUG} is partial: the lake has no octane.run"
        )


def test_another_database_is_told_from_a_warehouse() -> None:
    with duckdb.connect() as connection, pytest.raises(UsageError, match="no octane-flows"):
        run_question(connection, question_named("flow", SLUG))


@pytest.mark.parametrize(
    ("slug", "params", "text"),
    [
        (
            "planned_runs",
            {"exclude_runs_inside_suites": "true", "run_by_user_id": "1001"},
            "status EQ {logical_name EQ 'list_node.run_status.planned'};"
            "test EQ {subtype EQ 'test_manual'||subtype EQ 'gherkin_test'||"
            "subtype EQ 'test_suite'};run_by EQ {id EQ 1001};parent_suite EQ {null}",
        ),
        (
            "recent_failed_automated_tests",
            {"release_name": "236.2"},
            "last_runs EQ {(release EQ {name EQ ^236.2^});"
            "(status EQ {logical_name EQ ^list_node.run_status.failed^});"
            "(creation_time GT ^2021-01-19T21:00:00Z^)}",
        ),
        (
            "modules_with_recent_failures",
            {"only_automated": "true", "hours": "1"},
            "test EQ {subtype EQ ^test_automated^;last_runs EQ {status EQ {logical_name EQ "
            "^list_node.run_status.failed^};creation_time GT ^2021-01-20T20:00:00Z^}}",
        ),
        (
            "open_high_severity_defects",
            {"severity_codes": "a, b"},
            "product_areas EQ {name EQ ^*^};phase EQ {logical_name EQ ^phase.defect.opened^};"
            "severity EQ {logical_name IN ^a^,^b^}",
        ),
        (
            "my_new_stories",
            {"release_name": "941*", "user_id": "1001"},
            "release EQ {name EQ ^941*^};phase EQ {logical_name EQ ^phase.story.new^};"
            "owner EQ {id EQ 1001}",
        ),
        (
            "my_opened_defects_to_test",
            {"sprint_name": "Sprint 1", "release_name": "941", "user_id": "1001"},
            "sprint EQ {name EQ ^Sprint 1^;release EQ {name EQ ^941^}};"
            "phase EQ {logical_name EQ ^phase.defect.opened^};qa_owner EQ {id EQ 1001}",
        ),
        (
            "comments_on_my_manual_tests",
            {"user_id": "1001"},
            "owner_test EQ {subtype EQ 'test_manual';owner EQ {id EQ 1001}}",
        ),
        (
            "my_gherkin_tests_to_automate",
            {"user_id": "1001"},
            "owner EQ {id EQ 1001};automation_status EQ {logical_name EQ "
            "^list_node.automation_status.ready_for_automation^}",
        ),
        (
            "release_runs_with_environments",
            {"release_name": "732.*", "environment_category_name": "Browser"},
            "release EQ {name EQ ^732.*^};taxonomies EQ {category EQ {name EQ ^Browser^}}",
        ),
        (
            "tagged_automated_tests",
            {"user_tag_name": "security", "application_module_name": "Messag*"},
            "user_tags EQ {name EQ ^security^};product_areas EQ {name EQ ^Messag*^}",
        ),
        (
            "features_with_recent_failures",
            {},
            "(test EQ {last_runs EQ {status EQ {logical_name EQ ^list_node.run_status.failed^};"
            "creation_time GT ^2021-01-19T21:00:00Z^}})||(children EQ {test EQ {last_runs EQ "
            "{status EQ {logical_name EQ ^list_node.run_status.failed^};"
            "creation_time GT ^2021-01-19T21:00:00Z^}}})",
        ),
        (
            "failed_previous_runs",
            {"run_id": "1000", "days": "1"},
            "run_id EQ 1000;run_native_status EQ {logical_name EQ "
            "^list_node.run_native_status.failed^};run_started GT ^2021-01-19T21:00:00Z^",
        ),
    ],
)
def test_the_documented_query_is_what_the_page_says(
    slug: str, params: dict[str, str], text: str, empty: duckdb.DuckDBPyConnection
) -> None:
    values = parity.effective_parameters(empty, "1002", slug, params)
    request = next(parity.documented_requests(slug).steps(values))

    assert request.query == text


def test_every_flow_has_documented_requests_that_answer_one_of_its_columns() -> None:
    assert set(DOCUMENTED_REQUESTS) >= {flow.slug for flow in documented_flows()}
    for flow in parity.flows_with_requests():
        assert DOCUMENTED_REQUESTS[flow.slug].key in {column.name for column in flow.columns}


def test_the_other_reading_of_an_unclear_page_is_a_parameter() -> None:
    for flow in parity.flows_with_requests():
        for reading in DOCUMENTED_REQUESTS[flow.slug].readings:
            assert set(reading.parameters) <= {parameter.name for parameter in flow.parameters}


def test_a_flow_of_several_requests_is_given_each_answer() -> None:
    def steps(params: Params) -> Steps:
        first = yield Request("features")
        second = yield Request("stories", f"parent EQ {{id EQ {first[0]['id']}}}")
        return {str(row["id"]) for row in second[1:]}

    sent, ids = parity.send_requests(
        Rest(), DocumentedRequests("features", "feature_id", steps, "page"), {}
    )

    assert [request.query for request in sent] == [None, "parent EQ {id EQ 1}"]
    assert ids == {"2"}


def test_a_flow_that_means_nobody_asks_nothing() -> None:
    nobody = DocumentedRequests(
        "stories", "story_id", single("stories", lambda params: None), "page"
    )

    assert parity.send_requests(Rest(), nobody, {}) == ((), frozenset())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("941", "^941^"),
        ("it's", "^it's^"),
        ("a^b", "'a^b'"),
        ("a\\'b", "'a\\\\\\'b'"),
        ('"(x)"', "'\\\"\\(x\\)\\\"'"),
    ],
)
def test_a_text_is_written_so_that_octane_reads_it_back(value: str, written: str) -> None:
    assert pattern(value) == written


def test_a_star_in_a_logical_name_is_refused(empty: duckdb.DuckDBPyConnection) -> None:
    values = parity.effective_parameters(
        empty, "1002", "failed_previous_runs", {"status_code": "*"}
    )

    with pytest.raises(UsageError, match="wildcard"):
        next(parity.documented_requests("failed_previous_runs").steps(values))


class Rest:
    """A workspace that gives two ids in pages of one."""

    id = "1002"

    def __init__(self, total_count: int = 2) -> None:
        self.total_count = total_count
        self.rows: list[dict[str, Any]] = []

    def page(self, collection: str, **request: Any) -> Rest:
        answer = Rest(self.total_count)
        answer.rows = [{"id": str(number)} for number in (1, 2)][request["offset"] :][:1]
        return answer


def test_ids_of_both_sides_are_compared(empty: duckdb.DuckDBPyConnection) -> None:
    compared = parity.compare(Rest(), empty, "planned_runs")

    assert compared.rest_ids == compared.only_in_octane == {"1", "2"}
    assert compared.sql_ids == compared.only_in_warehouse == frozenset()
    assert not compared.is_equal


def test_rows_that_do_not_add_up_are_refused(empty: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(AnswerError, match="many ids as the server counts"):
        parity.compare(Rest(3), empty, "planned_runs")


def test_a_stored_answer_is_the_whole_answer_in_its_order() -> None:
    metrics = ["results_per_week", "failing_tests", "time_in_phase", "current_failures"]
    given = case_at("current_failures/ordinary").given
    row_counts = []
    with kit.open_filled(given, kit.WORKSPACES) as connection:
        for question in [question_named("metric", slug) for slug in metrics]:
            whole = run_question(connection, question)
            store_answer(connection, question, "answer")

            assert connection.sql("from answer").to_arrow_table().equals(whole)
            row_counts.append(whole.num_rows)
    assert min(row_counts) == 0
    assert max(row_counts) > 1
