"""Each kind of client sends its calls to the simulator over HTTP, in their order."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator, serve
from tests.contract.client_calls import CLIENTS, Call, ClientKind
from tests.contract.contract_requests import NOW

PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def filled(text: str, kept: dict[str, str]) -> str:
    """A text with the ids of earlier answers; other braces belong to the query."""
    return PLACEHOLDER.sub(lambda match: kept.get(match[1], match[0]), text)


def send(client: httpx.Client, call: Call, kept: dict[str, str]) -> Any:
    path = filled(call.path, kept)
    plain = isinstance(call.body, str) or call.body is None
    content = call.body if plain else filled(json.dumps(call.body), kept)
    headers = {"Content-Type": call.content_type} if content is not None else {}
    answer = client.request(call.method, path, content=content, headers=headers)
    assert answer.status_code == call.status, (call.method, path, answer.text)
    body = answer.json() if answer.text.startswith("{") else {}
    if call.has is not None:
        assert call.has in body, (path, body)
    if call.keep is not None:
        kept[call.keep] = str(body["data"][0]["id"] if "data" in body else body["id"])
    return body


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)
def test_every_call_of_a_kind_of_client_is_answered(kind: ClientKind) -> None:
    simulator = Simulator(clock=NOW, faults=[{"kind": "long_poll", "seconds": 0}])
    kept: dict[str, str] = {}
    with (
        serve(simulator) as running,
        httpx.Client(base_url=running.url, headers=kind.headers) as client,
    ):
        for call in kind.calls:
            send(client, call, kept)
    simulator.close()


def test_what_a_call_reads_is_there() -> None:
    """A query that selects nothing would be answered as well: three calls are looked at closely."""
    (github,) = (kind for kind in CLIENTS if "GitHub" in kind.name)
    simulator = Simulator(clock=NOW, faults=[{"kind": "long_poll", "seconds": 0}])
    kept: dict[str, str] = {}
    with (
        serve(simulator) as running,
        httpx.Client(base_url=running.url, headers=github.headers) as client,
    ):
        answers = [(call, send(client, call, kept)) for call in github.calls]
    simulator.close()
    counts = [answer.get("total_count") for call, answer in answers if "/ci_jobs?" in call.path]
    assert counts == [1, 1]
    counts = [answer.get("total_count") for call, answer in answers if "/ci_builds?" in call.path]
    assert counts == [1]
    counts = [
        answer.get("total_count") for call, answer in answers if "/pipeline_nodes?" in call.path
    ]
    assert counts == [2]
