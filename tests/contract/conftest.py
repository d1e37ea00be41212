"""A simulator over real HTTP, and a client that is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from octane_simulator import Running, Simulator, serve
from tests.contract.contract_requests import NOW, client_of


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


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A simulator that is called in process."""
    simulator = Simulator(clock=NOW)
    yield simulator
    simulator.close()


@pytest.fixture
def preview(simulator: Simulator) -> Iterator[httpx.Client]:
    """A signed-in client of it that sends the preview header."""
    with client_of(simulator) as client:
        yield client
