"""A census finds rows that were deleted, moved, may no longer be read, or are too many."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from octane_flows.client.transport import Request, Response
from octane_flows.errors import ExtractError
from octane_simulator import Simulator
from tests.small import SmallTransport, run_extract, stored_rows
from tests.small_defects import DEFECTS, certificate, change_type, current_tables, ids_of


def test_a_census_gives_each_deleted_row_its_reason(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    deleted, moved, *_ = ids_of(simulator)
    simulator.store.delete("defect", deleted)
    change_type(simulator, moved, "story")

    report = run_extract(simulator, tmp_path, census=True)

    row = certificate(report)
    assert row.tombstones == {"deleted": 1, "moved to story": 1}
    assert (row.rows_held, row.server_count_end) == (DEFECTS - 2, DEFECTS - 2)
    assert moved in stored_rows(tmp_path, "story")
    assert not {deleted, moved} & set(stored_rows(tmp_path, "defect"))


def test_a_refresh_that_counts_finds_a_deletion_and_takes_no_other_census(
    simulator: Simulator, tmp_path: Path
) -> None:
    for number in range(6):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    deleted, *_ = ids_of(simulator)
    simulator.store.delete("defect", deleted)
    simulator.clock.advance(3600)

    plain = run_extract(simulator, tmp_path)
    counted = run_extract(simulator, tmp_path, counts=True)

    assert certificate(plain).tombstones == {}
    assert certificate(counted).tombstones == {"deleted": 1}
    assert certificate(counted).rows_held == certificate(counted).server_count_end == DEFECTS - 1
    before, after = (certificate(report, "story").census_at for report in (plain, counted))
    assert before == after


def test_a_row_that_came_since_the_reading_costs_no_census(
    simulator: Simulator, tmp_path: Path
) -> None:
    first = run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    changed, *_ = ids_of(simulator)
    simulator.store.update("defect", changed, {"name": "changed"})
    simulator.clock.advance(600)

    class AfterTheReading(SmallTransport):
        def send(self, request: Request) -> Response:
            if "/defects?fields=id&order_by=id&limit=1" in request.url:
                simulator.store.insert("defect", {"name": "came since"})
            return super().send(request)

    report = run_extract(simulator, tmp_path, counts=True, transport=AfterTheReading(simulator))

    assert len(ids_of(simulator)) > DEFECTS == certificate(report).rows_held
    assert certificate(report).census_at == certificate(first).census_at


def test_a_row_that_moved_in_does_not_hide_a_deletion(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(6):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    moved, *_ = ids_of(simulator)
    deleted = ids_of(simulator, "story")[2]
    simulator.store.delete("story", deleted)
    change_type(simulator, moved, "story")

    report = run_extract(simulator, tmp_path, census=True)

    assert stored_rows(tmp_path, "story").keys() == set(ids_of(simulator, "story"))
    assert certificate(report, "story").tombstones == {"deleted": 1}
    assert certificate(report, "story").rows_held == 6


@pytest.mark.parametrize(("source", "target"), [("defect", "story"), ("story", "defect")])
def test_a_census_sees_such_a_pair_whichever_type_it_counts_first(
    simulator: Simulator, tmp_path: Path, source: str, target: str
) -> None:
    for number in range(6):
        simulator.store.insert("story", {"name": f"s{number}"})
    simulator.clock.advance(60)
    simulator.store.insert(target, {"name": "newer than what moves"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    moved, deleted = ids_of(simulator, source)[0], ids_of(simulator, target)[1]
    simulator.store.delete(target, deleted)
    change_type(simulator, moved, target)

    report = run_extract(simulator, tmp_path, census=True)

    for entity in (source, target):
        row = certificate(report, entity)
        assert stored_rows(tmp_path, entity).keys() == set(ids_of(simulator, entity))
        assert row.rows_held == row.server_count_end == len(ids_of(simulator, entity))
    assert certificate(report, target).tombstones == {"deleted": 1}
    assert certificate(report, target).census_result == "1 deleted, 1 added"
    assert certificate(report, source).tombstones == {f"moved to {target}": 1}
    assert not run_extract(simulator, tmp_path, census=True).has_changes


class Forbidding(SmallTransport):
    """Gives 403 for one row."""

    id = ""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        return replace(answer, status=403) if f"/defects/{self.id}?" in request.url else answer


def test_deleted_rows_are_confirmed_in_groups_and_keep_their_reasons(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    deleted, moved, forbidden, *_ = ids_of(simulator)
    for id in (deleted, forbidden):
        simulator.store.delete("defect", id)
    change_type(simulator, moved, "story")
    transport = Forbidding(simulator)
    transport.id = forbidden

    report = run_extract(simulator, tmp_path, transport, census=True)

    assert certificate(report).tombstones == {"deleted": 1, "forbidden": 1, "moved to story": 1}
    single = [target for target in transport.targets if "/defects/" in target]
    assert len(single) == 2, single  # one request answers for all rows that moved
    assert sum("/work_items?" in target for target in transport.targets) == 1


def test_a_census_without_differences_costs_one_request_a_type(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path, page_size=100)
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, page_size=100, census=True)

    # the newest row, which tells of a restore, then what changed, then the census
    assert sum("/defects?" in target for target in transport.targets) == 3
    assert certificate(report).census_result == "equal"


def test_many_deletions_stop_the_extract_until_they_are_accepted(
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
    assert len(stored_rows(tmp_path, "defect")) == 20


def test_a_type_that_may_no_longer_be_read_keeps_its_rows(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    simulator.faults.refuse("defect")

    report = run_extract(simulator, tmp_path, census=True)

    assert certificate(report).status == "refused"
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS
    simulator.faults.allow()
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "back"})
    assert run_extract(simulator, tmp_path).rows_written == 1


def test_a_full_extract_finds_deletions(simulator: Simulator, tmp_path: Path) -> None:
    run_extract(simulator, tmp_path)
    deleted = ids_of(simulator)[5]
    simulator.store.delete("defect", deleted)

    report = run_extract(simulator, tmp_path, full=True)

    assert deleted not in stored_rows(tmp_path, "defect")
    assert certificate(report).tombstones == {"deleted": 1}


def test_two_rows_that_change_places_unseen_are_found_by_a_full_extract(
    simulator: Simulator, tmp_path: Path
) -> None:
    for entity in ("story", "story", "story", "defect", "defect", "story", "story"):
        simulator.store.insert(entity, {"name": "among the others"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    story, defect = ids_of(simulator, "story")[1], ids_of(simulator)[-2]
    for id, target in ((defect, "story"), (story, "defect")):
        change_type(simulator, id, target)
    run_extract(simulator, tmp_path, census=True)
    assert stored_rows(tmp_path, "defect").keys() != set(ids_of(simulator))  # all counts are equal

    run_extract(simulator, tmp_path, full=True)

    assert stored_rows(tmp_path, "defect").keys() == set(ids_of(simulator))
    assert stored_rows(tmp_path, "story").keys() == set(ids_of(simulator, "story"))


def test_a_change_committed_later_than_the_overlap_is_found_by_a_full_extract(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.store.update("defect", ids_of(simulator)[1], {"name": "newer than the late one"})
    run_extract(simulator, tmp_path)
    late = (simulator.clock.now() - timedelta(minutes=23)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = ids_of(simulator)[0]
    simulator.store.update("defect", first, {"name": "late", "last_modified": late})
    run_extract(simulator, tmp_path, census=True)
    assert stored_rows(tmp_path, "defect", "name")[first] != ("late",)

    run_extract(simulator, tmp_path, full=True)

    assert stored_rows(tmp_path, "defect", "name")[first] == ("late",)
