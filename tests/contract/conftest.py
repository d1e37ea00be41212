"""A simulator over real HTTP, and a client that is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from octane_simulator import Running, Simulator, serve
from tests.contract.contract_requests import NOW


@pytest.fixture
def running() -> Iterator[Running]:
    simulator = Simulator(clock=NOW)
    with serve(simulator) as running:
        yield running
    simulator.close()


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url) as client:
        body = {"client_id": running.client_id, "client_secret": running.client_secret}
        client.post("/authentication/sign_in", json=body).raise_for_status()
        yield client
