"""A simulated server with few entity types, and the rows that a lake has: for tests of extracts.

Metadata is cut down on its way, so that a whole extract takes a few dozen milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.client import Octane
from octane_flows.client.session import Timing
from octane_flows.client.transport import Request, Response
from octane_flows.extract import ExtractReport, Options, extract
from octane_flows.lake import Lake
from octane_flows.warehouse.incremental.table_changes import plan_rebuild
from octane_flows.warehouse.table_loading import create_schemas, load_tables
from octane_simulator import Simulator
from tests.wsgi import WsgiTransport, settings_for

START = datetime(2021, 1, 20, 12, tzinfo=UTC)
TYPES = frozenset({"work_item", "defect", "story", "list_node"})
#: Fields that stay; everything else only costs time.
FIELDS = frozenset({"name", "severity", "user_tags", "last_modified", "version_stamp", "list_root"})


class SmallTransport(WsgiTransport):
    """A transport whose metadata names few entity types and fields, and all user-defined ones."""

    types = TYPES
    fields = FIELDS

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        kind = request.url.partition("?")[0].rpartition("/metadata/")[2]
        if answer.status != 200 or kind not in ("entities", "fields"):
            return answer
        body: dict[str, Any] = json.loads(answer.body)
        body["data"] = [entry for entry in body["data"] if self._is_kept(kind, entry)]
        body["total_count"] = len(body["data"])
        return replace(answer, body=json.dumps(body).encode())

    def _is_kept(self, kind: str, entry: dict[str, Any]) -> bool:
        if kind == "entities":
            return entry["name"] in self.types
        return entry["name"] in self.fields or entry["name"].endswith("_udf")


@pytest.fixture
def small() -> Simulator:
    """An empty server at noon of a day in 2021."""
    return Simulator(clock=START)


def run_extract(
    simulator: Simulator,
    home: Path,
    transport: WsgiTransport | None = None,
    lake: Lake | None = None,
    workspaces: tuple[str, ...] | None = None,
    **choices: Any,
) -> ExtractReport:
    """One extract in process, with pages of three rows and no thread more than requests.

    `workspaces` None: the first one; (): all that the server lists.
    """
    values = {
        "page_size": 3,
        "concurrency": 2,
        "decoding": 0,
        "only": ("defect", "story"),
        **choices,
    }
    timing = Timing(sleep=lambda _: None)
    with Octane(
        settings_for(simulator), transport=transport or SmallTransport(simulator), timing=timing
    ) as octane:
        return extract(
            octane,
            home,
            lake=lake,
            workspaces=None if workspaces == () else workspaces or (simulator.workspace,),
            options=Options(**values),
        )


def loaded(home: Path) -> duckdb.DuckDBPyConnection:
    """The current state as the warehouse loads it."""
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    connection = duckdb.connect(":memory:")
    create_schemas(connection)
    load_tables(connection, lake, plan_rebuild(manifest.tables.values()))
    return connection


def rows_in(
    connection: duckdb.DuckDBPyConnection, entity: str, *columns: str
) -> dict[str, tuple[Any, ...]]:
    """The rows of one entity type by id; asserts that none is there twice."""
    names = ", ".join(f'"{name}"' for name in ("id", *columns))
    rows = connection.execute(f"select {names} from octane.{entity}").fetchall()
    by_id = {row[0]: row[1:] for row in rows}
    assert len(by_id) == len(rows), f"{entity}: rows are there twice"
    return by_id


def links_in(
    connection: duckdb.DuckDBPyConnection, entity: str, field: str
) -> dict[str, list[str]]:
    """The link sets of one field by owner; asserts that no pair is there twice."""
    rows = connection.execute(
        f"select source_id, target_id from octane.{entity}__{field} order by all"
    ).fetchall()
    assert len(set(rows)) == len(rows), f"{entity}.{field}: pairs are there twice"
    links: dict[str, list[str]] = {}
    for owner, target in rows:
        links.setdefault(owner, []).append(target)
    return links


def stored_rows(home: Path, entity: str, *columns: str) -> dict[str, tuple[Any, ...]]:
    """`rows_in` for the current state of a lake."""
    with loaded(home) as connection:
        return rows_in(connection, entity, *columns)


def stored_links(home: Path, entity: str, field: str) -> dict[str, list[str]]:
    """`links_in` for the current state of a lake."""
    with loaded(home) as connection:
        return links_in(connection, entity, field)


class Killed(BaseException):
    """The process ends here."""


def killer(place: int) -> Callable[[Request], None]:
    """Ends the process before request `place`, the first is 0."""
    left = place

    def before(_: Request) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    return before
