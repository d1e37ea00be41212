"""An S3 server of the tests' own, and an empty bucket on it: fixtures for `conftest` files."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from octane_flows.config import LakePlace, Secret
from tests.services import free_port, listens, until


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A process of its own: a client that waits may block all threads of the test process."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: listens(port), "the S3 server listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def bucket(s3_endpoint: str) -> LakePlace:
    """An empty bucket; the lake lies below a prefix of it."""
    name = f"lake-{secrets.token_hex(4)}"
    httpx.put(f"{s3_endpoint}/{name}").raise_for_status()
    return LakePlace(name, "octane/lake", s3_endpoint, "us-east-1", "key", Secret("canary-secret"))
