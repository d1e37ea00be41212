"""Requests over HTTP that the tests of the simulator share: create, read, switch faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from octane_simulator import Simulator

NOW = datetime(2021, 1, 20, 21, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
KEY = {"client_id": "simulator_client", "client_secret": "simulator_secret"}
PREVIEW = {"ALM-OCTANE-TECH-PREVIEW": "true"}


def make(client: httpx.Client, collection: str, *rows: dict[str, Any]) -> list[str]:
    answer = client.post(f"{WS}/{collection}", json={"data": list(rows)}, headers=PREVIEW)
    assert answer.status_code == 201, answer.text
    return [row["id"] for row in answer.json()["data"]]


def get(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(f"{WS}/{path}", params=params, headers=PREVIEW)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {
        "error_code", "correlation_id", "description", "description_translated", "properties",
        "stack_trace", "business_error",
    }  # fmt: skip
    assert len(body["correlation_id"]) == 25
    return answer.status_code, body["error_code"]


@contextmanager
def client_of(simulator: Simulator) -> Iterator[httpx.Client]:
    transport = httpx.WSGITransport(app=simulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://octane", headers=PREVIEW) as client:
        client.post("/authentication/sign_in", json=KEY).raise_for_status()
        yield client


def switch(client: httpx.Client, kind: str, **options: Any) -> None:
    answer = client.post("/simulator/faults", json={"kind": kind, **options})
    assert answer.status_code == 200, answer.text
