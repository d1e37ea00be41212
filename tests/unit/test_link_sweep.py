"""A link sweep finds link changes without a changed owner, and rows that cancel out in a census."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from octane_flows.errors import ExtractError
from octane_flows.extract.link_sweep import query_around
from octane_simulator import Simulator
from tests.small import START, SmallTransport, run_extract, stored_links, stored_rows
from tests.small_defects import DEFECTS, certificate, change_type, current_tables, ids_of


def test_a_sweep_finds_a_link_change_whose_owner_did_not_change(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    first = ids_of(simulator)[0]
    simulator.store.link("defect", "user_tags", first, [])
    assert not run_extract(simulator, tmp_path).has_changes

    report = run_extract(simulator, tmp_path, sweep=True, sweep_share=1.0)

    assert first not in stored_links(tmp_path, "defect", "user_tags")
    assert "1 sets changed" in certificate(report).note


def test_sweeps_go_on_where_the_last_one_stopped(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    *_, last = ids_of(simulator)
    tag = ids_of(simulator, "user_tag")[0]
    simulator.store.link("defect", "user_tags", last, [("user_tag", tag)])

    is_stored = []
    for _ in range(2):
        run_extract(simulator, tmp_path, sweep=True, sweep_share=0.5)
        is_stored.append(last in stored_links(tmp_path, "defect", "user_tags"))

    assert is_stored == [False, True]


def assert_equal_to_the_server(simulator: Simulator, home: Path) -> None:
    for entity in ("defect", "story"):
        assert stored_rows(home, entity).keys() == set(ids_of(simulator, entity))


@pytest.fixture
def lake(simulator: Simulator, tmp_path: Path) -> Path:
    """Ten stored defects and ten stored stories."""
    for number in range(10):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(timedelta(hours=1))
    run_extract(simulator, tmp_path)
    simulator.clock.advance(timedelta(hours=1))
    return tmp_path


@pytest.mark.parametrize("census", [False, True])
def test_a_deletion_that_an_unread_row_cancels_out_in_counts_is_found(
    simulator: Simulator, lake: Path, census: bool
) -> None:
    simulator.faults.refuse("defect")
    unread = simulator.store.insert("defect", {"name": "written while nobody could read it"})
    simulator.clock.advance(timedelta(hours=1))
    simulator.store.insert("story", {"name": "the newest row, behind which refreshes begin"})
    run_extract(simulator, lake)
    change_type(simulator, unread, "story")
    simulator.store.delete("story", ids_of(simulator, "story")[4])
    simulator.faults.allow()
    assert not run_extract(simulator, lake, census=True).has_changes  # the counts are equal

    report = run_extract(simulator, lake, census=census, sweep=True, sweep_share=1.0)

    assert_equal_to_the_server(simulator, lake)
    row = certificate(report, "story")
    assert (row.rows_held, row.tombstones) == (11, {"deleted": 1})
    assert row.note.endswith("the sweep met 1 deleted rows, 1 unread ones")
    assert row.census_result == ("1 deleted, 1 added" if census else "equal")
    assert not run_extract(simulator, lake, census=True, sweep=True).has_changes


@pytest.mark.parametrize("census", [False, True])
def test_two_rows_that_exchange_their_types_are_found(
    simulator: Simulator, lake: Path, census: bool
) -> None:
    change_type(simulator, ids_of(simulator)[5], "story")
    change_type(simulator, ids_of(simulator, "story")[5], "defect")

    report = run_extract(simulator, lake, census=census, sweep=True, sweep_share=1.0)

    assert_equal_to_the_server(simulator, lake)
    assert certificate(report).tombstones == {"moved to story": 1}
    assert certificate(report, "story").tombstones == {"moved to defect": 1}
    assert not run_extract(simulator, lake, census=True).has_changes


def test_a_row_that_a_small_sweep_finds_moved_is_read_where_it_is_now(
    simulator: Simulator, lake: Path
) -> None:
    # its id is higher than those of all defects: the sweep of the first ones does not meet it
    change_type(simulator, ids_of(simulator, "story")[0], "defect")

    report = run_extract(simulator, lake, sweep=True, sweep_share=0.1)

    assert_equal_to_the_server(simulator, lake)
    assert certificate(report).rows_held == DEFECTS + 1
    assert certificate(report, "story").rows_held == 9
    assert certificate(report).census_at == simulator.clock.now() - timedelta(hours=1)


def test_a_row_that_a_sweep_does_not_find_is_requested_again(
    simulator: Simulator, lake: Path
) -> None:
    deleted = ids_of(simulator)[3]
    simulator.store.delete("defect", deleted)
    transport = SmallTransport(simulator)

    run_extract(simulator, lake, transport, sweep=True, sweep_share=1.0)

    assert sum(f"/defects/{deleted}?" in target for target in transport.targets) == 1
    assert_equal_to_the_server(simulator, lake)


@pytest.mark.parametrize(
    ("share", "message"), [(1.0, "24 of the 110 rows"), (0.3, "24 of the 33 ro")]
)
def test_many_deletions_stop_a_sweep_until_they_are_accepted(
    simulator: Simulator, lake: Path, share: float, message: str
) -> None:
    for number in range(100):
        simulator.store.insert("defect", {"name": f"more{number}"})
    first = run_extract(simulator, lake)
    for id in ids_of(simulator)[2:26]:
        simulator.store.delete("defect", id)

    with pytest.raises(ExtractError, match=rf"{message}.*--accept-deletions defect"):
        run_extract(simulator, lake, sweep=True, sweep_share=share)
    assert current_tables(lake) == first.manifest.tables

    run_extract(simulator, lake, sweep=True, sweep_share=share, accept_deletions=("defect",))
    assert_equal_to_the_server(simulator, lake)


def test_a_sweep_of_a_lake_in_slices_reads_nothing_between_them(
    simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(40):
        moment = (START - timedelta(days=400 + number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        simulator.store.insert("defect", {"name": "old", "last_modified": moment})
    run_extract(simulator, tmp_path, since=START - timedelta(days=1))
    start, end = START - timedelta(days=430), START - timedelta(days=420)
    run_extract(simulator, tmp_path, since=start, until=end)
    before = stored_rows(tmp_path, "defect")
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, page_size=100, sweep=True, sweep_share=1.0)

    assert not report.has_changes
    assert stored_rows(tmp_path, "defect") == before
    assert len(before) == DEFECTS + 10
    assert (
        sum("/defects?" in target for target in transport.targets) == 3
    )  # newest row, refresh, sweep
    assert certificate(report).bytes_received < 20_000


def test_batches_leave_no_id_out() -> None:
    ids = np.array([3, 5, 9, 12, 20], dtype=np.int64)

    queries = [str(query_around(batch, ids)) for batch in (ids[:2], ids[2:4], ids[4:])]

    assert queries == [
        "id BTW 0...8",
        "id BTW 9...19",
        "id BTW 20...9007199254740991",
    ]
