"""What slow tests share: a simulated server with the demo's data, a refreshed folder, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from selenium import webdriver

from octane_flows import refresh, warehouse
from octane_flows.config import Settings, load_settings
from octane_simulator import Running, Simulator, serve
from tests.e2e import installation
from tests.e2e.installation import Installation
from tests.e2e.support import environment_of
from tests.needs import need

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def demo_server() -> Iterator[Running]:
    with serve(Simulator(dataset="demo", seed=1)) as running:
        yield running


@pytest.fixture(scope="session")
def demo_environment(
    demo_server: Running, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return environment_of(demo_server, tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def demo_settings(demo_environment: dict[str, str]) -> Settings:
    return load_settings(demo_environment)


@pytest.fixture(scope="session")
def demo_refresh(demo_settings: Settings) -> refresh.RefreshReport:
    return refresh.refresh(demo_settings)


@pytest.fixture(scope="session")
def demo_home(demo_settings: Settings, demo_refresh: refresh.RefreshReport) -> Path:
    return demo_settings.home


@pytest.fixture
def demo_warehouse(demo_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.connect(demo_home) as connection:
        yield connection


@pytest.fixture(scope="session")
def wheels(shared_folder: Path) -> Path:
    """A bundle as `make bundle` writes it."""
    folder = installation.bundle(shared_folder)
    need(folder, installation.MISSING, installation.SWITCH)
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run that its processes share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def installed(shared_folder: Path, wheels: Path) -> Installation:
    """The installed package without extras."""
    return installation.install(shared_folder, wheels, with_dagster=False)


@pytest.fixture(scope="session")
def installed_with_dagster(shared_folder: Path, wheels: Path) -> Installation:
    """The installed package with Dagster, and the programs of `dg` projects."""
    return installation.install(shared_folder, wheels, with_dagster=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    missing = "tests of pages need the Debian packages chromium and chromium-driver"
    need(chromium and driver, missing, "TESTS_NEED_CHROMIUM")
    assert chromium is not None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()
