"""The functions that models share: names are compared as Octane does, items have an address."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from octane_flows.models.model import FUNCTION_SOURCES
from octane_flows.models.shared_functions import FUNCTIONS
from octane_flows.warehouse import load_models
from tests.golden import kit


@pytest.fixture(scope="module")
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    with kit.open_empty() as connection:
        yield connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str, *values: str | None) -> object:
    row = connection.execute(f"select {sql}", list(values)).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("name", "pattern", "is_like"),
    [
        ("941.1", "941*", True),
        ("9412", "941*", True),
        ("1941", "941*", False),
        ("Message queue", "messag*", True),
        ("Übung", "übung", True),
        ("941", "94", False),
        ("a_b", "a_b", True),
        ("axb", "a_b", False),
        ("100 %", "100 %", True),
        ("100 of", "100 %", False),
        ("back\\slash", "back\\slash", True),
        ("", "*", True),
        (None, "*", None),
    ],
)
def test_a_name_is_compared_as_octane_does(
    name: str | None, pattern: str, is_like: bool | None, empty: duckdb.DuckDBPyConnection
) -> None:
    assert answer(empty, "er.name_matches(?, ?)", name, pattern) is is_like


@pytest.mark.parametrize(
    ("code", "rules", "days"),
    [
        ("list_node.severity.high", "very_high=5,high=14", 14),
        ("list_node.severity.high", "Very_High: 5, list_node.severity.HIGH: 14", 14),
        ("list_node.severity.high", "high,very_high=5", 0),
        ("list_node.severity.high", "very_high=5", None),
        ("list_node.severity.high", "high=soon", None),
        ("list_node.severity.high", "high=99999999999", None),
        ("list_node.severity.made(up", "made(up=3", 3),
        (None, "high=14", None),
    ],
)
def test_rules_by_severity_tell_when_a_defect_is_overdue(
    code: str | None, rules: str, days: int | None, empty: duckdb.DuckDBPyConnection
) -> None:
    assert answer(empty, "er.allowed_days(?, ?)", code, rules) == days


@pytest.mark.parametrize(
    ("code", "codes", "is_listed"),
    [
        ("phase.story.new", "phase.story.new", True),
        ("phase.story.new", "phase.story.done, Phase.Story.NEW", True),
        ("phase.story", "phase.story.new", False),
        (None, "phase.story.new", None),
    ],
)
def test_a_logical_name_is_looked_for_in_a_list(
    code: str | None, codes: str, is_listed: bool | None, empty: duckdb.DuckDBPyConnection
) -> None:
    assert answer(empty, "er.is_listed(?, ?)", code, codes) is is_listed


def test_a_moment_that_is_not_given_is_that_of_the_extract(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    assert answer(empty, "cast(er.as_of(null) as varchar)") == "2021-01-20 21:00:00"
    moment = "2020-02-29 08:00:00"
    assert answer(empty, "cast(er.as_of(cast(? as timestamp)) as varchar)", moment) == moment


def test_environment_tags_are_listed_behind_their_categories(
    empty: duckdb.DuckDBPyConnection,
) -> None:
    tags = "(values ('OS', 'Linux'), ('Browser', 'Firefox'), (null, 'x'), ('Browser', 'Chrome'))"
    listed = empty.execute(
        f"select er.environment_list(tags.category, tags.name) from {tags} as tags (category, name)"
    ).fetchone()

    assert listed == ("Browser: Chrome, Browser: Firefox, OS: Linux, x",)


def test_a_model_reads_what_the_functions_that_it_calls_read() -> None:
    bodies = {signature.partition("(")[0]: body for signature, (_, body) in FUNCTIONS.items()}
    reading = {f"er.{name}" for name, body in bodies.items() if " from " in body}
    callers = [model for model in load_models() if any(f"{name}(" in model.sql for name in reading)]

    assert reading == set(FUNCTION_SOURCES)
    assert callers
    assert all("meta.generation" in model.sources for model in callers)


def test_an_item_has_the_address_that_octane_shows_it_at(empty: duckdb.DuckDBPyConnection) -> None:
    url = answer(empty, "er.item_url('work_item', ?, ?)", "1002", "77")

    assert url == ("http://127.0.0.1/ui/entity-navigation?p=1001/1002&entityType=work_item&id=77")


def test_the_signed_in_user_is_found_by_name_in_each_workspace() -> None:
    with kit.open_empty() as connection:
        connection.execute(
            "insert into octane.workspace_user (_workspace_id, id, name) values "
            "('1002', '1005', 'ME'), ('1003', '1009', 'me'), ('1004', '1', 'somebody')"
        )
        rows = connection.execute("select * from er.signed_in_users order by all").fetchall()

    assert rows == [("1002", "1005", "ME"), ("1003", "1009", "me")]
