"""Why an id is on one side only: each reason from answers written down here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from octane_flows import parity
from octane_flows.errors import NotFoundError, RequestError
from octane_flows.parity.requests import DOCUMENTED_REQUESTS
from octane_flows.questions import question_named, run_question
from tests.golden import kit
from tests.golden.cases import case_at

BEFORE, AFTER = "2021-01-20T20:59:59Z", "2021-01-20T21:00:00Z"  # the extract is of 21:00:00
FLOW = question_named("flow", "modules_with_recent_failures")


class Page:
    def __init__(self, rows: list[dict[str, Any]], total_count: int | None = None) -> None:
        self.rows = rows
        self.total_count = len(rows) if total_count is None else total_count


class Rest:
    """A workspace that names `ids`, knows `modified` by id, and counts changed rows."""

    id = "1002"

    def __init__(
        self, ids: list[str], modified: Mapping[str, str | None], changed: int = 0
    ) -> None:
        self.ids, self.modified, self.changed = ids, modified, changed
        self.queries: list[str] = []

    def page(self, collection: str, *, query: str | None = None, **request: Any) -> Page:
        assert query is not None
        self.queries.append(query)
        if query.startswith("test EQ"):
            return Page([{"id": id, "parent": None} for id in self.ids])
        if query.startswith("last_modified GE"):
            return Page([], self.changed if collection == "runs" else 0)
        ids = query.removeprefix("id IN ").split(",")
        if request["fields"] == ["last_modified"] and None in self.modified.values():
            raise RequestError("no such field")
        return Page(
            [{"id": id, "last_modified": self.modified[id]} for id in ids if id in self.modified]
        )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Module 2 has a recent failure."""
    given = case_at(f"{FLOW.slug}/only_automated").given
    with kit.open_empty() as connection, kit.given_rows(connection, given):
        yield connection


def reasons(verification: parity.Verification) -> list[tuple[str, str, str]]:
    return [
        (difference.id, difference.only_in, difference.reason)
        for difference in verification.differences
    ]


def verified(warehouse: duckdb.DuckDBPyConnection, rest: Any) -> parity.Verification:
    return parity.verify_flow(rest, warehouse, FLOW, {"only_automated": "true"})


def test_equal_ids_are_asked_for_their_values_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    rest = Rest(["2"], {})

    verification = verified(warehouse, rest)

    assert (verification.status, verification.octane_count, verification.warehouse_count) == (
        "equal",
        1,
        1,
    )
    assert rest.queries[1:] == ["id IN 2"] * 2  # plain fields, and those of references
    assert verification.compared == "ids alone"


class Shown(Rest):
    """A workspace whose module 2 has a name and a parent, and was last changed at a time."""

    def __init__(self, name: str, parent: str | None, modified: str) -> None:
        super().__init__(["2"], {})
        inner = None if parent is None else {"type": "product_area", "id": "1", "name": parent}
        self.row = {"id": "2", "name": name, "parent": inner, "last_modified": modified}

    def page(self, collection: str, *, query: str | None = None, **request: Any) -> Page:
        if query != "id IN 2":
            return super().page(collection, query=query, **request)
        names = {field.partition("{")[0] for field in request["fields"]}
        return Page([{name: value for name, value in self.row.items() if name in {"id", *names}}])


def shown_of(warehouse: duckdb.DuckDBPyConnection) -> tuple[str, str | None]:
    rows = run_question(warehouse, FLOW, {"only_automated": True}).to_pylist()
    [row] = [row for row in rows if row["application_module_id"] == "2"]
    return row["application_module_name"], row["parent_name"]


def test_equal_values_are_said_to_be_compared(warehouse: duckdb.DuckDBPyConnection) -> None:
    verification = verified(warehouse, Shown(*shown_of(warehouse), BEFORE))

    assert (verification.status, verification.message) == ("equal", "")
    assert verification.compared == "ids, and of 1 row application_module_name, parent_name"


@pytest.mark.parametrize(
    ("modified", "reason", "status"),
    [(BEFORE, "different", "different"), (AFTER, "changed", "changed")],
)
def test_a_value_that_differs_is_told_with_both_values(
    modified: str, reason: str, status: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    name, parent = shown_of(warehouse)
    verification = verified(warehouse, Shown("Renamed", parent, modified))

    assert reasons(verification) == [("2", "neither", reason)]
    assert verification.differences[0].detail == (
        f"application_module_name is 'Renamed' in Octane and {name!r} in the warehouse"
    )
    assert verification.status == status
    assert "1 values differ" in verification.message


def test_a_server_that_refuses_fields_is_told(warehouse: duckdb.DuckDBPyConnection) -> None:
    class Refusing(Shown):
        def page(self, collection: str, *, query: str | None = None, **request: Any) -> Page:
            if any("{" in field for field in request["fields"]):
                raise RequestError("no expansion")
            return super().page(collection, query=query, **request)

    verification = verified(warehouse, Refusing(*shown_of(warehouse), BEFORE))

    assert verification.status == "equal"
    assert verification.compared == (
        "ids, and of 1 row application_module_name (the server refused parent_name)"
    )


@pytest.mark.parametrize(
    ("modified", "changed", "reason", "status"),
    [
        ({"2": BEFORE, "7": AFTER}, 0, "changed", "different"),
        ({"2": AFTER, "7": AFTER}, 0, "changed", "changed"),
        ({"2": BEFORE, "7": BEFORE}, 0, "different", "different"),
        ({"2": BEFORE, "7": BEFORE}, 3, "related changed", "changed"),
        ({"2": BEFORE}, 3, "not readable", "different"),
        ({"2": None, "7": None}, 0, "different", "different"),
    ],
    ids=["one changed", "changed", "different", "related", "not readable", "no last_modified"],
)
def test_each_difference_has_its_reason(
    modified: dict[str, str | None],
    changed: int,
    reason: str,
    status: str,
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    verification = verified(warehouse, Rest(["7"], modified, changed))

    assert reasons(verification)[0] == ("7", "octane", reason)
    assert reasons(verification)[1][:2] == ("2", "warehouse")
    assert verification.status == status
    assert verification.message.startswith("1 only in Octane, 1 only in the warehouse")


def test_ids_beyond_those_looked_up_are_said_to_be_so(
    warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.parity.verify_flows.MOST_EXAMINED", 1)

    verification = verified(warehouse, Rest(["2", "7", "8"], {"7": AFTER}))

    assert reasons(verification) == [("7", "octane", "changed"), ("8", "octane", "not examined")]
    assert verification.status == "different"


def test_a_refusal_is_a_status(warehouse: duckdb.DuckDBPyConnection) -> None:
    class Refusing(Rest):
        def page(self, collection: str, *, query: str | None = None, **request: Any) -> Page:
            raise NotFoundError("There is no such collection.")

    verification = verified(warehouse, Refusing([], {}))

    assert (verification.status, verification.message) == (
        "refused",
        "There is no such collection.",
    )
    assert verification.as_dict()["octane_count"] is None


class LinkedRuns:
    """A workspace of runs, each of a test of its own and linked to a defect of its own."""

    id = "1002"

    def __init__(self, numbers: range) -> None:
        self.rows = [
            {"id": str(n), "test": {"id": n}, "started": BEFORE, "defect": {"data": [{"id": n}]}}
            for n in numbers
        ]

    def page(self, collection: str, *, query: str | None = None, **request: Any) -> Page:
        listed = re.search(r"id IN ([0-9,]+)", str(query))
        ids = listed[1].split(",") if listed else [row["id"] for row in self.rows]
        return Page([row for row in self.rows if row["id"] in ids])


def test_many_ids_are_asked_for_in_portions_that_an_address_can_hold() -> None:
    slug = "closed_defects_of_failed_runs"
    defaults = {
        parameter.name: parameter.default for parameter in question_named("flow", slug).parameters
    }
    given = {"in_one_run": True, "only_newest_runs": True}
    given |= {"only_after_closing": False, "only_after_fixing": False}
    params = {**defaults, **given}
    workspace = LinkedRuns(range(1001, 1251))

    requests, ids = parity.send_requests(workspace, DOCUMENTED_REQUESTS[slug], params)

    assert ids == {row["id"] for row in workspace.rows}
    assert len(requests) == 1 + 3 + 3
    assert max(len(str(request.query)) for request in requests) < 1000
