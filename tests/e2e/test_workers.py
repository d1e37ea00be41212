"""Twelve workspaces on two workers, with broker, PostgreSQL and daemon; one worker is killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dagster_celery", reason="needs the extra distributed")

import dagster as dg
import duckdb
import psutil
from dagster_shared.serdes import serialize_value

from dagster_octane.celery_workers import WorkerLauncher
from dagster_octane.workspace_jobs import PARTITION_TAG
from octane_flows.lake import FileEntry, Lake
from octane_flows.lake.manifest import HISTORY_PREFIX
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of
from tests.services import postgres_server, redis_server, until

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
TWELVE = tuple(str(1002 + place) for place in range(12))
PER_SECOND = 50
PATIENCE_S = 300.0  # on a busy machine
MIDWAY = 40  # of about 70 requests that each workspace takes


@dataclass
class Watched:
    """A server that records every request with its time and lets one workspace wait midway."""

    simulator: Simulator
    arrivals: list[float] = field(default_factory=list)
    requests_by_workspace: dict[str, list[str]] = field(
        default_factory=lambda: {workspace: [] for workspace in TWELVE}
    )
    victim: str | None = None
    waiting: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._answer, self._lock = self.simulator.wsgi, threading.Lock()
        self.simulator.wsgi = self  # type: ignore[assignment]

    def __call__(self, environ: Any, start_response: Any) -> Any:
        workspace = environ["PATH_INFO"].partition("/workspaces/")[2].partition("/")[0]
        with self._lock:
            self.arrivals.append(time.monotonic())
            if workspace in self.requests_by_workspace:
                self.requests_by_workspace[workspace].append(
                    environ["PATH_INFO"] + "?" + environ["QUERY_STRING"]
                )
                if len(self.requests_by_workspace[workspace]) == MIDWAY and self.victim is None:
                    self.victim = workspace
            waits = workspace == self.victim and not self.go_on.is_set()
            self.waiting += waits
        if waits:
            self.go_on.wait()
        return self._answer(environ, start_response)


@dataclass(frozen=True)
class Site:
    """Where things are, and how processes are started there."""

    home: Path
    dagster_home: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", *arguments]

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            self.command(*arguments), cwd=PROJECT, env=self.environment, capture_output=True,
            text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @contextmanager
    def started(self, name: str, *arguments: str) -> Iterator[psutil.Process]:
        """A process that is gone afterwards, with all that it started."""
        with (self.home / f"{name}.log").open("wb") as log:
            process = psutil.Popen(
                self.command(*arguments), cwd=PROJECT, env=self.environment, stdout=log, stderr=log
            )
            try:
                yield process
            finally:
                kill(process)
                process.wait()


def kill(process: psutil.Process) -> None:
    """End a process and all that it started, at once."""
    if process.is_running():
        for child in (process, *process.children(recursive=True)):
            child.kill()


@pytest.fixture
def watched() -> Watched:
    return Watched(Simulator(dataset="generated", seed=3, workspaces=TWELVE, runs=60))


@pytest.fixture
def site(watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with (
        serve(watched.simulator) as running,
        redis_server(tmp_path) as redis,
        postgres_server() as postgres,
    ):
        settings = settings_of(running, tmp_path, redis, postgres)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        dagster_home = Path(settings["DAGSTER_HOME"])
        dagster_home.mkdir()
        shutil.copy(PROJECT / "deploy" / "celery" / "dagster.yaml", dagster_home)
        yield Site(tmp_path, dagster_home, {**os.environ, **settings})
        watched.go_on.set()


def settings_of(
    server: Running, home: Path, redis: str, postgres: dict[str, str]
) -> dict[str, str]:
    return {
        **environment_of(server, home / "data"),
        "OCTANE_WORKSPACES": "all",
        "OCTANE_REQUESTS_PER_SECOND": str(PER_SECOND),
        "OCTANE_BUDGET": f"{redis}/0",
        "DAGSTER_CELERY_BROKER": f"{redis}/1",
        **{f"DAGSTER_POSTGRES_{name.upper()}": value for name, value in postgres.items()},
        "DAGSTER_HOME": str(home / "dagster"),
        "PYTHONPATH": str(PROJECT / "src"),
    }


def test_a_killed_worker_loses_and_repeats_nothing(site: Site, watched: Watched) -> None:
    with (
        ExitStack() as stack,
        dg.DagsterInstance.from_config(str(site.dagster_home)) as instance,
        site.started("first", "dagster_octane.celery_workers") as first,
        site.started("second", "dagster_octane.celery_workers") as second,
        site.started("daemon", "dagster._daemon", "run", "-m", "dagster_octane.definitions"),
    ):
        site.run("dagster", "sensor", "start", "new_workspaces", "-m", "dagster_octane.definitions")
        until(lambda: watched.waiting > 0, "half a workspace", within_s=PATIENCE_S)
        victim = watched.victim
        assert victim is not None
        [run] = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: victim}))
        kill({first.pid: first, second.pid: second}[worker_of(instance, run.run_id)])
        in_flight = watched.waiting
        watched.go_on.set()
        stack.enter_context(site.started("third", "dagster_octane.celery_workers"))
        all_done = partial(has_succeeded_in_all, instance)
        until(all_done, "twelve workspaces", within_s=PATIENCE_S, every_s=1.0)
        runs, sent = instance.get_runs(), serialize_value(instance.get_ref())

    # One run for each workspace, and one more where the worker was killed.
    assert Counter(run.tags[PARTITION_TAG] for run in runs) == {
        workspace: 2 if workspace == victim else 1 for workspace in TWELVE
    }
    # What the killed run had read is not requested again, except the answers that it never got.
    pages = Counter(
        path for path in watched.requests_by_workspace[victim] if "/metadata/" not in path
    )
    assert pages.total() - len(pages) <= in_flight
    assert_every_row_is_there_once(watched.simulator, Path(site.environment["OCTANE_HOME"]))
    assert_the_pace_was_kept(watched.arrivals)
    assert_no_password_is_shown(site, sent)


def assert_every_row_is_there_once(simulator: Simulator, home: Path) -> None:
    """The lake has one version of each row of the server, because nothing was changed."""
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    rows = [
        table
        for table in manifest.tables.values()
        if table.field is None and not table.entity.startswith(HISTORY_PREFIX)
    ]
    stored = {
        (workspace, table.entity): sorted(ids_in(lake, table.files, workspace))
        for table in rows
        for workspace in TWELVE
    }
    on_server = {
        (workspace, entity): sorted(str(row["id"]) for row in each.store.find(entity))
        for workspace, each in simulator.workspaces.items()
        for entity in {row.entity for row in manifest.certificate}
        if not entity.startswith(HISTORY_PREFIX)
    }
    assert {key: ids for key, ids in stored.items() if ids} == {
        key: ids for key, ids in on_server.items() if ids
    }


def ids_in(lake: Lake, files: Iterable[FileEntry], workspace: str) -> list[str]:
    paths = [str(lake.resolve(entry)) for entry in files if entry.workspace == workspace]
    query = "select id from read_parquet($paths) where _workspace_id = $workspace"
    given = {"paths": paths, "workspace": workspace}
    return [row_id for (row_id,) in duckdb.execute(query, given).fetchall()] if paths else []


def assert_the_pace_was_kept(arrivals: list[float]) -> None:
    """No two seconds saw more requests than both workers together may send."""
    many = 2 * PER_SECOND
    for first, last in zip(arrivals, arrivals[many:], strict=False):
        # requests may arrive late, and then the next ones seem early
        assert last - first > 2.0 - 0.5, f"{many + 1} requests in {last - first:.2f} s"


def assert_no_password_is_shown(site: Site, sent: str) -> None:
    """Neither the logs nor the message of a run to the broker contain a secret."""
    names = ("OCTANE_CLIENT_SECRET", "DAGSTER_POSTGRES_PASSWORD", "OCTANE_BUDGET")
    texts = {log.name: log.read_text() for log in site.home.glob("*.log")}
    assert {"daemon.log", "first.log", "second.log"} <= texts.keys()
    for where, text in {**texts, "message": sent}.items():
        assert text, where
        for name in names:
            assert site.environment[name] not in text, f"{where} shows {name}"


def worker_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """The process of the worker that has a run."""
    launcher = instance.run_launcher
    assert isinstance(launcher, WorkerLauncher)
    at_work = launcher.celery.control.inspect(timeout=PATIENCE_S, limit=2).active()
    [name] = [name for name, tasks in at_work.items() if run_id in str(tasks)]
    return int(name.partition("@")[0].removeprefix("worker-"))


def has_succeeded_in_all(instance: dg.DagsterInstance) -> bool:
    done = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    return {run.tags[PARTITION_TAG] for run in done} == set(TWELVE)
