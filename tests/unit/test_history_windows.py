"""Windows of the change history: every record is taken once, whatever one answer can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octane_flows.extract.history_windows import SECOND, Window, take

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [NOON - timedelta(seconds=number) for number in seconds]


def test_an_answer_with_all_records_settles_the_window() -> None:
    taken = take(Window(), at(0, 1, 1), is_whole=True, newest=NOON)

    assert (taken.is_taken, taken.left) == ((True, True, True), ())


def test_the_oldest_second_of_a_cut_answer_is_read_again() -> None:
    taken = take(Window(NOON - 9 * SECOND), at(0, 1, 2, 2), is_whole=False, newest=NOON)

    assert taken.is_taken == (True, True, False, False)
    assert taken.left == (Window(NOON - 9 * SECOND, NOON - SECOND),)


def test_fractions_of_a_second_are_not_cut() -> None:
    taken = take(Window(), at(0, 1.2, 1.4), is_whole=False, newest=NOON)

    assert taken.is_taken == (True, False, False)
    assert taken.left == (Window(None, NOON - SECOND),)


def test_one_second_that_fills_an_answer_is_read_on_its_own() -> None:
    taken = take(Window(None, NOON + SECOND), at(0, 0, 0), is_whole=False, newest=NOON)

    assert not any(taken.is_taken)
    assert taken.left == (Window(NOON, NOON + SECOND), Window(None, NOON))
    assert take(taken.left[0], at(0, 0, 0), is_whole=False, newest=NOON).must_page


def test_an_answer_in_another_order_halves_the_window() -> None:
    window = Window(NOON - 10 * SECOND, NOON)

    taken = take(window, at(5, 1), is_whole=False, newest=NOON)

    assert taken.left == (
        Window(NOON - 5 * SECOND, NOON),
        Window(NOON - 10 * SECOND, NOON - 5 * SECOND),
    )


def test_a_window_is_a_query_by_time() -> None:
    assert str(Window(NOON, NOON + SECOND).query) == (
        "timestamp GE ^2026-03-01T12:00:00Z^;timestamp LT ^2026-03-01T12:00:01Z^"
    )
    assert Window().query is None


@given(
    st.lists(st.integers(min_value=0, max_value=60), max_size=40),
    st.integers(min_value=1, max_value=7),
    st.sampled_from([None, 30, 60]),
    st.booleans(),
)
def test_every_record_is_taken_once(
    seconds: list[int], limit: int, start: int | None, is_ordered: bool
) -> None:
    records = list(enumerate(at(*sorted(seconds))))
    window = Window(None if start is None else NOON - timedelta(seconds=start))
    left, seen, requests = [window], [], 0
    while left:
        window, requests = left.pop(0), requests + 1
        inside = [record for record in records if window.has(record[1])]
        answer = inside[:limit] if is_ordered else list(reversed(inside[:limit]))
        moments = [moment for _, moment in answer]
        taken = take(window, moments, is_whole=len(inside) < limit, newest=NOON)
        if taken.must_page:
            seen += inside
        seen += [record for record, is_in in zip(answer, taken.is_taken, strict=True) if is_in]
        left[:0] = taken.left
        assert requests < 500

    wanted = [record for record in records if start is None or record[1] >= at(start)[0]]
    assert sorted(seen) == wanted


@pytest.mark.parametrize("width", [1, 2, 3, 3600])
def test_halves_join_and_end(width: int) -> None:
    window = Window(NOON, NOON + width * SECOND)

    newer, older = window.halves(NOON)

    assert (older.start, older.end, newer.end) == (NOON, newer.start, window.end)
    assert window.is_second or older.end != newer.end
