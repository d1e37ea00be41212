"""Two runs of the simulator with one seed give the same answers, byte for byte."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from octane_simulator import Simulator
from tests.contract.contract_requests import KEY, NOW, PREVIEW, WS


def _story(client: httpx.Client) -> Iterator[httpx.Response]:
    """Sign-in, writes, reads, refusals, faults by chance: all that carries made-up ids."""
    client.put("/simulator/faults", json={"add": [
        {"kind": "unavailable", "times": None, "chance": 0.3, "path": "/defects"},
        {"kind": "session_life", "rotate_every": 2},
        {"kind": "too_many_requests", "after": 3, "retry_after": 5, "as_date": True},
    ]})  # fmt: skip
    yield client.post("/authentication/sign_in", json=KEY)
    for number in range(12):
        yield client.post(f"{WS}/defects", json={"data": [{"name": f"No. {number}"}]})
        yield client.get(f"{WS}/defects", params={"fields": "name,logical_name,creation_time"})
    yield client.post(f"{WS}/user_tags", json={"data": [{"name": "a"}, {"name": "a"}, {"nam": 1}]})
    yield client.put(f"{WS}/defects/1", json={"name": "nobody"})
    yield client.get("/no/such/path")
    run = '<test_run name="t" duration="5" status="Passed"/>'
    xml = f"<test_result><test_runs>{run}</test_runs></test_result>"
    answer = client.post(
        f"{WS}/test-results", content=xml, headers={"Content-Type": "application/xml"}
    )
    yield answer
    yield client.get(f"{WS}/test-results/{answer.json().get('id')}")
    yield client.get(f"{WS}/tests", params={"fields": "name,logical_name,version_stamp"})
    yield client.get(f"{WS}/metadata/fields", params={"query": "\"entity_name EQ 'defect'\""})
    yield client.post("/authentication/sign_out")
    yield client.get("/api/current_user")


def _transcript(seed: int) -> list[tuple[int, list[tuple[bytes, bytes]], bytes]]:
    """Status, headers and the bytes on the wire of each answer."""
    simulator = Simulator(clock=NOW, seed=seed)
    wire: list[bytes] = []

    def recording(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        parts = list(simulator.wsgi(environ, start_response))
        wire.append(b"".join(parts))
        return parts

    transport = httpx.WSGITransport(app=recording)
    with httpx.Client(transport=transport, base_url="http://octane", headers=PREVIEW) as client:
        answers = list(_story(client))
    simulator.close()
    return [
        (answer.status_code, answer.headers.raw, body)
        for answer, body in zip(answers, wire[1:], strict=True)
    ]


def test_two_runs_with_one_seed_are_the_same_byte_for_byte() -> None:
    first, second, other = _transcript(7), _transcript(7), _transcript(8)
    assert first == second
    statuses = {status for status, _, _ in first}
    assert statuses >= {200, 201, 202, 401, 404, 409, 429, 503}
    assert any(b"correlation_id" in body for _, _, body in first)
    packed = [body for _, _, body in first if body[:2] == b"\x1f\x8b"]
    assert packed
    assert all(json.loads(gzip.decompress(body)) for body in packed)
    assert first != other
