"""The server, a published lake with its warehouse, and a command that runs in this process."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from octane_flows import cli, warehouse
from octane_flows.client import session
from octane_flows.client.retry import RetryPolicy
from octane_flows.models.model import Model, load_models
from tests.hostile.raw_server import RawServer, raw_server
from tests.hostile.small_workspace import respond_with

SECRET = "canary-secret"
MEMORY_BYTES = 300 << 20  # a command may add so much to the process of the tests
SECONDS = 12.0  # after so long, a request with the time-out of a second has been given up


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    messages: str
    seconds: float
    memory_bytes: int


@dataclass
class HostileSite:
    """A data folder that was filled before the server became hostile."""

    server: RawServer
    home: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Ended:
        """Run a command as `main` does."""
        before = _reset_peak()
        started = time.monotonic()
        self.capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["octane-flows", *arguments])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        seconds = time.monotonic() - started
        captured = self.capsys.readouterr()
        code = ended.value.code
        return Ended(
            code if isinstance(code, int) else 0,
            captured.err + captured.out,
            seconds,
            max(0, _peak() - before),
        )

    def state(self) -> dict[str, str]:
        """The digests of all files of the lake, and of the warehouse."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return {
            str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.parts[len(self.home.parts)] == "lake" or path.suffix == ".duckdb"
        }


@pytest.fixture(scope="session")
def server() -> Iterator[RawServer]:
    with raw_server() as started:
        yield started


@pytest.fixture(scope="session")
def published(server: RawServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a generation of the well-behaved server, and a former warehouse."""
    home = tmp_path_factory.mktemp("published")
    server.respond = respond_with()
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch, server, home)
        patch.setattr(sys, "argv", ["octane-flows", "extract"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None)
    # a build would take longer than all cases together, and an extract does not open the file
    (home / "warehouse.duckdb").write_bytes(b"the former warehouse")
    return home


def warehouse_file(home: Path) -> Path:
    return home / "warehouse.duckdb"


def few_models() -> list[Model]:
    """No question at all: `octane.*` and `meta.*` are enough here."""
    return [model for model in load_models() if model.name == "er.list_items"]


@pytest.fixture(scope="session")
def two_generations(
    server: RawServer, published: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A data folder with two generations and the warehouse of the newer one."""
    home = tmp_path_factory.mktemp("two") / "home"
    shutil.copytree(published, home)
    warehouse_file(home).unlink()
    server.respond = respond_with()
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch, server, home)
        patch.setattr(sys, "argv", ["octane-flows", "extract", "--full"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in (0, None)
    warehouse.build(home, models=few_models())
    return home


@pytest.fixture
def site(
    server: RawServer,
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> HostileSite:
    home = tmp_path / "home"
    shutil.copytree(published, home)
    server.requests.clear()  # one server serves the tests of all files that a worker runs
    _set_environment(monkeypatch, server, home)
    quick = replace(RetryPolicy(), total_s=3.0, base_s=0.01, attempts=2, first_attempts=2)
    monkeypatch.setattr(session, "RetryPolicy", lambda: quick)
    return HostileSite(server, home, capsys)


def environment(server: RawServer, home: Path) -> dict[str, str]:
    return {
        "OCTANE_URL": server.url,
        "OCTANE_SHARED_SPACE": "1",
        "OCTANE_CLIENT_ID": "reader",
        "OCTANE_CLIENT_SECRET": SECRET,
        "OCTANE_HOME": str(home),
        "OCTANE_TIMEOUT": "1",
        "OCTANE_PAGE_SIZE": "20",
    }


def _set_environment(patch: pytest.MonkeyPatch, server: RawServer, home: Path) -> None:
    for name, value in environment(server, home).items():
        patch.setenv(name, value)
    patch.chdir(home)


def _reset_peak() -> int:
    """Start counting the largest memory of this process anew (Linux); gives what it has now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024
