"""The metrics on test results against a plain evaluation in Python, over random histories.

Each history is a workspace of its own in one warehouse. The evaluation below follows the words of
docs/metrics.md and shares nothing with the SQL.
"""

from __future__ import annotations

import itertools
import random
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from octane_flows.questions import question_named, run_question
from tests.golden import kit
from tests.golden.pages import Row

HISTORIES = 150
AS_OF = datetime(2021, 1, 20, 8)
STATUS = "list_node.run_native_status."
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Result:
    """One result of a random history."""

    workspace: str
    id: int
    test: str
    environment: str | None
    pipeline: str | None
    build: str | None
    at: datetime
    status: str
    duration: int | None
    message: str


def history(seed: int) -> list[Result]:
    """Few tests, environments, pipelines and moments, so that ties and repeats are frequent."""
    chance = random.Random(seed)
    first = chance.choice([1, 95, 9990])
    results = []
    for number in range(chance.randrange(1, 25)):
        test = chance.choice("12")
        results.append(
            Result(
                workspace=f"w{seed}",
                id=first + number,
                test=test,
                environment=chance.choice([None, None, "1", "2"]),
                pipeline=chance.choice([None, "nightly", "nightly", "other"]),
                build=chance.choice([None, "9", "10", "11", "12", "13"]),
                at=AS_OF
                - chance.choice([0, 1, 5, 10, 10, 30, 31, 70]) * DAY
                + chance.choice([-1, 0, 0, 0, 1]) * timedelta(seconds=chance.choice([1, 3600])),
                status=chance.choice(["passed"] * 4 + ["failed"] * 4 + ["skipped", "blocked"]),
                duration=chance.choice([None, 0, -3, 10, 200, 4000]),
                message=chance.choice(["got 1", "got 22", "no host", "Failed", "id 3fa9c1d2"]),
            )
        )
    return results


ALL = [result for seed in range(HISTORIES) for result in history(seed)]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    workspaces = [f"w{seed}" for seed in range(HISTORIES)]
    rows: dict[str, list[Row]] = defaultdict(list)
    for workspace in workspaces:
        for status in ("passed", "failed", "skipped", "blocked"):
            name = STATUS + status
            values = {"id": name, "logical_name": name, "name": status}
            rows["list_node"].append(Row({**values, "_workspace_id": workspace}))
    for one in ALL:
        result: dict[str, str | None] = {
            "id": str(one.id),
            "run_id": f"5{one.test}",
            "test_id": one.test,
            "run_native_status_id": STATUS + one.status,
            "run_started": one.at.isoformat(sep=" "),
            "build_id": one.build,
            "pipeline_name": one.pipeline,
            "run_duration": None if one.duration is None else str(one.duration),
            "error_message": one.message,
            "_workspace_id": one.workspace,
        }
        rows["run_history"].append(Row(result))
        if one.environment is not None:
            link = {"source_id": str(one.id), "target_id": one.environment}
            link |= {"target_type": "taxonomy_item_node", "_workspace_id": one.workspace}
            rows["run_history__taxonomies"].append(Row(link))
    connection = kit.open_filled({name: tuple(of) for name, of in rows.items()}, workspaces)
    yield connection
    connection.close()


def answer(
    connection: duckdb.DuckDBPyConnection, slug: str, key: Iterable[str], **parameters: Any
) -> dict[tuple[Any, ...], dict[str, Any]]:
    values = {"as_of": AS_OF.replace(tzinfo=UTC), **parameters}
    table = run_question(connection, question_named("metric", slug), values)
    return {tuple(row[name] for name in key): row for row in table.to_pylist()}


# pipelines without an id are told apart by their names
SERIES = ("workspace_id", "test_id", "environment_ids", "pipeline_name")
JOINED = ("workspace_id", "test_id", "environment_ids", "pipeline_id")
Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Outcome:
    """The result that decides in a build, and all results there."""

    last: Result
    results: tuple[Result, ...]

    @property
    def decides(self) -> bool:
        return self.last.status in ("passed", "failed")

    @property
    def failed(self) -> bool:
        return self.last.status == "failed"

    @property
    def is_flaky(self) -> bool:
        return {"passed", "failed"} <= {result.status for result in self.results}


def outcomes(*, joined: bool = False) -> dict[Key, list[Outcome]]:
    builds: dict[tuple[Key, str], list[Result]] = defaultdict(list)
    for one in ALL:
        if one.at <= AS_OF:
            pipeline = None if joined else one.pipeline
            series: Key = (one.workspace, one.test, one.environment, pipeline)
            builds[series, one.build or f"result {one.id}"].append(one)
    found: dict[Key, list[Outcome]] = defaultdict(list)
    for (series, _), results in builds.items():
        deciding = [one for one in results if one.status in ("passed", "failed")] or results
        last = max(deciding, key=lambda one: (one.at, one.id))
        found[series].append(Outcome(last, tuple(results)))
    for listed in found.values():
        listed.sort(key=lambda outcome: (outcome.last.at, outcome.last.id))
    return found


@pytest.mark.parametrize("joined", [False, True])
def test_each_build_has_the_outcome_of_its_last_result(
    warehouse: duckdb.DuckDBPyConnection, joined: bool
) -> None:
    expected = {
        (*series, number): (one.last.status, one.is_flaky, len(one.results), one.last.at)
        for series, listed in outcomes(joined=joined).items()
        for number, one in enumerate(listed, start=1)
    }

    rows = answer(
        warehouse,
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
    warehouse: duckdb.DuckDBPyConnection, joined: bool
) -> None:
    expected = {}
    for series, listed in outcomes(joined=joined).items():
        kept = [one for one in listed if one.decides and one.last.at > AS_OF - 30 * DAY]
        changes = sum(a.failed != b.failed for a, b in itertools.pairwise(kept))
        flaky = sum(one.is_flaky for one in kept)
        if changes or flaky:
            expected[series] = (len(kept), sum(one.failed for one in kept), changes, flaky)

    rows = answer(
        warehouse, "flaky_tests", JOINED if joined else SERIES, join_pipelines=joined, days=30
    )

    names = ("outcome_count", "failed_count", "change_count", "flaky_build_count")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_current_failures_are_those_after_the_last_pass(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    expected = {}
    for series, listed in outcomes().items():
        deciding = [one for one in listed if one.decides]
        if not deciding or not deciding[-1].failed:
            continue
        passes = [number for number, one in enumerate(deciding) if not one.failed]
        streak = deciding[passes[-1] + 1 if passes else 0 :]
        newest = max(one.last.at for one in listed)
        state = "muted" if listed[-1].last.status == "skipped" else "failing"
        if newest < AS_OF - 30 * DAY:
            state = "stale"
        expected[series] = (state, len(streak), streak[0].last.at, newest)

    rows = answer(warehouse, "current_failures", SERIES)

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
    warehouse: duckdb.DuckDBPyConnection, days: int | None
) -> None:
    expected = {}
    for series, listed in outcomes().items():
        repairs: list[float] = []
        began: datetime | None = None
        for one in (one for one in listed if one.decides):
            if one.failed:
                began = began or one.last.at
            elif began is not None:
                if days is None or one.last.at > AS_OF - days * DAY:
                    repairs.append((one.last.at - began).total_seconds() / 3600)
                began = None
        if repairs or began:
            hours = None if began is None else (AS_OF - began).total_seconds() / 3600
            expected[series] = (
                len(repairs) + (began is not None),
                pytest.approx(statistics.mean(repairs)) if repairs else None,
                hours if hours is None else pytest.approx(hours),
            )

    rows = answer(warehouse, "test_repair_times", SERIES, days=days)

    names = ("failure_count", "mean_repair_hours", "open_hours")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_new_failures_of_a_build_count_over_its_environments(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    counts: dict[Key, int] = defaultdict(int)
    for (workspace, _, _, pipeline), listed in outcomes().items():
        before: bool | None = None
        for one in listed:
            if one.decides and one.last.build is not None:
                if one.failed and not before:
                    counts[workspace, one.last.build, pipeline] += 1
                before = one.failed

    rows = answer(
        warehouse, "failure_bursts", ("workspace_id", "build_id", "pipeline_name"), new_failures=2
    )

    expected = {key: count for key, count in counts.items() if count >= 2}
    assert {key: row["new_failure_count"] for key, row in rows.items()} == expected


def test_unknown_durations_and_failed_results_are_no_values(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    times: dict[Key, dict[str, list[int]]] = defaultdict(lambda: {"passed": [], "failed": []})
    for one in ALL:
        in_window = AS_OF - 30 * DAY < one.at <= AS_OF
        if in_window and one.status in ("passed", "failed") and (one.duration or 0) > 0:
            times[one.workspace, one.test, one.environment][one.status].append(one.duration or 0)
    expected = {
        key: (
            len(by["passed"]),
            statistics.median(by["passed"]) if by["passed"] else None,
            statistics.median(by["failed"]) if by["failed"] else None,
        )
        for key, by in times.items()
    }

    rows = answer(warehouse, "slow_tests", SERIES[:3])

    names = ("result_count", "median_duration_ms", "failed_median_duration_ms")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == expected


def test_failures_are_grouped_by_what_stays_of_their_text(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    expected: dict[Key, int] = defaultdict(int)
    for one in ALL:
        if one.status == "failed" and one.at <= AS_OF:
            text = re.sub(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", "<id>", one.message)
            expected[one.workspace, re.sub(r"\d+", "<n>", text)] += 1

    rows = answer(warehouse, "failure_clusters", ("workspace_id", "error_pattern"))

    assert {key: row["failed_count"] for key, row in rows.items()} == expected


def test_failed_results_of_a_test_are_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected: dict[Key, int] = defaultdict(int)
    for one in ALL:
        if one.status == "failed" and AS_OF - 10 * DAY < one.at <= AS_OF:
            expected[one.workspace, one.test] += 1

    rows = answer(warehouse, "failing_tests", ("workspace_id", "test_id"), days=10)

    assert {key: row["failed_count"] for key, row in rows.items()} == expected
