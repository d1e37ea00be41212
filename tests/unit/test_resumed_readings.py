"""A reading that was stopped continues after its last part, whatever it reads."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from octane_flows.client.transport import Request
from octane_flows.lake import Lake
from octane_simulator import Simulator
from tests.small import (
    START,
    Killed,
    SmallTransport,
    killer,
    run_extract,
    stored_links,
    stored_rows,
)
from tests.small_defects import DEFECTS, certificate, ids_of


def requests_of_defects(transport: SmallTransport) -> int:
    return sum("/defects?" in target for target in transport.targets)


@pytest.mark.parametrize("page", [7, 10, 14])
def test_a_large_type_is_read_from_where_a_stopped_extract_was(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 6)
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
    assert requests_of_defects(transport) <= requests_of_defects(whole) - page + 2 + 3
    row = certificate(report)
    assert (row.rows_read, row.total_count, row.rows_held) == (36, 36, 36)
    assert "were read before the extract was stopped" in row.note
    assert row.cursor == began - timedelta(minutes=2)
    assert report.manifest.as_of == began
    assert stored_rows(tmp_path, "defect").keys() == set(ids_of(simulator))
    assert stored_links(tmp_path, "defect", "user_tags").keys() == set(ids_of(simulator)[:2])
    run_extract(simulator, tmp_path)
    assert stored_rows(tmp_path, "defect", "name")[first] == ("changed after it was read",)


def test_parts_of_a_reading_with_other_fields_are_not_taken_over(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, killer(12)), concurrency=1)
    assert '"part"' in "".join(journal(tmp_path))
    simulator.add_field("defect", "team_udf", "string")
    report = run_extract(simulator, tmp_path)

    assert certificate(report).note == ""
    assert len(stored_rows(tmp_path, "defect", "team_udf")) == DEFECTS


def stopped_at(page: int, collection: str = "defects") -> Callable[[Request], None]:
    """Ends the process before a request for rows of a collection, the first is 0."""
    left = page

    def before(request: Request) -> None:
        nonlocal left
        left -= f"/{collection}?" in request.url
        if left < 0:
            raise Killed

    return before


def assert_equal_to_the_server(simulator: Simulator, home: Path) -> None:
    rows = simulator.store.find("defect")
    expected = {row["id"]: (row["name"], row["version_stamp"]) for row in rows}
    assert stored_rows(home, "defect", "name", "version_stamp") == expected
    tags = {row["id"]: sorted(tag["id"] for tag in row["user_tags"]) for row in rows}
    assert stored_links(home, "defect", "user_tags") == {
        id: set_ for id, set_ in tags.items() if set_
    }


def first_id(targets: Sequence[str]) -> int:
    """The lowest id that a resumed reading requested: all its requests say `id GT`."""
    matches = [re.search(r"id%20GT%20(\d+)", target) for target in targets if "/defects?" in target]
    return min(int(match[1]) for match in matches if match)


@pytest.mark.parametrize("page", range(1, 15))
def test_a_refresh_that_was_stopped_requests_only_what_it_lacks(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    for number in range(14):
        simulator.store.insert("defect", {"name": f"more {number}"})
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    ids = ids_of(simulator)
    for id in ids:
        simulator.store.update("defect", id, {"name": "changed", "user_tags": []})
    began = simulator.clock.now()
    try:
        transport = SmallTransport(simulator, stopped_at(page))
        run_extract(simulator, tmp_path, transport, concurrency=1)
    except Killed:
        pass
    else:
        assert page > 10  # eight pages, both ends and a first look
        return
    parts = [json.loads(line) for line in journal(tmp_path) if '"part"' in line]
    simulator.clock.advance(3600)
    simulator.store.update("defect", ids[0], {"name": "changed again"})
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, concurrency=1)

    row = certificate(report)
    assert (row.rows_read, row.rows_held) == (24, 24)
    if parts:
        assert row.cursor == began - timedelta(minutes=2)
        assert row.rows_written == 24
        assert first_id(transport.targets) == parts[-1]["part"]["up_to"]
        assert len(ids_of_new_files(tmp_path, "defect")) == 24  # none is written twice
    run_extract(simulator, tmp_path)
    assert_equal_to_the_server(simulator, tmp_path)
    assert not run_extract(simulator, tmp_path).has_changes


def test_parts_are_kept_from_each_page_of_a_refresh_on(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    for id in ids_of(simulator):
        simulator.store.update("defect", id, {"name": "changed"})
    requests = []
    for place in itertools.count(1):  # killed again and again, a request later each time
        transport = SmallTransport(simulator, stopped_at(place))
        try:
            run_extract(simulator, tmp_path, transport, concurrency=1)
        except Killed:
            continue
        requests.append(requests_of_defects(transport))
        break

    assert requests[0] < 7  # four pages, both ends and a first look
    assert_equal_to_the_server(simulator, tmp_path)


@pytest.mark.parametrize("page", range(1, 16))
def test_an_older_slice_that_was_stopped_continues(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    old = (START - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
    since = START - timedelta(days=900)
    olds = [
        simulator.store.insert("defect", {"name": "old", "last_modified": old}) for _ in range(14)
    ]
    run_extract(simulator, tmp_path, since=START - timedelta(days=1))
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS
    simulator.clock.advance(3600)
    new = simulator.store.insert("defect", {"name": "new"})
    try:
        transport = SmallTransport(simulator, stopped_at(page))
        run_extract(simulator, tmp_path, transport, since=since, concurrency=1)
    except Killed:
        pass
    else:
        assert page > 8  # the newest slice, a first look, both ends, five pages
        return
    parts = [json.loads(line) for line in journal(tmp_path) if '"part"' in line]
    assert bool(parts) == (page > 6)  # a window of two pages comes at once
    simulator.clock.advance(3600)
    for id in (olds[0], olds[-1], new):  # leave the slice, before and after the part
        simulator.store.update("defect", id, {"name": "changed"})
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport, since=since, concurrency=1)

    assert certificate(report).rows_held == len(stored_rows(tmp_path, "defect")) >= DEFECTS + 14
    if parts:
        assert first_id(transport.targets) == parts[-1]["part"]["up_to"]
        newest = [
            target
            for target in transport.targets
            # the lake's newest row is asked for first, by its id alone
            if "/defects?" in target and "LT" not in target and "id%20IN%20" not in target
        ]
        assert newest == []
    run_extract(simulator, tmp_path)
    assert_equal_to_the_server(simulator, tmp_path)
    assert not run_extract(simulator, tmp_path, census=True).has_changes


def test_a_part_of_other_readings_is_not_taken_over(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "newest"})
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    for id in ids_of(simulator):
        simulator.store.update("defect", id, {"name": "changed"})
    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stopped_at(6)), concurrency=1)
    assert any('"part"' in line for line in journal(tmp_path))

    report = run_extract(simulator, tmp_path, overlap=timedelta(minutes=30))

    assert certificate(report).note == ""
    assert certificate(report).cursor == simulator.clock.now() - timedelta(minutes=2)
    assert_equal_to_the_server(simulator, tmp_path)


def journal(home: Path) -> list[str]:
    """The lines of the only journal; none before there is something to keep."""
    paths = list(home.glob("extract-*.journal"))
    assert len(paths) <= 1
    return [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def ids_of_new_files(home: Path, table: str) -> list[str]:
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    lake = Lake(home / "lake")
    return [
        id
        for file in manifest.tables[table].files
        if f"/{manifest.generation:06d}-" in file.path
        for id in pq.read_table(lake.resolve(file), columns=["id"])["id"].to_pylist()
    ]
