"""Requests that the tests of the simulator's rules share: rows, references, a release."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
Row = dict[str, Any]


def make(client: httpx.Client, collection: str, **row: Any) -> str:
    """The id of a row that is created."""
    answer = client.post(f"/{collection}", json={"data": [row]})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["data"][0]["id"]
    return made


def rows(client: httpx.Client, path: str, **params: str) -> list[Row]:
    """The rows that a path answers."""
    answer = client.get(f"/{path}", params=params)
    assert answer.status_code == 200, answer.text
    answer_rows: list[Row] = answer.json()["data"]
    return answer_rows


def ref(kind: str, identifier: str) -> Row:
    """A reference as the REST API takes it."""
    return {"type": kind, "id": identifier}


def node(word: str) -> Row:
    """A reference to a native status of runs."""
    return ref("list_node", f"list_node.run_native_status.{word}")


def release(client: httpx.Client, name: str = "R") -> Row:
    """A reference to a release that is created."""
    made = make(client, "releases", name=name, start_date="2026-01-01T00:00:00Z",
                end_date="2026-06-01T00:00:00Z")  # fmt: skip
    return ref("release", made)
