"""`octane-flows ui` says in one sentence why it cannot start, and shows what is asked for."""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from octane_flows import dagster_pages
from octane_flows.cli.demo_command import demo_folder
from octane_flows.console import plain_console
from octane_flows.errors import UsageError


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def start(home: Path | None, port: int) -> int:
    return dagster_pages.run(
        demo_home=home, host="127.0.0.1", port=port, console=plain_console(stderr=True)
    )


needs_dagster = pytest.mark.skipif(
    importlib.util.find_spec("dagster_webserver") is None, reason="needs the extra dagster"
)


@needs_dagster
def test_a_port_that_is_taken_is_named_with_the_remedy() -> None:
    refusal = pytest.raises(UsageError, match=r"cannot be shown at 127\.0\.0\.1.*--port")
    with socket.create_server(("127.0.0.1", 0)) as taken, refusal:
        start(None, taken.getsockname()[1])


@needs_dagster
def test_the_demo_is_shown_only_on_request(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo" / "lake").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="No server is named"):
        start(None, port)


@needs_dagster
def test_a_demo_that_never_ran_is_asked_for(port: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run octane-flows demo first"):
        start(tmp_path, port)


def test_without_dagster_the_extra_is_named(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(UsageError, match=r"pip install 'octane-flows\[dagster\]'"):
        start(None, port)


def test_the_folder_of_the_demo_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert demo_folder(None) == Path("demo")

    monkeypatch.setenv("OCTANE_HOME", "elsewhere")
    assert demo_folder(None) == Path("elsewhere")
    assert demo_folder(Path("here")) == Path("here")


#: Starts a child that ends only when it is killed, says its number and waits, as a server does.
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); "
deaf += "signal.pause()"
with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as child:
    child.stdout.readline()
    print(child.pid, flush=True)
    signal.pause()
"""
RUNNER = """
import os, sys
from octane_flows.dagster_pages import run_until_signal
sys.exit(run_until_signal([sys.executable, "-c", sys.argv[1]], os.environ, ending_s=1))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_that_was_started(number: signal.Signals) -> None:
    command = [sys.executable, "-c", RUNNER, STUBBORN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))

        process.send_signal(number)

        assert process.wait(120) == 0
        ended, alive = psutil.wait_procs([child], timeout=600)
        assert (len(ended), alive) == (1, [])
