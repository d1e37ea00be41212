"""The metrics on test results against a plain evaluation in Python, over random histories.

The evaluation below follows the words of docs/metrics.md and shares nothing with the SQL.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import duckdb
import pytest

from tests.property.result_histories import (
    ALL,
    AS_OF,
    DAY,
    JOINED,
    SERIES,
    STATUS,
    Key,
    answer,
    outcomes,
)


@pytest.mark.parametrize("joined", [False, True])
def test_each_build_has_the_outcome_of_its_last_result(
    histories: duckdb.DuckDBPyConnection, joined: bool
) -> None:
    expected = {
        (*series, number): (
            outcome.last.status,
            outcome.is_flaky,
            len(outcome.results),
            outcome.last.at,
        )
        for series, listed in outcomes(joined=joined).items()
        for number, outcome in enumerate(listed, start=1)
    }

    rows = answer(
        histories,
        "test_outcomes",
        (*(JOINED if joined else SERIES), "outcome_number"),
        join_pipelines=joined,
    )

    assert {
        key: (
            row["native_status_code"].removeprefix(STATUS),
            row["is_flaky"],
            row["result_count"],
            row["outcome_at"].replace(tzinfo=None),
        )
        for key, row in rows.items()
    } == expected


@pytest.mark.parametrize("joined", [False, True])
def test_changes_and_flaky_builds_of_the_window_are_counted(
    histories: duckdb.DuckDBPyConnection, joined: bool
) -> None:
    expected = {}
    for series, listed in outcomes(joined=joined).items():
        kept = [
            outcome for outcome in listed if outcome.decides and outcome.last.at > AS_OF - 30 * DAY
        ]
        changes = sum(a.failed != b.failed for a, b in itertools.pairwise(kept))
        flaky = sum(outcome.is_flaky for outcome in kept)
        if changes or flaky:
            expected[series] = (len(kept), sum(outcome.failed for outcome in kept), changes, flaky)

    rows = answer(
        histories, "flaky_tests", JOINED if joined else SERIES, join_pipelines=joined, days=30
    )

    names = ("outcome_count", "failed_count", "change_count", "flaky_build_count")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_current_failures_are_those_after_the_last_pass(
    histories: duckdb.DuckDBPyConnection,
) -> None:
    expected = {}
    for series, listed in outcomes().items():
        deciding = [outcome for outcome in listed if outcome.decides]
        if not deciding or not deciding[-1].failed:
            continue
        passes = [number for number, outcome in enumerate(deciding) if not outcome.failed]
        streak = deciding[passes[-1] + 1 if passes else 0 :]
        newest = max(outcome.last.at for outcome in listed)
        state = "muted" if listed[-1].last.status == "skipped" else "failing"
        if newest < AS_OF - 30 * DAY:
            state = "stale"
        expected[series] = (state, len(streak), streak[0].last.at, newest)

    rows = answer(histories, "current_failures", SERIES)

    assert {
        key: (
            row["state_code"],
            row["failed_in_a_row_count"],
            row["failed_since_at"].replace(tzinfo=None),
            row["last_result_at"].replace(tzinfo=None),
        )
        for key, row in rows.items()
    } == expected


@pytest.mark.parametrize("days", [None, 5, 10, 30])
def test_a_window_chooses_failures_and_never_cuts_them(
    histories: duckdb.DuckDBPyConnection, days: int | None
) -> None:
    expected = {}
    for series, listed in outcomes().items():
        repairs: list[float] = []
        began: datetime | None = None
        for outcome in (outcome for outcome in listed if outcome.decides):
            if outcome.failed:
                began = began or outcome.last.at
            elif began is not None:
                if days is None or outcome.last.at > AS_OF - days * DAY:
                    repairs.append((outcome.last.at - began).total_seconds() / 3600)
                began = None
        if repairs or began:
            hours = None if began is None else (AS_OF - began).total_seconds() / 3600
            expected[series] = (
                len(repairs) + (began is not None),
                pytest.approx(statistics.mean(repairs)) if repairs else None,
                hours if hours is None else pytest.approx(hours),
            )

    rows = answer(histories, "test_repair_times", SERIES, days=days)

    names = ("failure_count", "mean_repair_hours", "open_hours")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_new_failures_of_a_build_count_over_its_environments(
    histories: duckdb.DuckDBPyConnection,
) -> None:
    counts: dict[Key, int] = defaultdict(int)
    for (workspace, _, _, pipeline), listed in outcomes().items():
        before: bool | None = None
        for outcome in listed:
            if outcome.decides and outcome.last.build is not None:
                if outcome.failed and not before:
                    counts[workspace, outcome.last.build, pipeline] += 1
                before = outcome.failed

    rows = answer(
        histories, "failure_bursts", ("workspace_id", "build_id", "pipeline_name"), new_failures=2
    )

    expected = {key: count for key, count in counts.items() if count >= 2}
    assert {key: row["new_failure_count"] for key, row in rows.items()} == expected


def test_unknown_durations_and_failed_results_are_no_values(
    histories: duckdb.DuckDBPyConnection,
) -> None:
    times: dict[Key, dict[str, list[int]]] = defaultdict(lambda: {"passed": [], "failed": []})
    for result in ALL:
        in_window = AS_OF - 30 * DAY < result.at <= AS_OF
        if in_window and result.status in ("passed", "failed") and (result.duration or 0) > 0:
            times[result.workspace, result.test, result.environment][result.status].append(
                result.duration or 0
            )
    expected = {
        key: (
            len(by["passed"]),
            statistics.median(by["passed"]) if by["passed"] else None,
            statistics.median(by["failed"]) if by["failed"] else None,
        )
        for key, by in times.items()
    }

    rows = answer(histories, "slow_tests", SERIES[:3])

    names = ("result_count", "median_duration_ms", "failed_median_duration_ms")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_failures_are_grouped_by_what_stays_of_their_text(
    histories: duckdb.DuckDBPyConnection,
) -> None:
    expected: dict[Key, int] = defaultdict(int)
    for result in ALL:
        if result.status == "failed" and result.at <= AS_OF:
            text = re.sub(
                r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", "<id>", result.message
            )
            expected[result.workspace, re.sub(r"\d+", "<n>", text)] += 1

    rows = answer(histories, "failure_clusters", ("workspace_id", "error_pattern"))

    assert {key: row["failed_count"] for key, row in rows.items()} == expected


def test_failed_results_of_a_test_are_counted(histories: duckdb.DuckDBPyConnection) -> None:
    expected: dict[Key, int] = defaultdict(int)
    for result in ALL:
        if result.status == "failed" and AS_OF - 10 * DAY < result.at <= AS_OF:
            expected[result.workspace, result.test] += 1

    rows = answer(histories, "failing_tests", ("workspace_id", "test_id"), days=10)

    assert {key: row["failed_count"] for key, row in rows.items()} == expected


def trailing(values: Sequence[object], value: object) -> int:
    """How many of the last values in a row are this one."""
    return sum(1 for _ in itertools.takewhile(lambda last: last == value, reversed(values)))


def test_each_of_the_five_rules_is_counted(histories: duckdb.DuckDBPyConnection) -> None:
    expected = {}
    for series, listed in outcomes().items():
        statuses = [outcome.last.status for outcome in listed]
        fails = [outcome.failed for outcome in listed if outcome.decides]
        skipped = trailing(statuses, "skipped")
        counts = {"continuously_skipped": skipped if skipped >= 2 else 0}
        if statuses[-1] != "skipped":
            failed = trailing(fails, True)
            counts["continuously_failing"] = failed if failed >= 3 else 0
            changes = sum(a != b for a, b in itertools.pairwise(fails[-4:]))
            counts["oscillating"] = changes if changes >= 2 else 0
            passes_before = trailing(fails[:-1], False)
            counts["regression"] = passes_before if len(fails) >= 3 and failed else 0
            newest = fails[-5:]
            windows = zip(newest, newest[1:], newest[2:], strict=False)
            counts["unstable"] = sum(three == (False, True, False) for three in windows)
        for rule, count in counts.items():
            if count:
                expected[*series, f"list_node.run_problem.{rule}"] = count

    rows = answer(
        histories,
        "problematic_tests",
        (*SERIES, "problem_code"),
        failing_runs=3,
        oscillating_runs=4,
        oscillating_changes=2,
        regression_runs=3,
        regression_passes=1,
        skipped_runs=2,
        unstable_runs=5,
        unstable_failures=1,
    )

    assert {key: row["evidence_count"] for key, row in rows.items()} == expected
    assert len({key[-1] for key in expected}) == 5


def test_the_results_of_each_week_are_counted(histories: duckdb.DuckDBPyConnection) -> None:
    expected: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for result in ALL:
        monday = result.at.date() - result.at.weekday() * DAY
        counts = expected[result.workspace, result.environment, monday.isoformat()]
        counts[0] += 1
        counts[1] += result.status == "failed"

    rows = answer(histories, "results_per_week", ("workspace_id", "environment_ids", "week_date"))

    assert {
        (workspace, environment, monday.isoformat()): [row["result_count"], row["failed_count"]]
        for (workspace, environment, monday), row in rows.items()
    } == expected
