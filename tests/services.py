"""Servers that the tests start for themselves: Redis, and what tells that one listens.

A folder in, an address out; each serves the loopback interface alone and ends with its test. On a
machine without them the tests are skipped, unless TESTS_NEED_BROKER=1 says that they must run.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import need

START_S = 20.0  # each is up within a second, on an idle machine


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(found: Callable[[], bool], what: str, *, within_s: float = START_S) -> None:
    """Wait for something to come true; fails after a while."""
    deadline = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < deadline, f"{what} within {within_s:g} s"
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """An empty Redis; gives its address without a database number."""
    program = shutil.which("redis-server")
    need(program, "tests of the shared budget need redis-server", "TESTS_NEED_BROKER")
    assert program is not None
    port, password = free_port(), secrets.token_hex(8)
    settings = {"port": port, "bind": "127.0.0.1", "save": "", "dir": folder, "appendonly": "no"}
    command = [program, "-"]
    lines = "".join(f'{name} "{value}"\n' for name, value in settings.items())
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert server.stdin is not None
    with server.stdin as stream:  # not as arguments, which everybody on the machine may read
        stream.write(f"{lines}requirepass {password}\n")
    try:
        until(lambda: listens(port), "Redis listens")
        yield f"redis://:{password}@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
