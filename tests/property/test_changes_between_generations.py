"""`metric.changes` of the newest warehouse against two past warehouses, over random histories.

A random workspace is written generation by generation, as extracts would, with its change history.
Then each pair of generations is compared: the warehouse of each generation says its own states, and
a plain comparison in Python says what changed. It shares nothing with the SQL of the changes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.changes.known_states import changes_since_known, present_states
from octane_flows.questions import question_named, run_question
from octane_flows.warehouse import build, connect, connect_as_of
from tests.golden import kit
from tests.needed_models import needed_models

START = datetime(2021, 1, 1, 6, tzinfo=UTC)
GENERATIONS = 5
STEP = timedelta(days=9)
SEVERITIES = ("low", "medium", "high", "very_high", "urgent")
Row = dict[str, Any]
Key = tuple[str, str, str]


@dataclass
class World:
    """A workspace that changes at random; `rows` is what the next extract would read."""

    chance: random.Random
    now: datetime
    items: dict[tuple[str, str], Row] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    log_size: int = 0
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def add(self, table: str, **values: Any) -> None:
        types = kit.tables()[table]
        row = {
            name: int(value) if value is not None and types[name] == "BIGINT" else value
            for name, value in values.items()
        }
        self.rows.setdefault(table, []).append(row)

    @property
    def time(self) -> datetime:
        return self.now.replace(tzinfo=None)

    def log(self, kind: str, id: str, action: str, name: str | None, old: Any, new: Any) -> None:
        self.log_size += 1
        self.add(
            "history_log", id=f"h{self.log_size:05d}", entity_type=kind, entity_id=id,
            changed_at=self.time, save_number=self.log_size, action=action, field_name=name,
            old_value=old, value=new,
        )  # fmt: skip

    def save(self, kind: str, id: str, **changed: Any) -> None:
        """Create or change a work item: its row, and a line of history for each changed field."""
        item = self.items.get((kind, id))
        action = "update" if item else "create"
        if item is None:
            item = {"id": id, "type": kind, "name": f"{kind} {id}", "creation_time": self.time}
        for name, value in changed.items():
            if item.get(f"{name}_id") != value:
                self.log(kind, id, action, name, item.get(f"{name}_id"), value)
                item[f"{name}_id"] = value
        item["last_modified"] = self.time
        item["version_stamp"] = item.get("version_stamp", 0) + 1
        self.items[kind, id] = item
        self.rows[kind] = [row for row in self.rows.get(kind, []) if row["id"] != id] + [dict(item)]

    def link(self, test: str, targets: set[str]) -> None:
        """Change what a test covers."""
        before = self.links.get(test, set())
        for target in sorted(before - targets):
            self.log("test_manual", test, "update", "covered_content", target, None)
        for target in sorted(targets - before):
            self.log("test_manual", test, "update", "covered_content", None, target)
        self.links[test] = targets
        table = "test_manual__covered_content"
        others = [row for row in self.rows.get(table, []) if row["source_id"] != test]
        set_rows: list[Row] = [
            {"source_id": test, "target_id": id, "target_type": "story"} for id in targets
        ]
        self.rows[table] = others + (set_rows or [{"source_id": test, "_deleted": True}])

    def random_step(self) -> None:
        """One thing that people or a pipeline do."""
        self.now += timedelta(minutes=self.chance.randrange(1, 500))
        kind = self.chance.choice(["defect", "defect", "defect", "story", "link", "run", "result"])
        if kind == "defect":
            self.save(
                "defect",
                self.chance.choice([*(str(id) for id in range(1, 8)), str(next(self.ids))]),
                phase=self.chance.choice(["phase.defect.opened", "phase.defect.closed"]),
                severity=f"list_node.severity.{self.chance.choice(SEVERITIES)}",
                release=self.chance.choice(["1", "2", None]),
            )
        elif kind == "story":
            self.save(
                "story",
                str(self.chance.randrange(21, 26)),
                phase="phase.story.new",
                sprint=self.chance.choice(["11", "12", None]),
                release=self.chance.choice(["1", "2", None]),
            )
        elif kind == "link":
            stories = [id for kind, id in self.items if kind == "story"]
            chosen = {id for id in stories if self.chance.random() < 0.4}
            self.link(self.chance.choice(["71", "72"]), chosen)
        elif kind == "run":
            started = self.chance.random() < 0.5
            self.add(
                "run_manual",
                id=str(next(self.ids)),
                type="run_manual",
                test_id="71",
                status_id=f"list_node.run_status.{'passed' if started else 'planned'}",
                started=self.time if started else None,
                creation_time=self.time,
                release_id=self.chance.choice(["1", None]),
            )
        else:
            self.result()

    def result(self) -> None:
        test = self.chance.choice(["81", "82", "83", "84"])
        status = self.chance.choice(["passed", "passed", "failed", "failed", "skipped"])
        self.add(
            "run_history",
            id=str(next(self.ids)),
            run_id=f"9{test}",
            test_id=test,
            test_name=f"test_{test}",
            run_started=self.time,
            run_native_status_id=f"list_node.run_native_status.{status}",
            build_id=self.chance.choice([None, str(next(self.ids)), "5"]),
        )


@pytest.fixture(scope="module", params=[1])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changes")
    world = World(random.Random(request.param), START)
    for name in (*(f"severity.{one}" for one in SEVERITIES), "run_status.passed",
                 "run_status.planned", "run_native_status.passed", "run_native_status.failed",
                 "run_native_status.skipped"):  # fmt: skip
        world.add("list_node", id=f"list_node.{name}", logical_name=f"list_node.{name}", name=name)
    for phase, meta in (("opened", "inprogress"), ("closed", "done")):
        world.add(
            "phase",
            id=f"phase.defect.{phase}",
            logical_name=f"phase.defect.{phase}",
            name=phase,
            entity="defect",
            metaphase_id=f"metaphase.work_item.{meta}",
        )
    for meta in ("inprogress", "done"):
        name = f"metaphase.work_item.{meta}"
        world.add("metaphase", id=name, logical_name=name, name=meta)
    world.add("release", id="1", name="R1")
    world.add("release", id="2", name="R2")
    for id in ("71", "72"):
        world.add("test_manual", id=id, type="test_manual", name=id, creation_time=world.time)
    for number in range(GENERATIONS):
        end = START + (number + 1) * STEP
        while world.now < end - timedelta(hours=10):
            world.random_step()
        world.now = end
        kit.write_lake(folder, world.rows, as_of=end)
        world.rows = {}
    build(folder, models=needed_models("metric.changes", "check.certificate_adds_up"))
    return folder


def states(connection: duckdb.DuckDBPyConnection) -> dict[Key, str]:
    answer = run_question(connection, question_named("metric", "watched_states"))
    return {
        (row["topic_code"], row["item_id"], row["part_id"]): str(
            row["state_code"] if row["run_count"] is None else row["run_count"]
        )
        for row in answer.to_pylist()
    }


def kind_of_change(topic: str, before: str | None, after: str | None) -> str | None:
    """What the words of docs/metrics.md make of two states."""
    if topic == "test":
        if after == "failing":
            return "still_failing" if before == "failing" else "newly_failing"
        if after is None:
            return "repaired"
        return None if before == after else {"muted": "muted", "stale": "gone_stale"}[after]
    if before == after:
        return None
    if topic == "defect":
        if after == "done":
            return "defect_closed"
        return "defect_new" if before is None else "defect_reopened"
    if topic == "severity":
        if before is None or after is None:
            return None
        ranks = [SEVERITIES.index(code.rpartition(".")[2]) for code in (before, after)]
        return "severity_raised" if ranks[1] > ranks[0] else None
    if topic in ("planned_runs", "executed_runs"):
        grown = int(after or 0) > int(before or 0)
        return f"runs_{topic.removesuffix('_runs')}" if grown else None
    came, went = {
        "flaky": ("newly_flaky", "no_longer_flaky"),
        "overdue": ("defect_overdue", None),
        "release": ("release_scope_added", "release_scope_removed"),
        "sprint": ("sprint_scope_added", "sprint_scope_removed"),
        "coverage": (None, "coverage_lost"),
    }[topic]
    return went if after is None else came


@pytest.mark.parametrize("number", range(GENERATIONS - 1))
def test_changes_since_known_states_are_those_of_the_times(home: Path, number: int) -> None:
    """Where nothing comes late, a letter tells what the metric answers."""
    since = START + (number + 1) * STEP
    with connect(home) as newest:
        question = question_named("metric", "watched_states")
        known = run_question(newest, question, {"as_of": since})
        changes = changes_since_known(newest, known, present_states(newest), since)
        expected = run_question(newest, question_named("metric", "changes"), {"since": since})

    assert expected.num_rows > 10
    assert changes.to_pylist() == expected.to_pylist()


def test_changes_are_the_difference_of_two_past_answers(home: Path) -> None:
    moments = [START + (number + 1) * STEP for number in range(GENERATIONS)]
    with ExitStack() as opened:
        past = [
            states(
                opened.enter_context(
                    connect_as_of(
                        home,
                        number,
                        models=needed_models("metric.changes", "check.certificate_adds_up"),
                    )
                )
            )
            for number in range(1, GENERATIONS + 1)
        ]
        newest = opened.enter_context(connect(home))
        seen = set()
        for first, second in itertools.combinations(range(GENERATIONS), 2):
            before, after = past[first], past[second]
            expected = {
                (kind, key[1], key[2])
                for key in before.keys() | after.keys()
                if (kind := kind_of_change(key[0], before.get(key), after.get(key))) is not None
            }
            answer = run_question(
                newest,
                question_named("metric", "changes"),
                {"since": moments[first], "until": moments[second]},
            )
            changes = [
                (row["change_code"], row["item_id"], row["part_id"]) for row in answer.to_pylist()
            ]
            assert len(changes) == len(set(changes))
            assert set(changes) == expected, f"generations {first + 1} and {second + 1}"
            seen |= {change[0] for change in changes}
    assert {"newly_failing", "repaired", "defect_new", "defect_closed", "coverage_lost",
            "severity_raised", "release_scope_removed", "runs_executed"} <= seen  # fmt: skip
