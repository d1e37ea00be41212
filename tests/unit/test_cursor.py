"""The cursor and the readings that lead to it, with literal times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octane_flows.extract.cursor import choose_reading, next_intervals, stored_query
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.options import Options
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Interval, NewestRow, ReadState

NOON = datetime(2021, 1, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MOMENTS = Moments(as_of=NOON, settle=2 * MINUTE, overlap=20 * MINUTE)
OPTIONS = Options(page_size=100, concurrency=1)
DEFECTS = EntityPlan("1002", "defect", "Defect", "defects", scalars=(), links=())


def test_the_cursor_stays_behind_the_servers_time() -> None:
    assert MOMENTS.cursor == NOON - 2 * MINUTE
    assert MOMENTS.next_overlap_start == NOON - 22 * MINUTE


def test_a_refresh_reads_back_from_the_previous_cursor() -> None:
    previous = NOON - 60 * MINUTE

    state = ReadState("changes", previous, last_id=7, newest_row=NewestRow("7", previous))

    reading = choose_reading(DEFECTS, state, OPTIONS, MOMENTS)

    assert (reading.kind, str(reading.query)) == (
        "newest",
        "last_modified GE ^2021-01-20T10:40:00Z^",
    )


def test_a_refresh_reads_further_back_when_the_servers_clock_was_set_back() -> None:
    assert MOMENTS.overlap_start(NOON + 10 * MINUTE) == NOON - 22 * MINUTE


def test_rows_of_a_stopped_extract_are_as_old_as_its_beginning() -> None:
    assert MOMENTS.not_after(NOON - 60 * MINUTE).cursor == NOON - 62 * MINUTE
    assert MOMENTS.not_after(NOON + MINUTE) == MOMENTS


def test_a_generation_is_as_old_as_its_oldest_reading() -> None:
    cursors = [MOMENTS.cursor, NOON - 32 * MINUTE]

    assert MOMENTS.of_oldest(cursors).as_of == NOON - 30 * MINUTE
    assert MOMENTS.of_oldest([]) == MOMENTS


def test_a_first_reading_and_one_of_changed_types_read_everything() -> None:
    state = ReadState("changes", NOON, (Interval(None, NOON),))

    first = choose_reading(DEFECTS, None, OPTIONS, MOMENTS)
    again = choose_reading(DEFECTS, state, OPTIONS, MOMENTS, must_read_all=True)

    assert (first.kind, first.query) == (again.kind, again.query) == ("full", None)


def test_the_rows_that_should_be_stored_are_those_of_the_slices() -> None:
    older, newest = Interval(NOON - 90 * MINUTE, NOON - 80 * MINUTE), NOON - 60 * MINUTE
    state = ReadState("changes", NOON, (older, Interval(newest, NOON)))

    assert str(stored_query(state)) == (
        "last_modified GE ^2021-01-20T11:00:00Z^||"
        "last_modified GE ^2021-01-20T10:30:00Z^;last_modified LT ^2021-01-20T10:40:00Z^"
    )


def test_the_interval_after_a_refresh_ends_at_the_cursor() -> None:
    state = ReadState("changes", NOON - 60 * MINUTE, (Interval(None, NOON - 60 * MINUTE),))

    assert next_intervals(state, OPTIONS, MOMENTS.cursor, ()) == (Interval(None, MOMENTS.cursor),)
