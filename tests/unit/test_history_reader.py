"""The change history of a simulated server is read whole, in order of time, and kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from octane_flows.client.transport import Request, Response
from octane_flows.errors import UsageError
from octane_flows.extract import ExtractReport
from octane_flows.extract.history_records import TABLE
from octane_simulator import Simulator
from octane_simulator.store.history_table import Save, add_saves
from octane_simulator.store.simulated_clock import iso
from tests.small import FIELDS, Killed, SmallTransport, run_extract, stored_rows
from tests.small_defects import certificate, ids_of

HISTORY = ("work_item",)


class HistoryTransport(SmallTransport):
    """Counts requests of the history; `stop_at` ends the process before one of them."""

    fields = FIELDS | {"creation_time"}

    def __init__(self, simulator: Simulator, stop_at: int | None = None) -> None:
        super().__init__(simulator)
        self.requests: list[str] = []
        self.stop_at = stop_at

    def send(self, request: Request) -> Response:
        if "/history_" in request.url:
            if len(self.requests) == self.stop_at:
                raise Killed
            self.requests.append(unquote(request.url))
        return super().send(request)


def change(simulator: Simulator, id: str, field: str, old: Any, new: Any, **more: Any) -> Save:
    entry = {"field_name": field, "old_value": old, "value": new, "value_text": f"text of {new}"}
    return Save(
        **{
            "entity_type": "defect",
            "entity_id": id,
            "action": "update",
            "changes": [entry],
            "timestamp": iso(simulator.clock.now()),
            **more,
        }
    )


def save_each(simulator: Simulator, seconds: float, *, of: str = "1", count: int = 1) -> None:
    """Some saves of one defect, so many seconds apart."""
    for number in range(count):
        save = change(simulator, of, "name", number, number + 1)
        add_saves(simulator.store, [save])
        simulator.clock.advance(seconds)


def read(
    simulator: Simulator, home: Path, transport: HistoryTransport | None = None, **choices: Any
) -> ExtractReport:
    transport = transport or HistoryTransport(simulator)
    return run_extract(simulator, home, transport, history=HISTORY, **choices)


def stored(home: Path) -> list[tuple[Any, ...]]:
    rows = stored_rows(home, TABLE, "entity_id", "changed_at", "old_value", "value")
    return sorted(rows.values(), key=lambda row: (row[0], row[1], int(row[2] or 0)))


def expected(simulator: Simulator) -> list[tuple[Any, ...]]:
    rows = simulator.store.connection.execute(
        "select entity_id, timestamp, json_extract(change_set, '$[0].old_value'), "
        "json_extract(change_set, '$[0].value') from history_log where entity_type = 'defect'"
    ).fetchall()
    records = [
        (
            row[0],
            datetime.fromisoformat(row[1]).replace(tzinfo=None),
            None if row[2] is None else str(row[2]),
            None if row[3] is None else str(row[3]),
        )
        for row in rows
    ]
    return sorted(records, key=lambda row: (row[0], row[1], int(row[2] or 0)))


def test_a_first_load_reads_everything_newest_first(simulator: Simulator, tmp_path: Path) -> None:
    save_each(simulator, 60, count=5)
    transport = HistoryTransport(simulator)

    report = read(simulator, tmp_path, transport)

    assert stored(tmp_path) == expected(simulator)
    assert len(stored(tmp_path)) == 5
    assert len(transport.requests) == 2  # defects and stories
    assert "order_by=-timestamp" in transport.requests[0]
    row = certificate(report, f"{TABLE}.defect")
    assert (row.status, row.rows_read, row.rows_written, row.mode) == ("complete", 5, 5, "full")
    assert row.collection == "history_logs"


def test_a_refresh_asks_once_a_type_and_writes_what_is_new(
    simulator: Simulator, tmp_path: Path
) -> None:
    save_each(simulator, 60, count=5)
    read(simulator, tmp_path)
    transport = HistoryTransport(simulator)
    unchanged = read(simulator, tmp_path, transport)
    assert len(transport.requests) == 2
    assert certificate(unchanged, f"{TABLE}.defect").rows_written == 0

    save_each(simulator, 1, of="2", count=2)
    report = read(simulator, tmp_path)

    assert stored(tmp_path) == expected(simulator)
    row = certificate(report, f"{TABLE}.defect")
    assert (row.mode, row.rows_written) == ("newest", 2)


@pytest.mark.parametrize("cap", [1, 2, 3, 7])
def test_more_records_than_a_query_gives_are_read_by_windows(
    simulator: Simulator, tmp_path: Path, cap: int
) -> None:
    for _ in range(4):
        save_each(simulator, 0, count=3)
        simulator.clock.advance(5)
    simulator.faults.add("history_size", cap=cap)

    report = read(simulator, tmp_path)

    if cap < 3:  # the three saves of one second are more than the server gives at all
        assert any("more changes of" in finding.text for finding in report.manifest.findings)
        assert len(stored(tmp_path)) == 4 * cap
    else:
        assert stored(tmp_path) == expected(simulator)


def test_a_late_record_is_read_by_the_overlap(simulator: Simulator, tmp_path: Path) -> None:
    save_each(simulator, 60, count=2)
    read(simulator, tmp_path)
    moment = iso(simulator.clock.now() - timedelta(minutes=15))
    add_saves(simulator.store, [change(simulator, "3", "name", 1, 2, timestamp=moment)])
    simulator.clock.advance(60)

    read(simulator, tmp_path)

    assert stored(tmp_path) == expected(simulator)


def test_a_restricted_role_reads_by_ids(simulator: Simulator, tmp_path: Path) -> None:
    ids = ids_of(simulator)
    for id in ids:
        save_each(simulator, 5, of=id)
    simulator.faults.add("history_restricted")
    transport = HistoryTransport(simulator)

    report = read(simulator, tmp_path, transport)

    assert stored(tmp_path) == expected(simulator)
    assert len(transport.requests) == 2  # one is refused, one has all ids; no story is stored
    assert "entity_id IN" in transport.requests[1]
    assert "read by ids" in certificate(report, f"{TABLE}.defect").note

    simulator.clock.advance(3600)
    simulator.store.update("defect", ids[0], {"name": "changed"})
    save_each(simulator, 1, of=ids[0])
    transport = HistoryTransport(simulator)
    read(simulator, tmp_path, transport)

    assert stored(tmp_path) == expected(simulator)
    assert [target.count("^") // 2 for target in transport.requests][1:] == [3]  # id, type, time


def test_a_refusal_stops_nothing_and_is_told(simulator: Simulator, tmp_path: Path) -> None:
    save_each(simulator, 60, count=2)
    read(simulator, tmp_path)
    simulator.faults.refuse("history_log")
    save_each(simulator, 60, count=2)

    refused = read(simulator, tmp_path)

    assert len(stored(tmp_path)) == 2
    row = certificate(refused, f"{TABLE}.defect")
    assert row.status == "refused"
    assert row.lag_s is not None
    assert row.lag_s > 120
    assert any("change history of defect, story" in it.text for it in refused.manifest.findings)

    simulator.faults.clear()
    simulator.clock.advance(7200)
    returned = read(simulator, tmp_path)

    assert stored(tmp_path) == expected(simulator)
    assert certificate(returned, f"{TABLE}.defect").status == "complete"


def test_history_records_are_taken_where_history_logs_are_missing(
    simulator: Simulator, tmp_path: Path
) -> None:
    save_each(simulator, 60, count=2)
    simulator.faults.add("refuse", entity="history_log", status=404)
    simulator.faults.add("history_records", form="saves")

    report = read(simulator, tmp_path)

    assert stored(tmp_path) == expected(simulator)
    assert certificate(report, f"{TABLE}.defect").collection == "history_records"


def test_a_server_without_a_history_is_told(simulator: Simulator, tmp_path: Path) -> None:
    simulator.faults.add("refuse", entity="history_log", status=404)

    report = read(simulator, tmp_path)

    assert stored(tmp_path) == []
    row = certificate(report, f"{TABLE}.defect")
    assert (row.status, row.cursor, row.complete_from) == ("refused", None, None)
    assert any("could not be read" in finding.text for finding in report.manifest.findings)


@pytest.mark.parametrize("keys", ["valueName", "new_value"])
def test_other_spellings_of_a_server_are_read(
    simulator: Simulator, tmp_path: Path, keys: str
) -> None:
    save_each(simulator, 60, count=2)
    simulator.faults.add("history_form", keys=keys, user="user_name")

    read(simulator, tmp_path)

    rows = stored_rows(tmp_path, TABLE, "value_text", "user_full_name")
    assert {row[0] for row in rows.values()} == {"text of 1", "text of 2"}
    assert all(row[1] for row in rows.values())


def test_the_certificate_says_from_when_on_the_history_is_complete(
    simulator: Simulator, tmp_path: Path
) -> None:
    created = simulator.clock.now() - timedelta(hours=1)
    simulator.clock.advance(timedelta(days=10))
    start = simulator.clock.now()
    save_each(simulator, 60, count=3)
    simulator.clock.advance(timedelta(days=1))

    shortened = read(simulator, tmp_path / "shortened")

    row = certificate(shortened, f"{TABLE}.defect")
    assert row.complete_from == start
    assert any("complete from" in finding.text for finding in shortened.manifest.findings)

    creations = [
        change(simulator, id, "name", None, "d", action="create", timestamp=iso(created))
        for id in ids_of(simulator)
    ]
    add_saves(simulator.store, creations)
    whole = read(simulator, tmp_path / "whole")

    assert certificate(whole, f"{TABLE}.defect").complete_from == created
    assert not any("complete from" in finding.text for finding in whole.manifest.findings)


def test_changes_that_the_server_dropped_before_they_were_read_are_told(
    simulator: Simulator, tmp_path: Path
) -> None:
    save_each(simulator, 60, count=2)
    read(simulator, tmp_path)
    for _ in range(6):
        simulator.clock.advance(timedelta(days=2))
        save_each(simulator, 60)
    simulator.faults.add("history_retention", days=3)

    report = read(simulator, tmp_path)

    row = certificate(report, f"{TABLE}.defect")
    assert row.complete_from is not None
    assert row.complete_from > simulator.clock.now() - timedelta(days=3)
    assert "dropped older changes" in row.note
    assert len(stored(tmp_path)) == 4


@pytest.mark.parametrize("place", range(2, 6))
def test_a_stopped_reading_goes_on_where_it_was(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr("octane_flows.extract.history_writer.PART_ROWS", 2)
    save_each(simulator, 5, count=12)
    simulator.faults.add("history_size", cap=3)
    whole = HistoryTransport(simulator)
    read(simulator, tmp_path / "whole", whole)
    with pytest.raises(Killed):
        read(simulator, tmp_path, HistoryTransport(simulator, stop_at=place), concurrency=1)
    rerun = HistoryTransport(simulator)

    report = read(simulator, tmp_path, rerun, concurrency=1)

    assert stored(tmp_path) == expected(simulator)
    assert len(rerun.requests) < len(whole.requests)
    assert "stopped extract" in certificate(report, f"{TABLE}.defect").note


def test_no_history_is_asked_for_without_types(simulator: Simulator, tmp_path: Path) -> None:
    transport = HistoryTransport(simulator)

    run_extract(simulator, tmp_path, transport)

    assert transport.requests == []
    assert stored(tmp_path) == []


def test_a_type_that_the_server_lacks_is_named(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="OCTANE_HISTORY names stroy"):
        run_extract(simulator, tmp_path, HistoryTransport(simulator), history=("stroy",))
