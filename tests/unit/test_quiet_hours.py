"""Quiet hours: what is accepted, and when they end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from octane_flows.config import QuietHours, load_settings
from octane_flows.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
SERVER = {
    "OCTANE_URL": "https://octane.example.com",
    "OCTANE_TOKEN": "canary",
    "OCTANE_SHARED_SPACE": "1001",
    "OCTANE_TIME_ZONE": "Europe/Berlin",
}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def quiet(text: str) -> QuietHours:
    hours = load_settings({**SERVER, "OCTANE_QUIET_HOURS": text}).quiet_hours
    assert hours is not None
    return hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        # 2024-01-01 is a Monday.
        ("08:00-18:00", "2024-01-06T07:59:59", None),
        ("08:00-18:00", "2024-01-06T08:00:00", "2024-01-06T18:00:00"),
        ("08:00-18:00", "2024-01-06T18:00:00", None),
        ("mon-fri 08:00-18:00", "2024-01-06T12:00:00", None),
        ("mon-fri 08:00-18:00, sat 11:00-13:00", "2024-01-06T12:00:00", "2024-01-06T13:00:00"),
        ("fri 22:00-06:00", "2024-01-06T05:00:00", "2024-01-06T06:00:00"),
        ("fri 22:00-06:00", "2024-01-05T05:00:00", None),
        ("sat-sun 00:00-24:00", "2024-01-06T12:00:00", "2024-01-08T00:00:00"),
        ("sun-mon 10:00-11:00", "2024-01-01T10:30:00", "2024-01-01T11:00:00"),
        ("sun-mon 10:00-11:00", "2024-01-02T10:30:00", None),
        ("08:00-12:00, 12:00-18:00", "2024-01-01T09:00:00", "2024-01-01T18:00:00"),
        ("MON 08:00-09:00", "2024-01-01T08:30:00", "2024-01-01T09:00:00"),
    ],
)
def test_quiet_hours_end_when_the_last_span_that_touches_ends(
    text: str, now: str, until: str | None
) -> None:
    assert quiet(text).until(at(now)) == (at(until) if until else None)


def test_the_site_is_asked_in_its_own_zone_summer_and_winter() -> None:
    hours = quiet("08:00-09:00")

    assert hours.until(datetime(2024, 7, 1, 6, 30, tzinfo=ZoneInfo("UTC"))) is not None
    assert hours.until(datetime(2024, 1, 1, 6, 30, tzinfo=ZoneInfo("UTC"))) is None
    assert hours.until(datetime(2024, 1, 1, 7, 30, tzinfo=ZoneInfo("UTC"))) is not None


@pytest.mark.parametrize(
    "text", ["8-18", "mon 08:00", "funday 08:00-18:00", "25:00-26:00", "08:60-09:00", "08:00-08:00"]
)
def test_a_text_that_is_not_a_time_of_the_week_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"OCTANE_QUIET_HOURS has .* mon-fri 08:00-18:00"):
        quiet(text)


@pytest.mark.parametrize("text", ["00:00-24:00", "mon-sun 08:00-20:00, 20:00-08:00"])
def test_a_week_without_a_free_hour_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="covers the whole week"):
        quiet(text)


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(UsageError, match="OCTANE_TIME_ZONE is Mars/Base, which is not a time zone"):
        load_settings({**SERVER, "OCTANE_TIME_ZONE": "Mars/Base"})


def test_no_quiet_hours_and_no_limits_unless_set() -> None:
    settings = load_settings(SERVER)

    assert (settings.quiet_hours, settings.requests_per_second, settings.max_requests) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("OCTANE_REQUESTS_PER_SECOND", "0", "must be a number from 0.01 to 1000"),
        ("OCTANE_MAX_REQUESTS", "1.5", "must be a whole number from 1 to"),
    ],
)
def test_a_limit_out_of_bounds_is_told(name: str, value: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is {value}, but {sentence}"):
        load_settings({**SERVER, name: value})
