"""No test reaches beyond this machine, sees the developer's settings or depends on its speed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.developer_environment import clear, missing_extras

LOOPBACK = ("127.", "localhost", "::1")
PROJECT = Path(__file__).resolve().parents[1]

# Before any test module is imported: some modules of the product read settings when imported.
clear(os.environ)

_EXAMPLES = os.environ.get("TESTS_EXAMPLES")  # TESTS_EXAMPLES=20000 looks deeper than the suite
# The suite's examples are the same on each run; a deep run draws new ones.
hypothesis_settings.register_profile(
    "suite",
    max_examples=int(_EXAMPLES or 150),
    derandomize=_EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
hypothesis_settings.load_profile("suite")


def pytest_configure() -> None:
    """Refuse to run where the tests would not tell what they are meant to tell."""
    if (PROJECT / "octane-flows.toml").exists() and Path.cwd() == PROJECT:
        raise pytest.UsageError(
            "octane-flows.toml in the checkout would change what the tests see; move it to another "
            "folder and name it with OCTANE_CONFIG when you work with it."
        )
    if os.environ.get("TESTS_NEED_EXTRAS") == "1" and (missing := missing_extras()):
        raise pytest.UsageError(
            f"TESTS_NEED_EXTRAS=1 says that no test may be skipped for a missing extra, but these "
            f"are not installed: {', '.join(missing)}. `make test` installs them."
        )


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"A test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """Commands that run in this process set the umask; the next test begins with the own one."""
    mask = os.umask(0o077)
    os.umask(mask)
    yield
    os.umask(mask)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the expected rows of golden pages anew."""
    parser.addoption(
        "--golden-update",
        action="append",
        metavar="SLUG",
        help="write the expected rows of the golden cases of SLUG, or of one case SLUG/CASE, as "
        "they are answered now; the reasons of rows that stay are kept. Review with git diff",
    )
