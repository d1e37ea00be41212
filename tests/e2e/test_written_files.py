"""What commands write is for its owner alone: a first run, an update, and files beside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from octane_flows import refresh
from octane_flows.client import Octane
from octane_flows.config import load_settings
from tests.e2e.support import environment_of, octane_flows, tiny_server


def open_to_others(folder: Path) -> list[str]:
    """Everything in a folder, and the folder, that its group or others may touch."""
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with tiny_server() as server:
        yield environment_of(server, tmp_path / "data")


def test_every_file_of_runs_reports_and_exports_is_private(
    environment: dict[str, str],
) -> None:
    os.umask(0o002)  # what some distributions give to users
    home = Path(environment["OCTANE_HOME"])
    settings = load_settings(environment)

    with Octane(settings) as octane:
        workspace = octane.workspace(environment["OCTANE_WORKSPACES"])
        workspace.create("defects", [{"name": "before the first run"}])
    for command in (
        ["run"],
        ["extract", "defect", "--full"],
        ["build"],
        ["report", "--format", "csv"],
        ["export", "--format", "delta"],
        ["plan", "stories_with_completed_tasks", "--output", str(home / "plan.json")],
        ["flow", "planned_runs", "--format", "csv", "--output", str(home / "runs.csv")],
    ):
        done = octane_flows(*command, environment=environment)
        assert done.returncode == 0, done.stderr
        assert open_to_others(home) == [], command

    made = {path.name for path in home.iterdir()}
    assert made >= {"lake", "warehouse.duckdb", "report.html", "delta", "runs.csv"}


def test_a_step_of_dagster_writes_private_files_too(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = pytest.importorskip("dagster_octane.resources")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    os.umask(0o002)

    settings = resources.OctaneResource().settings()
    refresh.update_lake(settings, only=["defect"])

    assert settings.home.is_dir()
    assert open_to_others(settings.home) == []
