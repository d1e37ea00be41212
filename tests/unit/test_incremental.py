"""Extracts after the first: only what changed is read, and nothing is lost, kept or invented."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from octane_flows.errors import ExtractError, LakeError, UsageError
from octane_flows.extract import ExtractReport
from octane_flows.lake import CertificateRow, Lake, TableEntry
from octane_flows.lake.lock import hold
from octane_flows.octane.transport import Answer, Request
from octane_flows.simulator import Simulator
from tests.small import START, SmallTransport, held, held_links, run_extract
from tests.wsgi import WsgiTransport

DEFECTS = 10


@pytest.fixture
def simulator() -> Simulator:
    """Ten defects, of which the first two have tags, written an hour before the first extract."""
    simulator = Simulator(clock=START)
    tags = [simulator.store.insert("user_tag", {"name": one}) for one in ("a", "b")]
    for number in range(DEFECTS):
        linked = [{"type": "user_tag", "id": one} for one in tags] if number < 2 else []
        simulator.store.insert("defect", {"name": f"d{number}", "user_tags": linked})
    simulator.clock.advance(timedelta(hours=1))
    return simulator


def ids_of(simulator: Simulator, entity: str = "defect") -> list[str]:
    return [row["id"] for row in simulator.store.find(entity)]


def certificate(report: ExtractReport, entity: str = "defect") -> CertificateRow:
    return next(row for row in report.manifest.certificate if row.entity == entity)


def current_tables(home: Path) -> dict[str, TableEntry]:
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    return manifest.tables


def data_files(home: Path) -> set[str]:
    return {str(path) for path in (home / "lake" / "data").rglob("*.parquet")}


def lake_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "lake").rglob("*") if path.is_file())


def test_a_refresh_without_changes_asks_once_a_type_and_writes_nothing(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    before = data_files(tmp_path)
    simulator.clock.advance(60)
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport)

    assert not report.has_changes
    assert data_files(tmp_path) == before
    for collection in ("defects", "stories"):
        assert sum(f"/{collection}?" in one for one in transport.targets) == 1
    assert certificate(report).rows_held == DEFECTS


def test_a_refresh_of_all_entity_types_without_changes_writes_less_than_50_kb(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path, WsgiTransport(simulator), page_size=1000, only=())
    simulator.clock.advance(3600)
    before = lake_bytes(tmp_path)

    report = run_extract(simulator, tmp_path, WsgiTransport(simulator), page_size=1000, only=())

    assert len(report.outcomes) > 50
    assert not report.has_changes
    assert lake_bytes(tmp_path) - before < 50_000


def test_only_the_changed_row_is_read(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    changed = ids_of(simulator)[4]
    simulator.store.update("defect", changed, {"name": "changed"})

    report = run_extract(simulator, tmp_path)

    assert (report.rows, report.rows_written) == (1, 1)
    assert held(tmp_path, "defect", "name")[changed] == ("changed",)


def test_a_row_committed_late_arrives(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    late = (simulator.clock.now() - timedelta(minutes=11)).strftime("%Y-%m-%dT%H:%M:%SZ")
    id = simulator.store.insert("defect", {"name": "late", "last_modified": late})

    run_extract(simulator, tmp_path)

    assert id in held(tmp_path, "defect")


def test_the_cursor_is_the_servers_time_less_the_settling(
    simulator: Simulator, tmp_path: Path
) -> None:
    report = run_extract(simulator, tmp_path, settle=timedelta(minutes=3))

    assert certificate(report).cursor == simulator.clock.now() - timedelta(minutes=3)
    assert certificate(report).lag_s == 180


def test_an_emptied_link_set_is_empty(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    first, second, *_ = ids_of(simulator)
    simulator.store.update("defect", first, {"user_tags": []})

    run_extract(simulator, tmp_path)

    assert set(held_links(tmp_path, "defect", "user_tags")) == {second}


def test_a_sweep_finds_a_link_change_that_its_owner_does_not_tell(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    first = ids_of(simulator)[0]
    simulator.store.link("defect", "user_tags", first, [])
    assert not run_extract(simulator, tmp_path).has_changes

    report = run_extract(simulator, tmp_path, sweep=True, sweep_share=1.0)

    assert first not in held_links(tmp_path, "defect", "user_tags")
    assert "1 sets changed" in certificate(report).note


def test_sweeps_go_on_where_the_last_one_stopped(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    *_, last = ids_of(simulator)
    tag = ids_of(simulator, "user_tag")[0]
    simulator.store.link("defect", "user_tags", last, [("user_tag", tag)])

    found = []
    for _ in range(2):
        run_extract(simulator, tmp_path, sweep=True, sweep_share=0.5)
        found.append(last in held_links(tmp_path, "defect", "user_tags"))

    assert found == [False, True]


def test_a_census_gives_each_vanished_row_its_reason(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    gone, moved, *_ = ids_of(simulator)
    simulator.store.delete("defect", gone)
    with simulator.store.transaction():
        simulator.store.connection.execute(
            "update work_item set type = 'story' where id = ?", (int(moved),)
        )

    report = run_extract(simulator, tmp_path, census=True)

    row = certificate(report)
    assert row.tombstones == {"gone": 1, "moved to story": 1}
    assert (row.rows_held, row.server_count_end) == (DEFECTS - 2, DEFECTS - 2)
    assert moved in held(tmp_path, "story")
    assert not {gone, moved} & set(held(tmp_path, "defect"))


def test_a_row_that_moved_in_does_not_hide_one_that_vanished(
    simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(6):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    moved, *_ = ids_of(simulator)
    vanished = ids_of(simulator, "story")[2]
    simulator.store.delete("story", vanished)
    with simulator.store.transaction():
        simulator.store.connection.execute(
            "update work_item set type = 'story' where id = ?", (int(moved),)
        )

    report = run_extract(simulator, tmp_path, census=True)

    assert held(tmp_path, "story").keys() == set(ids_of(simulator, "story"))
    assert certificate(report, "story").tombstones == {"gone": 1}
    assert certificate(report, "story").rows_held == 6


class Forbidding(SmallTransport):
    """Gives 403 for one row."""

    id = ""

    def send(self, request: Request) -> Answer:
        """Answer one request."""
        answer = super().send(request)
        return replace(answer, status=403) if f"/defects/{self.id}?" in request.url else answer


def test_vanished_rows_are_confirmed_in_groups_and_keep_their_reasons(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    gone, moved, forbidden, *_ = ids_of(simulator)
    for id in (gone, forbidden):
        simulator.store.delete("defect", id)
    with simulator.store.transaction():
        simulator.store.connection.execute(
            "update work_item set type = 'story' where id = ?", (int(moved),)
        )
    transport = Forbidding(simulator)
    transport.id = forbidden

    report = run_extract(simulator, tmp_path, transport, census=True)

    assert certificate(report).tombstones == {"gone": 1, "forbidden": 1, "moved to story": 1}
    alone = [one for one in transport.targets if "/defects/" in one]
    assert len(alone) == 2, alone  # what moved was told for all at once
    assert sum("/work_items?" in one for one in transport.targets) == 1


def test_a_census_costs_one_request_a_type_where_all_is_there(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path, page_size=100)
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, page_size=100, census=True)

    assert sum("/defects?" in one for one in transport.targets) == 2
    assert certificate(report).census_result == "equal"


def test_many_vanished_rows_stop_the_extract_until_it_is_accepted(
    simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(40):
        simulator.store.insert("defect", {"name": f"more{number}"})
    first = run_extract(simulator, tmp_path)
    for id in ids_of(simulator)[:30]:
        simulator.store.delete("defect", id)

    with pytest.raises(ExtractError, match=r"30 of the 50 rows.*--accept-deletions defect"):
        run_extract(simulator, tmp_path, census=True)
    assert current_tables(tmp_path) == first.manifest.tables

    run_extract(simulator, tmp_path, census=True, accept_deletions=("defect",))
    assert len(held(tmp_path, "defect")) == 20


def test_a_type_that_may_no_longer_be_read_keeps_its_rows(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    simulator.faults.refuse("defect")

    report = run_extract(simulator, tmp_path, census=True)

    assert certificate(report).status == "refused"
    assert len(held(tmp_path, "defect")) == DEFECTS
    simulator.faults.allow()
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "back"})
    assert run_extract(simulator, tmp_path).rows_written == 1


def test_a_new_field_has_its_values_from_the_first_day(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    id = ids_of(simulator)[3]
    simulator.add_field("defect", "team_udf", "string", label="Team")
    stamp = (simulator.store.get("defect", id) or {})["last_modified"]
    simulator.store.update("defect", id, {"team_udf": "blue", "last_modified": stamp})
    simulator.clock.advance(3600)

    report = run_extract(simulator, tmp_path)

    assert held(tmp_path, "defect", "team_udf")[id] == ("blue",)
    changes = [(one.entity, one.field, one.change) for one in report.manifest.schema_changes]
    assert ("defect", "team_udf", "added") in changes
    assert report.rows_written == 1


def test_a_field_that_came_while_its_type_was_refused_is_read_afterwards(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    simulator.add_field("defect", "team_udf", "string")
    first = simulator.store.find("defect")[0]
    stamps = {name: first[name] for name in ("last_modified", "version_stamp")}
    simulator.store.update("defect", first["id"], {"team_udf": "red", **stamps})
    simulator.clock.advance(3 * 3600)
    simulator.faults.refuse("defect")
    refused = run_extract(simulator, tmp_path).manifest
    simulator.faults.allow()

    report = run_extract(simulator, tmp_path)

    assert held(tmp_path, "defect", "team_udf")[first["id"]] == ("red",)
    assert not refused.schema_changes
    assert [one.field for one in report.manifest.schema_changes] == ["team_udf"]


def test_a_removed_field_is_told_once(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "team_udf", "string")
    run_extract(simulator, tmp_path)
    simulator.remove_field("defect", "team_udf")

    run_extract(simulator, tmp_path)
    report = run_extract(simulator, tmp_path)

    told = [one.change for one in report.manifest.schema_changes if one.field == "team_udf"]
    assert told == ["removed"]
    assert "team_udf" in {one.name for one in report.manifest.tables["defect"].columns}


def test_a_retyped_field_needs_a_yes(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "size_udf", "string")
    run_extract(simulator, tmp_path)
    simulator.retype_field("defect", "size_udf", "integer")
    simulator.store.update("defect", ids_of(simulator)[0], {"size_udf": 9})

    with pytest.raises(ExtractError, match=r"size_udf \(string to integer\).*--accept-retyped"):
        run_extract(simulator, tmp_path)

    report = run_extract(simulator, tmp_path, accept_retyped=("defect.size_udf",))
    kinds = {one.name: one.type for one in report.manifest.tables["defect"].columns}
    assert kinds["size_udf"] == "BIGINT"
    assert held(tmp_path, "defect", "size_udf")[ids_of(simulator)[0]] == (9,)


def test_a_relabelled_field_is_told(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "team_udf", "string", label="Team")
    run_extract(simulator, tmp_path)
    simulator.add_field("defect", "team_udf", "string", label="Crew")

    report = run_extract(simulator, tmp_path)

    told = [(one.change, one.detail) for one in report.manifest.schema_changes]
    assert ("relabelled", "Team to Crew") in told


def test_lists_that_came_or_went_are_told(simulator: Simulator, tmp_path: Path) -> None:
    choices: dict[str, Any] = {"only": ("list_node",), "page_size": 1000}
    simulator.store.insert("list_node", {"name": "Old"}, id="list_node.old")
    run_extract(simulator, tmp_path, **choices)
    simulator.store.insert("list_node", {"name": "New"}, id="list_node.new")
    simulator.store.delete("list_node", "list_node.old")

    report = run_extract(simulator, tmp_path, **choices)

    told = {(one.field, one.change) for one in report.manifest.schema_changes}
    assert told == {("list_node.new", "list_added"), ("list_node.old", "list_removed")}
    assert "list_node.old" not in held(tmp_path, "list_node")


def test_history_is_loaded_in_slices_beside_the_newest(
    simulator: Simulator, tmp_path: Path
) -> None:
    old = START - timedelta(days=400)
    for number in range(4):
        moment = (old + timedelta(days=100 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        simulator.store.insert("defect", {"name": "old", "last_modified": moment})

    report = run_extract(simulator, tmp_path, since=START - timedelta(days=150))
    assert len(held(tmp_path, "defect")) == DEFECTS + 1
    assert "held in part" in certificate(report).note
    assert not run_extract(simulator, tmp_path, census=True).has_changes

    report = run_extract(simulator, tmp_path, since=START - timedelta(days=900))
    assert len(held(tmp_path, "defect")) == DEFECTS + 4
    assert certificate(report).rows_held == DEFECTS + 4


def test_an_older_slice_needs_a_newest_one(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--until has nothing to join"):
        run_extract(simulator, tmp_path, since=START - timedelta(days=9), until=START)


def test_a_full_extract_buries_what_is_gone(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    gone = ids_of(simulator)[5]
    simulator.store.delete("defect", gone)

    report = run_extract(simulator, tmp_path, full=True)

    assert gone not in held(tmp_path, "defect")
    assert certificate(report).tombstones == {"gone": 1}


class Killed(BaseException):
    """The process ends here."""


def killer(place: int) -> Callable[[Request], None]:
    left = place

    def before(_: Request) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    return before


def test_a_kill_at_any_request_leaves_the_former_generation_and_the_rerun_finishes(
    simulator: Simulator, tmp_path: Path
) -> None:
    first = run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    for id in ids_of(simulator):
        simulator.store.update("defect", id, {"name": "second"})
    probe = SmallTransport(simulator)
    killed = 0
    for place in range(40):
        try:
            run_extract(simulator, tmp_path, SmallTransport(simulator, killer(place)))
        except Killed:
            killed += 1
            assert current_tables(tmp_path) == first.manifest.tables
            continue
        break
    report = run_extract(simulator, tmp_path, probe)

    assert killed > 8
    assert report.manifest.generation == Lake(tmp_path / "lake").kept()[-1].generation
    assert set(held(tmp_path, "defect", "name").values()) == {("second",)}


def test_what_a_stopped_extract_had_read_is_not_read_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    def stop_at_stories(request: Request) -> None:
        if "/stories?" in request.url:
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop_at_stories))
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport)

    assert report.resumed == 1
    assert not [one for one in transport.targets if "/defects?" in one]
    assert len(held(tmp_path, "defect")) == DEFECTS


def test_a_kill_at_any_fsync_leaves_a_whole_generation(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    sync = os.fsync
    left = 0

    def failing(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    killed = 0
    for place in range(200):
        simulator.store.update("defect", ids_of(simulator)[0], {"name": f"v{place}"})
        left = place
        try:
            run_extract(simulator, tmp_path)
        except Killed:
            killed += 1
            assert len(held(tmp_path, "defect")) == DEFECTS
            continue
        break
    left = 10**9
    simulator.clock.advance(60)
    run_extract(simulator, tmp_path)

    assert killed > 5
    assert held(tmp_path, "defect", "name")[ids_of(simulator)[0]] == (f"v{killed}",)


def test_a_manifest_cut_off_by_a_kill_is_passed_over(simulator: Simulator, tmp_path: Path) -> None:
    first = run_extract(simulator, tmp_path).manifest
    folder = tmp_path / "lake" / "generations"
    whole = (folder / "000001.json").read_bytes()
    (folder / "000002.json").write_bytes(whole[: len(whole) // 2])
    assert Lake(tmp_path / "lake").current() == first

    second = run_extract(simulator, tmp_path).manifest

    assert (second.generation, second.parent) == (3, 1)
    assert Lake(tmp_path / "lake").current() == second
    assert len(held(tmp_path, "defect")) == DEFECTS


def test_of_two_extracts_into_one_folder_one_is_told_who_writes(
    simulator: Simulator, tmp_path: Path
) -> None:
    with (
        hold(tmp_path, "an extract"),
        pytest.raises(LakeError, match=rf"an extract \(process {os.getpid()} on .*--wait"),
    ):
        run_extract(simulator, tmp_path)

    assert run_extract(simulator, tmp_path).rows == DEFECTS


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("too_many_requests", {"retry_after": 1}),
        ("unavailable", {}),
        ("cut_body", {}),
    ],
)
def test_a_storm_passes(
    simulator: Simulator, tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    simulator.faults.add(kind, times=6, path="/defects", **options)

    assert run_extract(simulator, tmp_path).rows == DEFECTS


def test_a_session_that_ends_at_a_late_page_is_renewed(
    simulator: Simulator, tmp_path: Path
) -> None:
    pages = 0

    def expire(request: Request) -> None:
        nonlocal pages
        if "/defects?" in request.url:
            pages += 1
            if pages == 5:
                simulator.faults.expire()

    assert run_extract(simulator, tmp_path, SmallTransport(simulator, expire)).rows == DEFECTS
    assert simulator.auth.sign_ins == 2


def asked_of_defects(transport: SmallTransport) -> int:
    return sum("/defects?" in one for one in transport.targets)


@pytest.mark.parametrize("page", [7, 10, 14])
def test_a_large_type_is_read_on_from_where_a_stopped_extract_was(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.full.PART_ROWS", 6)
    for number in range(26):
        simulator.store.insert("defect", {"name": f"more {number}"})
    simulator.clock.advance(3600)
    began = simulator.clock.now()
    whole = SmallTransport(simulator)
    run_extract(simulator, tmp_path / "peer", whole, concurrency=1)
    left = page

    def stop(request: Request) -> None:
        nonlocal left
        left -= "/defects?" in request.url
        if left < 0:
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop), concurrency=1)
    simulator.clock.advance(3600)
    first = ids_of(simulator)[0]
    simulator.store.update("defect", first, {"name": "changed after it was read"})
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, concurrency=1)

    # a part is two pages: besides what is left, at most that and the first page and both ends
    assert asked_of_defects(transport) <= asked_of_defects(whole) - page + 2 + 3
    row = certificate(report)
    assert (row.rows_read, row.total_count, row.rows_held) == (36, 36, 36)
    assert "were read before the extract was stopped" in row.note
    assert row.cursor == began - timedelta(minutes=2)
    assert report.manifest.as_of == began
    assert held(tmp_path, "defect").keys() == set(ids_of(simulator))
    assert held_links(tmp_path, "defect", "user_tags").keys() == set(ids_of(simulator)[:2])
    run_extract(simulator, tmp_path)
    assert held(tmp_path, "defect", "name")[first] == ("changed after it was read",)


def test_parts_of_a_reading_with_other_fields_are_not_taken_over(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.full.PART_ROWS", 3)

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, killer(12)), concurrency=1)
    assert '"part"' in (tmp_path / "extract.journal").read_text(encoding="utf-8")
    simulator.add_field("defect", "team_udf", "string")
    report = run_extract(simulator, tmp_path)

    assert certificate(report).note == ""
    assert len(held(tmp_path, "defect", "team_udf")) == DEFECTS
