"""Link sweep, links of owners, moved rows and scripts continue after a stop, too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest

from octane_flows.client.transport import Request
from octane_flows.extract import ExtractReport
from octane_flows.extract.script_reader import TABLE
from octane_flows.lake import Lake
from octane_simulator import Simulator
from tests.small import Killed, SmallTransport, run_extract, stored_links, stored_rows
from tests.small_defects import certificate, change_type, ids_of
from tests.small_runs import (
    RunsTransport,
    add_run,
    add_test,
    assert_links_are_equal,
    extract_runs,
)

Marked = Callable[[str], bool]


class Stopped(SmallTransport):
    """Ends the process before one of the marked requests, and counts them."""

    def __init__(self, simulator: Simulator, marked: Marked, place: int | None = None) -> None:
        super().__init__(simulator, self._before)
        self._marked = marked
        self._place = place
        self.count = 0

    def _before(self, request: Request) -> None:
        target = unquote(request.url)
        is_newest_row = "fields=id,last_modified,version_stamp&" in target  # of every extract
        if is_newest_row or not self._marked(target):
            return
        if self.count == self._place:
            raise Killed
        self.count += 1


class StoppedRuns(Stopped, RunsTransport):
    """The same with tests and runs."""


def written(home: Path, table: str, column: str) -> list[str]:
    """The values of a column in the files of the newest generation, in order."""
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    files = [
        file
        for file in (manifest.tables[table].files if table in manifest.tables else ())
        if f"/{manifest.generation:06d}-" in file.path
    ]
    return sorted(
        value
        for file in files
        for value in pq.read_table(lake.resolve(file), columns=[column])[column].to_pylist()
    )


# -- link sweep -------------------------------------------------------------------------------


def is_sweep(target: str) -> bool:
    return "/defects?" in target and "id BTW" in target


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for two owners, a part of four."""
    monkeypatch.setattr("octane_flows.extract.link_sweep.BATCH_OWNERS", 2)
    monkeypatch.setattr("octane_flows.extract.link_owners.BATCH_OWNERS", 2)
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 4)


@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize(
    ("place", "census"), [*((place, False) for place in (0, 1, 2, 3, 6, 11)), (1, True), (7, True)]
)
def test_a_sweep_that_was_stopped_continues(
    simulator: Simulator, tmp_path: Path, place: int, census: bool
) -> None:
    for number in range(14):
        simulator.store.insert("defect", {"name": f"more {number}"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    ids = ids_of(simulator)
    tag = ids_of(simulator, "user_tag")[0]
    changed = [ids[0], ids[9], ids[-1]]
    for id in changed:
        simulator.store.link("defect", "user_tags", id, [("user_tag", tag)])
    simulator.store.delete("defect", ids[4])
    simulator.store.update("defect", ids[20], {"name": "changed"})
    began = simulator.clock.now()
    options: dict[str, Any] = {"sweep": True, "sweep_share": 1.0, "census": census}
    killed = Stopped(simulator, is_sweep, place)
    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, killed, **options, concurrency=1)
    simulator.clock.advance(3600)
    rerun = Stopped(simulator, lambda target: "/defects?" in target and "user_tags" in target)

    report = run_extract(simulator, tmp_path, rerun, **options, concurrency=1)

    # a batch a request, two a part; what was read before the sweep is not requested again
    kept = place // 2 * 2
    assert rerun.count == 12 - kept + (not kept)
    row = certificate(report)
    assert (row.rows_held, row.tombstones, row.rows_written) == (23, {"deleted": 1}, 2)
    assert row.cursor == (began if kept else simulator.clock.now()) - timedelta(minutes=2)
    owners = written(tmp_path, "defect__user_tags", "source_id")
    assert owners == sorted([*changed, ids[4], ids[20]])  # the last two are empty
    assert stored_rows(tmp_path, "defect").keys() == set(ids_of(simulator))
    assert stored_links(tmp_path, "defect", "user_tags") == {
        row["id"]: sorted(tag["id"] for tag in row["user_tags"])
        for row in simulator.store.find("defect")
        if row["user_tags"]
    }
    assert not run_extract(simulator, tmp_path, **options).has_changes


# -- links of owners --------------------------------------------------------------------------


def reads_links_alone(target: str) -> bool:
    # the refresh asks for all fields, the name among them
    return "/manual_tests?" in target and ",name" not in target and "name," not in target


@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize("owners", [6, 12])
@pytest.mark.parametrize("place", range(6))
def test_link_sets_of_owners_that_were_read_are_not_read_again(
    simulator: Simulator, tmp_path: Path, place: int, owners: int
) -> None:
    for _ in range(14):
        add_test(simulator)
    simulator.clock.advance(3600)
    extract_runs(simulator, tmp_path)
    simulator.clock.advance(3600)
    for test in ids_of(simulator, "test_manual")[:owners]:
        add_run(simulator, test)
    killed = StoppedRuns(simulator, reads_links_alone, place)
    try:
        extract_runs(simulator, tmp_path, killed, concurrency=1)
    except Killed:
        pass
    else:
        assert place >= owners // 2
        return
    rerun = StoppedRuns(simulator, reads_links_alone)

    report = extract_runs(simulator, tmp_path, rerun, concurrency=1)

    assert report.resumed in (1, 2)  # the new runs, and owners whose links were read
    whole = 7 if owners == 12 else 3  # pages of all owners, or those concerned
    assert rerun.count <= whole - place
    assert written(tmp_path, "test_manual__last_runs", "source_id") == sorted(
        ids_of(simulator, "test_manual")[:owners]
    )
    assert_links_are_equal(simulator, tmp_path)


@pytest.mark.usefixtures("in_small_parts")
def test_rows_that_come_with_the_rerun_change_links_of_owners_once_more(
    simulator: Simulator, tmp_path: Path
) -> None:
    tests = [add_test(simulator) for _ in range(14)]
    run = add_run(simulator, tests[0])
    simulator.clock.advance(3600)
    extract_runs(simulator, tmp_path)
    simulator.clock.advance(3600)
    simulator.store.update("run_manual", run, {"name": "renamed"})  # the first test stays
    for test in tests[1:6]:
        add_run(simulator, test)
    with pytest.raises(Killed):
        extract_runs(
            simulator, tmp_path, StoppedRuns(simulator, reads_links_alone, 2), concurrency=1
        )
    # runs are read once more, with a new field; one was committed late
    simulator.add_field("run_manual", "station_udf", "string")
    late = (simulator.clock.now() - timedelta(minutes=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    add_run(simulator, tests[0], last_modified=late)

    report = extract_runs(simulator, tmp_path, concurrency=1)

    assert report.resumed == 1
    assert_links_are_equal(simulator, tmp_path)


# -- rows that moved --------------------------------------------------------------------------


def is_user(target: str) -> bool:
    return "current_user" in target


def test_a_second_census_is_not_taken_again(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(10):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(3600)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "newer than what moves"})
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    change_type(simulator, ids_of(simulator, "story")[3], "defect")
    simulator.store.delete("defect", ids_of(simulator)[7])
    with pytest.raises(Killed):  # after all was read
        run_extract(simulator, tmp_path, Stopped(simulator, is_user, 0), census=True)
    rerun = Stopped(simulator, lambda target: "/defects" in target or "/stories" in target)

    report = run_extract(simulator, tmp_path, rerun, census=True)

    assert rerun.count == 0
    assert stored_rows(tmp_path, "defect").keys() == set(ids_of(simulator))
    assert certificate(report).census_result == "1 deleted, 1 added"
    assert (certificate(report).rows_held, certificate(report).tombstones) == (10, {"deleted": 1})


# -- scripts ----------------------------------------------------------------------------------


def is_script(target: str) -> bool:
    return target.endswith("/script")


@pytest.fixture
def scripted(simulator: Simulator, tmp_path: Path) -> Simulator:
    for kind, count in (("test_manual", 11), ("gherkin_test", 5)):
        for number in range(count):
            simulator.store.insert(kind, {"name": f"{kind} {number}"})
    simulator.clock.advance(3600)
    return simulator


def extract_scripts(simulator: Simulator, home: Path, transport: SmallTransport) -> ExtractReport:
    return run_extract(simulator, home, transport, scripts=True, page_size=2, concurrency=1)


@pytest.mark.parametrize("place", [0, 3, 4, 7, 8, 12, 13, 15])
def test_scripts_that_were_read_are_not_read_again(
    scripted: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.script_reader.PART_TESTS", 4)
    began = scripted.clock.now()
    with pytest.raises(Killed):
        extract_scripts(scripted, tmp_path, Stopped(scripted, is_script, place))
    scripted.clock.advance(3600)
    rerun = Stopped(scripted, is_script)

    report = extract_scripts(scripted, tmp_path, rerun)

    # parts end with pages: 4 and 8 manual tests, the other 3 with 2 of Gherkin
    kept = max(count for count in (0, 4, 8, 13) if count <= place)
    assert rerun.count == 16 - kept
    tests = [*ids_of(scripted, "test_manual"), *ids_of(scripted, "gherkin_test")]
    assert written(tmp_path, TABLE, "id") == sorted(tests)
    state = report.manifest.states[scripted.workspace][TABLE]
    assert state.cursor == began - timedelta(minutes=2)


def test_scripts_that_were_read_since_another_time_are_not_taken_over(
    scripted: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.script_reader.PART_TESTS", 4)
    extract_scripts(scripted, tmp_path, SmallTransport(scripted))
    scripted.clock.advance(3600)
    for test in ids_of(scripted, "test_manual"):
        scripted.store.update("test_manual", test, {"name": "changed"})
    with pytest.raises(Killed):
        extract_scripts(scripted, tmp_path, Stopped(scripted, is_script, 9))
    rerun = Stopped(scripted, is_script)

    run_extract(scripted, tmp_path, rerun, scripts=True, page_size=2, overlap=timedelta(days=1))

    assert rerun.count == 16
    assert len(written(tmp_path, TABLE, "id")) == 16


def test_files_of_scripts_are_deleted_when_other_scripts_are_refused(
    scripted: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.script_reader.PART_TESTS", 4)
    scripted.faults.refuse("gherkin_test")

    report = extract_scripts(scripted, tmp_path, SmallTransport(scripted))

    assert any("scripts of tests may not" in str(finding) for finding in report.manifest.findings)
    assert list((tmp_path / "lake").rglob(f"data/*/{TABLE}/*")) == []
