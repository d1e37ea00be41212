"""`octane-flows ui` as an operator meets it: in a browser, on a folder with a run in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("dagster", reason="needs the extra dagster")

import dagster as dg
import psutil
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import dagster_octane
from dagster_octane.asset_metadata import LAKE
from dagster_octane.definitions import definitions
from tests.e2e.support import environment_of, tiny_server

pytestmark = pytest.mark.slow

WAIT_S = 120.0  # on a busy machine; some ten seconds on a quiet one


@pytest.fixture
def operated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a folder that a Dagster run has filled."""
    with tiny_server() as server:
        environment = environment_of(server, tmp_path)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        home = tmp_path / "dagster"
        home.mkdir()
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        shutil.copy(Path(dagster_octane.__file__).with_name("dagster.yaml"), home)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            job = definitions.resolve_job_def("update")
            assert job.execute_in_process(instance=instance, asset_selection=[LAKE]).success
        yield environment


@pytest.fixture
def address(operated: dict[str, str]) -> Iterator[str]:
    """The address of a running `dagster dev`, which leaves no process behind."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "octane_flows", "ui", "--port", str(port)]
    environment = {**os.environ, **operated}
    folder = Path(operated["OCTANE_HOME"])
    log = (folder / "dev.log").open("wb")
    # where tests run in the background the interrupt is ignored, and children would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        log,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        children = psutil.Process(process.pid)
        yield f"http://127.0.0.1:{port}"
        started = children.children(recursive=True)
        process.send_signal(signal.SIGTERM)  # as an administrator ends it
        survivors = _still_running([children, *started])
        if survivors:
            os.killpg(process.pid, signal.SIGKILL)
        for survivor in survivors:
            if _runs(survivor):
                survivor.kill()
        assert survivors == []


def _still_running(processes: list[psutil.Process], patience_s: float = 45) -> list[psutil.Process]:
    """The processes that do not end; a zombie does not count as running."""
    until = time.monotonic() + patience_s
    while running := [process for process in processes if _runs(process)]:
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    return running


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_page_shows_the_assets_and_the_run(address: str, browser: webdriver.Chrome) -> None:
    waiting = WebDriverWait(browser, WAIT_S, 0.2, [urllib.error.URLError])
    waiting.until(lambda _: urllib.request.urlopen(f"{address}/server_info", timeout=5).status)

    browser.set_window_size(1280, 900)

    def shows(path: str, *words: str) -> None:
        browser.get(address + path)
        waiting.until(
            lambda page: all(word in page.find_element(By.TAG_NAME, "body").text for word in words)
        )

    shows("/asset-groups", "lake", "octane", "er", "flow", "metric", "plan", "reports")
    shows("/runs", "update", "Success")
