"""An S3 server of our own for a lake in a bucket, and a small simulated server with ten defects."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer

from octane_flows.config import LakePlace, Secret
from octane_flows.simulator import Simulator
from tests.small_defects import ten_defects


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str) -> LakePlace:
    """An empty bucket; the lake lies below a prefix of it."""
    name = f"lake-{secrets.token_hex(4)}"
    httpx.put(f"{s3_endpoint}/{name}").raise_for_status()
    return LakePlace(name, "octane/lake", s3_endpoint, "us-east-1", "key", Secret("canary-secret"))


@pytest.fixture
def simulator() -> Simulator:
    """Ten defects, of which the first two have tags, written an hour before the first extract."""
    return ten_defects()
