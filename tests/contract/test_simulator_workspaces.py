"""Workspaces of one space have rows of their own and share ids, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from octane_simulator import Running, Simulator, serve

SPACE = "/api/shared_spaces/1001"


@pytest.fixture
def running() -> Iterator[Running]:
    simulator = Simulator(workspaces=["1002", "1003"])
    with serve(simulator) as running:
        yield running
    simulator.close()


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    auth = httpx.BasicAuth(running.client_id, running.client_secret)
    headers = {"ALM-OCTANE-TECH-PREVIEW": "true"}
    with httpx.Client(base_url=running.url + SPACE, auth=auth, headers=headers) as client:
        yield client


def rows(client: httpx.Client, path: str, **params: str) -> list[dict[str, Any]]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    answer_rows: list[dict[str, Any]] = answer.json()["data"]
    return answer_rows


def test_both_workspaces_are_listed_and_the_master_is_not(client: httpx.Client) -> None:
    assert [row["id"] for row in rows(client, "/workspaces")] == ["1002", "1003"]
    assert client.get("/workspaces/1003").json()["name"] == "Simulated workspace 1003"
    assert client.get("/workspaces/500/releases").json()["total_count"] == 0
    assert client.get("/workspaces/1004/releases").status_code == 404


def test_work_item_ids_are_unique_over_the_space(client: httpx.Client) -> None:
    made = [
        client.post(f"/workspaces/{identifier}/defects", json={"data": [{"name": "D"}]}).json()[
            "data"
        ][0]
        for identifier in ("1002", "1003", "1002")
    ]
    roots = {
        identifier: rows(client, f"/workspaces/{identifier}/work_item_roots")[0]["id"]
        for identifier in ("1002", "1003")
    }
    assert roots == {"1002": "1001", "1003": "1002"}
    assert [row["id"] for row in made] == ["1003", "1004", "1005"]
    assert client.get("/workspaces/1002/defects/1004").status_code == 404
    answer_rows = rows(client, "/workspaces/1003/defects", fields="parent,workspace_id")
    assert [(row["workspace_id"], row["parent"]["id"]) for row in answer_rows] == [(1003, "1002")]
    query = '"workspace_id EQ 1003"'
    assert len(rows(client, "/workspaces/1003/defects", query=query)) == 1
    root = client.get(
        "/workspaces/1003/metadata/entities", params={"query": "\"name EQ 'defect'\""}
    ).json()["data"][0]
    hierarchy = next(f for f in root["features"] if f["name"] == "hierarchy")
    assert hierarchy["root"]["id"] == "1002"


def test_a_feeder_fills_the_workspace_it_is_made_for(running: Running) -> None:
    running.simulator.feeder("1003").create("releases", [{
        "name": "R", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z",
    }])  # fmt: skip
    other = running.simulator.workspaces["1003"].store
    assert (len(running.simulator.store.find("release")), len(other.find("release"))) == (0, 1)


@pytest.mark.parametrize("ids", [[], ["500"], ["1002", "1002"]])
def test_workspaces_that_cannot_be_are_refused(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="different ids"):
        Simulator(workspaces=ids)
