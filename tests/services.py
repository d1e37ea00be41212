"""Servers that the tests start for themselves, Redis and PostgreSQL, and a wait until one listens.

A folder in, an address out; each serves the loopback interface alone and ends with its test. On a
machine without them the tests are skipped, unless TESTS_NEED_BROKER=1 says that they must run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
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


def until(
    condition: Callable[[], bool], what: str, *, within_s: float = START_S, every_s: float = 0.05
) -> None:
    """Wait until a condition is true; fail after a while."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} within {within_s:g} s"
        time.sleep(every_s)


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


@contextmanager
def postgres_server() -> Iterator[dict[str, str]]:
    """An empty PostgreSQL; gives host, port, user, password and database."""
    programs = _postgres_programs()
    need(programs, "tests of many workers need the Debian package postgresql", "TESTS_NEED_BROKER")
    assert programs is not None
    # PostgreSQL refuses to be root, and nobody else may look into the folders of root's tests
    account = "nobody" if os.geteuid() == 0 else None
    port, password = free_port(), secrets.token_hex(8)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        secret = Path(folder) / "password"
        secret.write_text(password)
        if account is not None:
            shutil.chown(folder, account)
            shutil.chown(secret, account)
        data = Path(folder) / "data"
        made = [
            str(programs / "initdb"),
            str(data),
            "--username=tests",
            f"--pwfile={secret}",
            "--no-sync",
        ]
        made += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        subprocess.run(made, user=account, check=True, stdout=subprocess.DEVNULL)
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        command += [part for setting in settings for part in ("-c", setting)]
        server = subprocess.Popen(command, user=account, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            until(lambda: listens(port), "PostgreSQL listens")
            yield {
                "host": "127.0.0.1",
                "port": str(port),
                "user": "tests",
                "password": password,
                "db": "postgres",
            }
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, whoever is still connected
            server.wait()


def _postgres_programs() -> Path | None:
    """The folder of PostgreSQL's programs, which Debian puts on nobody's path."""
    program = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(program).parent if program else debian[-1].parent if debian else None
