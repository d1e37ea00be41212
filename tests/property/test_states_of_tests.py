"""The states of tests against a plain evaluation in Python: one step for each outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pytest

from tests.property.result_histories import AS_OF, DAY, SERIES, Key, Outcome, answer, outcomes

#: Small enough for the short histories; the defaults are for real ones.
THRESHOLDS = {
    "new_outcomes": 3,
    "broken_failures": 2,
    "recovery_passes": 2,
    "recovery_days": 5,
    "flaky_alarm": 2,
    "flaky_outcomes": 4,
    "muted_skips": 2,
    "unmuted_outcomes": 2,
    "stale_days": 20,
}
#: Every sign makes a test flaky, so that builds which only flaky tests failed are frequent.
SENSITIVE = {**THRESHOLDS, "flaky_alarm": 1, "broken_failures": 3}
Change = tuple[str, datetime]


@dataclass
class Memory:
    """What is remembered of a series while its outcomes come one by one."""

    thresholds: Mapping[str, int]
    signs: list[bool] = field(default_factory=list)
    is_muted: bool = False
    is_broken: bool = False
    is_flaky: bool = False
    failures: int = 0
    passes: int = 0
    skips: int = 0
    unskipped: int = 0
    last_failed: datetime | None = None
    last_sign: datetime | None = None

    def take(self, outcome: Outcome) -> str:
        """The state after one more outcome."""
        if outcome.decides:
            self._decide(outcome)
        elif outcome.last.status == "skipped":
            self.skips += 1
            self.unskipped = 0
        if self.skips >= self.thresholds["muted_skips"]:
            self.is_muted = True
        elif self.unskipped >= self.thresholds["unmuted_outcomes"]:
            self.is_muted = False
        at = outcome.last.at
        if self.failures >= self.thresholds["broken_failures"]:
            self.is_broken = True
        elif self.passes >= self.thresholds["recovery_passes"] and self._is_long_ago(
            self.last_failed, at
        ):
            self.is_broken = False
        newest = self.signs[-self.thresholds["flaky_outcomes"] :]
        if outcome.decides and self.signs[-1] and sum(newest) >= self.thresholds["flaky_alarm"]:
            self.is_flaky = True
        elif not any(newest) and self._is_long_ago(self.last_sign, at):
            self.is_flaky = False
        return self.state

    def _decide(self, outcome: Outcome) -> None:
        is_sign = outcome.is_flaky or (self.failures > 0 and not outcome.failed)
        self.signs.append(is_sign)
        self.skips = 0
        self.unskipped += 1
        if is_sign:
            self.last_sign = outcome.last.at
        if outcome.failed:
            self.failures, self.passes, self.last_failed = self.failures + 1, 0, outcome.last.at
        else:
            self.failures, self.passes = 0, self.passes + 1

    @property
    def state(self) -> str:
        if self.is_muted:
            return "muted"
        if self.is_broken:
            return "broken"
        if self.is_flaky:
            return "flaky"
        return "new" if len(self.signs) < self.thresholds["new_outcomes"] else "healthy"

    def _is_long_ago(self, moment: datetime | None, now: datetime) -> bool:
        return moment is None or now - moment >= self.thresholds["recovery_days"] * DAY


def changes_of(
    listed: list[Outcome], as_of: datetime, thresholds: Mapping[str, int] = THRESHOLDS
) -> list[Change]:
    """Each state with its beginning."""
    changes: list[Change] = []
    memory = Memory(thresholds)
    stale = thresholds["stale_days"] * DAY
    previous: datetime | None = None
    for outcome in listed:
        at = outcome.last.at
        if at > as_of:
            break
        state = memory.take(outcome)
        if previous is not None and at - previous > stale:
            _note(changes, "stale", previous + stale)
        else:
            _note(changes, state, at)
        previous = at
    if previous is not None and as_of - previous > stale:
        _note(changes, "stale", previous + stale)
    return changes


def _note(changes: list[Change], state: str, at: datetime) -> None:
    if not changes or changes[-1][0] != state:
        changes.append((state, at))


def test_states_change_as_they_do_step_by_step(histories: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (*series, number): change
        for series, listed in outcomes().items()
        for number, change in enumerate(changes_of(listed, AS_OF), start=1)
    }

    rows = answer(histories, "test_state_changes", (*SERIES, "change_number"), **THRESHOLDS)

    assert {
        key: (row["state_code"], row["changed_at"].replace(tzinfo=None))
        for key, row in rows.items()
    } == expected
    states = {state for state, _ in expected.values()}
    assert states == {"new", "healthy", "flaky", "broken", "muted", "stale"}


def test_the_state_is_the_newest_one_and_costs_are_of_the_last_days(
    histories: duckdb.DuckDBPyConnection,
) -> None:
    series_outcomes = outcomes()
    states = {
        key: changes_of(listed, AS_OF, SENSITIVE)[-1] for key, listed in series_outcomes.items()
    }
    failed_in: dict[Key, set[Key]] = {}
    for series, listed in series_outcomes.items():
        for outcome in listed:
            if outcome.failed and outcome.last.build is not None:
                build = (series[0], outcome.last.build)
                failed_in.setdefault(build, set()).add(series)
    expected = {}
    for series, listed in series_outcomes.items():
        recent = [outcome for outcome in listed if outcome.last.at > AS_OF - 40 * DAY]
        failed = [outcome for outcome in recent if outcome.failed]
        flaky_only = [
            outcome
            for outcome in failed
            if outcome.last.build is not None
            and all(
                states[other][0] == "flaky" for other in failed_in[series[0], outcome.last.build]
            )
        ]
        minutes = sum(max(outcome.last.duration or 0, 0) for outcome in recent) / 60_000
        counts = (sum(outcome.decides for outcome in recent), len(failed), len(flaky_only))
        expected[series] = (*states[series], *counts, pytest.approx(minutes, abs=0.0051))

    rows = answer(histories, "test_states", SERIES, cost_days=40, **SENSITIVE)

    names = ("outcome_count", "failed_count", "flaky_only_build_count", "run_minutes")
    assert {
        key: (
            row["state_code"],
            row["state_since_at"].replace(tzinfo=None),
            *(row[name] for name in names),
        )
        for key, row in rows.items()
    } == expected
    assert sum(values[4] for values in expected.values()) > 0


@pytest.mark.parametrize("days", [3, 12, 40])
def test_the_state_at_an_earlier_moment_knows_nothing_of_later_results(
    histories: duckdb.DuckDBPyConnection, days: int
) -> None:
    moment = AS_OF - days * DAY
    expected = {
        series: changes_of(listed, moment)[-1] for series, listed in outcomes(as_of=moment).items()
    }

    rows = answer(histories, "test_states", SERIES, **THRESHOLDS, as_of=moment.isoformat())

    assert {
        key: (row["state_code"], row["state_since_at"].replace(tzinfo=None))
        for key, row in rows.items()
    } == expected
