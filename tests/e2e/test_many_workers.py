"""Processes that extract their workspaces into one lake at the same time, in a folder or a bucket.

No row is lost or repeated, and the lake is as if one process had read everything. A killed process
does not disturb the others, and the next run goes on where it was.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from octane_flows.config import LakePlace
from octane_flows.lake import Lake, Manifest, open_lake
from octane_flows.warehouse import build, connect, load_models
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of, octane_flows, process_environment
from tests.s3 import bucket, s3_endpoint
from tests.services import until

__all__ = ["bucket", "s3_endpoint"]

WORKSPACES = ("1002", "1003", "1004", "1005")
TYPES = ("defect", "story", "user_tag")
ROWS = 60
FEW = [model for model in load_models() if model.name == "er.releases"]


@dataclass
class Site:
    """One server with four workspaces, and the machines that read from it into one lake."""

    server: Running
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    bucket: LakePlace | None = None
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    waiting: list[threading.Event] = field(default_factory=list)

    def home(self, workspace: str) -> Path:
        """A folder of all, or with a bucket one for each."""
        return self.folder / (f"machine-{workspace}" if self.bucket else "home")

    @property
    def lake(self) -> Lake:
        return open_lake(self.home("reader"), self.bucket)

    @property
    def current(self) -> Manifest:
        current = self.lake.current()
        assert current is not None
        return current

    def environment(self, workspace: str) -> dict[str, str]:
        """Settings of the process that reads a workspace."""
        return {
            **environment_of(self.server, self.home(workspace)),
            "OCTANE_WORKSPACES": workspace,
            "OCTANE_PAGE_SIZE": "20",
            **settings_of(self.bucket),
        }

    def start(
        self, workspaces: str, *arguments: str, command: str = "extract"
    ) -> subprocess.Popen[str]:
        """An extract of a workspace, or some, in a process of its own."""
        types = TYPES if command != "run" else ()
        process = subprocess.Popen(
            [sys.executable, "-m", "octane_flows", command, *types, *arguments],
            env=process_environment(self.environment(workspaces)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def change(self, workspace: str, name: str) -> None:
        """Rename some rows, delete one and add one."""
        store = self.server.simulator.workspaces[workspace].store
        defects = sorted(store.find("defect"), key=lambda row: int(row["id"]))
        for row in defects[::7]:
            store.update("defect", row["id"], {"name": name})
        store.delete("defect", defects[1]["id"])
        self.server.simulator.feeder(workspace).create("defects", [{"name": f"new {name}"}])

    def journal(self, workspace: str) -> int:
        """Lines of the journal of a workspace: one at the start, one for each type that is read."""
        path = self.home(workspace) / f"extract-{workspace}.journal"
        return len(path.read_text().splitlines()) if path.is_file() else 0

    def until_one_type_is_read(self, workspace: str) -> None:
        until(lambda: self.journal(workspace) > 1, f"a type of {workspace} is read", within_s=600)

    def keep_waiting(self, path: str) -> threading.Event:
        """Requests below a path wait until the event is set."""
        faults = self.server.simulator.faults
        wait, over = faults.wait, threading.Event()

        def gate(request: str) -> float:
            if path in request:
                over.wait(60)
            return wait(request)

        self.monkeypatch.setattr(faults, "wait", gate)
        self.waiting.append(over)
        return over


def settings_of(bucket: LakePlace | None) -> dict[str, str]:
    if bucket is None:
        return {}
    assert bucket.endpoint
    assert bucket.access_key_id
    assert bucket.secret_access_key
    return {
        "OCTANE_LAKE": f"s3://{bucket.bucket}/{bucket.prefix}",
        "OCTANE_LAKE_ENDPOINT": bucket.endpoint,
        "OCTANE_LAKE_KEY_ID": bucket.access_key_id,
        "OCTANE_LAKE_SECRET": bucket.secret_access_key.reveal(),
    }


@contextlib.contextmanager
def opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bucket: LakePlace | None = None
) -> Iterator[Site]:
    simulator = Simulator(dataset="empty", seed=1, workspaces=list(WORKSPACES))
    for workspace in WORKSPACES:
        feeder = simulator.feeder(workspace)
        tags = feeder.create("user_tags", [{"name": "a"}, {"name": "b"}])
        linked = {"user_tags": {"data": [{"type": "user_tag", "id": tag} for tag in tags]}}
        feeder.create(
            "defects", [{"name": f"d{n}", **(linked if n % 9 == 0 else {})} for n in range(ROWS)]
        )
        feeder.create("stories", [{"name": f"s{n}"} for n in range(ROWS)])
    simulator.clock.advance(3600)
    with serve(simulator) as server:
        site = Site(server, folder, monkeypatch, bucket)
        try:
            yield site
        finally:
            for event in site.waiting:
                event.set()
            for process in site.running:
                process.kill()
                process.communicate()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A lake in a folder that all processes share."""
    with opened(tmp_path, monkeypatch) as site:
        yield site


@pytest.fixture
def remote_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: LakePlace
) -> Iterator[Site]:
    """A lake in a bucket, and a machine of its own for each workspace."""
    with opened(tmp_path, monkeypatch, bucket) as site:
        yield site


def ended(process: subprocess.Popen[str]) -> str:
    """What a process said; it must have done its work."""
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return out


def refused(process: subprocess.Popen[str]) -> str:
    """The one sentence of a process that stopped."""
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "Traceback" not in errors
    return errors.strip().splitlines()[-1]


def stored_rows(home: Path, lake: Lake) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, without when they were read."""
    build(home, lake=lake, models=FEW)
    rows_by_table: dict[str, list[tuple[object, ...]]] = {}
    with connect(home) as connection:
        names = connection.execute("select table_name from meta.tables order by all").fetchall()
        for (name,) in names:
            sql = f'select * exclude (_generation, _extracted_at) from octane."{name}" order by all'
            rows_by_table[name] = connection.execute(sql).fetchall()
    assert rows_by_table["defect"]
    return rows_by_table


def require_all(site: Site, alone: Path) -> None:
    """The lake holds what one process reads from all workspaces into a lake of its own."""
    environment = {
        **environment_of(site.server, alone),
        "OCTANE_WORKSPACES": ",".join(WORKSPACES),
    }
    done = octane_flows("extract", *TYPES, environment=environment)
    assert done.returncode == 0, done.stderr
    assert stored_rows(site.folder / "read", site.lake) == stored_rows(alone, Lake(alone / "lake"))


def require_chain(site: Site, published: int) -> None:
    """Generations follow one another without a gap, and none was published twice."""
    kept = site.lake.kept()
    assert len(kept) == published
    parents = [site.lake.manifest(generation.generation).parent for generation in kept]
    assert parents == [None, *(generation.generation for generation in kept[:-1])]
    assert set(site.current.workspaces) == set(WORKSPACES)


def at_once(site: Site) -> None:
    """Two rounds of four processes, and one by two."""
    for process in [site.start(workspace) for workspace in WORKSPACES]:
        ended(process)
    site.server.simulator.clock.advance(3600)
    for workspace in WORKSPACES:
        site.change(workspace, f"second of {workspace}")
    for process in [site.start(workspace, command="census") for workspace in WORKSPACES]:
        assert "11 new versions" in ended(process)  # nine names, one more and one less
    for process in [site.start(workspace) for workspace in WORKSPACES[:2]]:
        assert "nothing changed" in ended(process)


def test_four_processes_lose_and_repeat_nothing(site: Site, tmp_path: Path) -> None:
    at_once(site)

    require_chain(site, 10)
    require_all(site, tmp_path / "alone")
    certificate = [
        row for row in site.current.certificate if not row.entity.startswith("history_log.")
    ]
    rows = {(row.workspace, row.entity): row for row in certificate}
    assert len(rows) == len(certificate) == len(WORKSPACES) * len(TYPES)
    assert {row.rows_held for row in rows.values() if row.entity == "defect"} == {ROWS}
    # the same by one process for all, which takes the lake over and finds nothing to read
    everything = ",".join(WORKSPACES)
    assert "nothing changed" in ended(site.start(everything))


def test_four_machines_share_a_bucket(remote_site: Site, tmp_path: Path) -> None:
    at_once(remote_site)

    require_chain(remote_site, 10)
    require_all(remote_site, tmp_path / "alone")


def test_one_that_takes_long_publishes_behind_the_others(site: Site, tmp_path: Path) -> None:
    over = site.keep_waiting("/workspaces/1002/stories")
    long = site.start("1002")
    site.until_one_type_is_read("1002")
    for process in [site.start(workspace) for workspace in WORKSPACES[1:]]:
        ended(process)
    assert long.poll() is None
    assert [generation.generation for generation in site.lake.kept()] == [1, 2, 3]
    before = stored_rows(site.folder / "read", site.lake)
    assert len(before["defect"]) == 3 * ROWS
    over.set()
    ended(long)

    assert (site.current.generation, site.current.stamp("1002")) == (4, 1)
    require_chain(site, 4)
    require_all(site, tmp_path / "alone")


@pytest.mark.parametrize("place", ["site", "remote_site"])
def test_a_killed_process_costs_the_others_nothing_and_goes_on(
    place: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    site: Site = request.getfixturevalue(place)
    over = site.keep_waiting("/workspaces/1003/stories")
    killed = site.start("1003")
    site.until_one_type_is_read("1003")
    others = [site.start(workspace) for workspace in ("1002", "1004")]
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    for process in others:
        ended(process)
    assert set(site.current.workspaces) == {"1002", "1004"}
    over.set()
    ended(site.start("1005"))
    assert "resumed      1 entity types" in ended(site.start("1003"))

    collections = {
        collection["collection"] for collection in site.current.politeness["collections"]
    }
    assert "stories" in collections
    assert "defects" not in collections  # nothing is read again
    assert site.journal("1003") == 0
    require_chain(site, 4)
    require_all(site, tmp_path / "alone")


def test_the_same_workspace_is_read_by_one_alone(site: Site, tmp_path: Path) -> None:
    over = site.keep_waiting("/workspaces/1002/stories")
    first = site.start("1002,1003")
    site.until_one_type_is_read("1002")
    waiting = site.start("1003", "--wait", "60")
    second = site.start("1003,1004")

    assert re.search(
        rf"Workspace 1003 in .* is being written by an extract \(process {first.pid} on .*--wait",
        refused(second),
    )
    over.set()
    ended(first)
    ended(waiting)
    for workspace in WORKSPACES[2:]:
        ended(site.start(workspace))
    require_chain(site, 4)
    require_all(site, tmp_path / "alone")


def test_two_that_extract_and_build_leave_the_newest_warehouse(site: Site) -> None:
    runs = [site.start(workspace, "--wait", "60", command="run") for workspace in WORKSPACES[:2]]
    for process in runs:
        assert re.search("checks passed|was published meanwhile", ended(process))

    with connect(site.home("1002")) as connection:
        rows = connection.execute("select generation from meta.generation").fetchall()
        assert rows == [(site.current.generation,)] == [(2,)]
        defects = connection.execute("select count(*) from octane.defect").fetchall()
    assert defects == [(2 * ROWS,)]


def test_upkeep_stops_or_waits_while_somebody_extracts(site: Site) -> None:
    ended(site.start("1002"))
    over = site.keep_waiting("/workspaces/1003/stories")
    extract = site.start("1003")
    site.until_one_type_is_read("1003")
    settings = site.environment("1002")
    stopped = octane_flows("compact", environment=settings)
    over.set()
    waited = octane_flows("expire", "--keep", "1", "--wait", "60", environment=settings)

    assert stopped.returncode == 1
    assert f"is being written by an extract (process {extract.pid} on" in stopped.stderr
    assert waited.returncode == 0, waited.stderr
    ended(extract)
    assert [generation.generation for generation in site.lake.kept()] == [2]
    assert len(stored_rows(site.folder / "read", site.lake)["defect"]) == 2 * ROWS
