"""Random histories of test results, and their outcomes by a plain evaluation in Python.

Each history is a workspace of its own. `conftest` puts them into one warehouse; the tests compare
what metrics answer with what the words of docs/metrics.md say.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

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


def answer(
    connection: duckdb.DuckDBPyConnection, slug: str, key: Iterable[str], **parameters: Any
) -> dict[tuple[Any, ...], dict[str, Any]]:
    question = question_named("metric", slug)
    moment = {"as_of": AS_OF.replace(tzinfo=UTC)} if "as_of" in question.defaults else {}
    table = run_question(connection, question, {**moment, **parameters})
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


def outcomes(*, joined: bool = False, as_of: datetime = AS_OF) -> dict[Key, list[Outcome]]:
    builds: dict[tuple[Key, str], list[Result]] = defaultdict(list)
    for result in ALL:
        if result.at <= as_of:
            pipeline = None if joined else result.pipeline
            series: Key = (result.workspace, result.test, result.environment, pipeline)
            builds[series, result.build or f"result {result.id}"].append(result)
    outcomes_by_key: dict[Key, list[Outcome]] = defaultdict(list)
    for (series, _), results in builds.items():
        deciding = [
            result for result in results if result.status in ("passed", "failed")
        ] or results
        last = max(deciding, key=lambda result: (result.at, result.id))
        outcomes_by_key[series].append(Outcome(last, tuple(results)))
    for listed in outcomes_by_key.values():
        listed.sort(key=lambda outcome: (outcome.last.at, outcome.last.id))
    return outcomes_by_key


def open_histories() -> duckdb.DuckDBPyConnection:
    """A warehouse with all histories."""
    workspaces = [f"w{seed}" for seed in range(HISTORIES)]
    rows: dict[str, list[Row]] = defaultdict(list)
    for workspace in workspaces:
        for status in ("passed", "failed", "skipped", "blocked"):
            name = STATUS + status
            values = {"id": name, "logical_name": name, "name": status}
            rows["list_node"].append(Row({**values, "_workspace_id": workspace}))
    for result in ALL:
        history_row: dict[str, str | None] = {
            "id": str(result.id),
            "run_id": f"5{result.test}",
            "test_id": result.test,
            "run_native_status_id": STATUS + result.status,
            "run_started": result.at.isoformat(sep=" "),
            "build_id": result.build,
            "pipeline_name": result.pipeline,
            "run_duration": None if result.duration is None else str(result.duration),
            "error_message": result.message,
            "_workspace_id": result.workspace,
        }
        rows["run_history"].append(Row(history_row))
        if result.environment is not None:
            link = {"source_id": str(result.id), "target_id": result.environment}
            link |= {"target_type": "taxonomy_item_node", "_workspace_id": result.workspace}
            rows["run_history__taxonomies"].append(Row(link))
    return kit.open_filled({name: tuple(of) for name, of in rows.items()}, workspaces)
