"""Parameters of flows drawn at random from what a workspace holds, boundaries of time included.

A flow, entities and dice in, texts of parameters out. Values are such as a user would ask for, and
moments lie exactly at, one second before and one after those of rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import timedelta

from octane_flows.parity.deep import Entities
from octane_flows.parity.deep.entities_afresh import RUNS, TESTS, WORK_ITEMS, moment
from octane_flows.questions import Question

STATUSES = ("passed", "failed", "requires_attention", "planned", "skipped")
TASKS = "phase.task.completed", "phase.task.new,phase.task.completed", "phase.task.inprogress"
DONE = "phase.story.done", "phase.story.done,phase.defect.closed", "phase.story.intesting"
Pool = Callable[[random.Random, Entities], str | None]


def _one(*values: str | None) -> Pool:
    return lambda dice, _: dice.choice(values)


def _id(*types: str) -> Pool:
    def draw(dice: random.Random, entities: Entities) -> str | None:
        ids = [str(row["id"]) for row in entities.of(*types)]
        return dice.choice(ids) if ids else None

    return draw


def _name(*types: str) -> Pool:
    def draw(dice: random.Random, entities: Entities) -> str | None:
        names = [str(row["name"]) for row in entities.of(*types) if row.get("name")]
        if not names:
            return None
        name = dice.choice(names)
        return dice.choice([name, name.upper(), f"{name[:3]}*", f"*{name[-2:]}", "*", "nothing"])

    return draw


def _some(values: Iterable[str]) -> Pool:
    pool = tuple(values)
    return lambda dice, _: ", ".join(dice.sample(pool, dice.randint(1, min(3, len(pool)))))


def _phases(*types: str) -> Pool:
    def draw(dice: random.Random, entities: Entities) -> str | None:
        codes = sorted(
            {code for row in entities.of(*types) if (code := entities.code(row, "phase", "phase"))}
        )
        return ",".join(dice.sample(codes, min(len(codes), 2))) if codes else None

    return draw


def _moment(field: str, *types: str) -> Pool:
    def draw(dice: random.Random, entities: Entities) -> str | None:
        times = [time for row in entities.of(*types) if (time := moment(row, field)) is not None]
        if not times:
            return None
        return (dice.choice(times) + timedelta(seconds=dice.choice([-1, 0, 0, 1]))).isoformat()

    return draw


def _boundary(field: str, unit: str) -> Callable[[random.Random, Entities, int], str | None]:
    """An `as_of` from which the window begins exactly at a row, or a second beside it."""

    def draw(dice: random.Random, entities: Entities, length: int) -> str | None:
        rows = entities.of("run_history") if field == "run_started" else entities.of(*RUNS)
        times = [time for row in rows if (time := moment(row, field)) is not None]
        if not times:
            return None
        shift = timedelta(**{unit: length}) + timedelta(seconds=dice.choice([-1, 0, 0, 1]))
        return (dice.choice(times) + shift).isoformat()

    return draw


POOLS: dict[str, Pool] = {
    "release_name": _name("release"),
    "sprint_name": _name("sprint"),
    "sprint_id": _id("sprint"),
    "user_id": _id("workspace_user"),
    "run_by_user_id": _id("workspace_user"),
    "owner_user_id": _id("workspace_user"),
    "severity_codes": _some(f"list_node.severity.{word}" for word in ("low", "medium", "high")),
    "priority_codes": _some(f"list_node.priority.{word}" for word in ("low", "medium", "high")),
    "status_codes": _some(f"list_node.run_status.{word}" for word in STATUSES),
    "status_code": _one(
        "list_node.run_status.failed",
        "list_node.run_status.passed",
        "list_node.run_native_status.failed",
        "list_node.run_native_status.passed",
    ),
    "application_module_name": _name("product_area"),
    "user_tag_name": _name("user_tag"),
    "environment_name": _name("taxonomy_item_node"),
    "environment_category_name": _name("taxonomy_category_node"),
    "test_id": _id(*TESTS),
    "test_name": _name("test_manual"),
    "test_suite_name": _name("test_suite"),
    "test_suite_id": _id("test_suite"),
    "file_name": _name("attachment"),
    "build_id": _id("ci_build"),
    "pipeline_name": _name("pipeline"),
    "pipeline_id": _id("pipeline"),
    "ci_server_name": _name("ci_server"),
    "since": _moment("started", *RUNS),
    "until": _moment("started", *RUNS),
    "build_results": _some(("success", "failure", "unstable", "aborted")),
    "test_types": _some((*TESTS,)),
    "work_item_types": _some(("story", "quality_story", "defect")),
    "child_types": _some(("story", "quality_story", "defect")),
    "item_types": _some((*WORK_ITEMS, "task")),
    "task_type_code": _one("list_node.task_item_type.test", "list_node.task_item_type.develop"),
    "task_phase_codes": _one(*TASKS),
    "done_phase_codes": _one(*DONE),
    "covered_work_item_id": _id(*WORK_ITEMS),
    "entity_type": _one("defect", "story", "test_manual", None),
    "field_name": _one("*", "ri*", "risk_udf", "tested*"),
    "entity_id": _id("defect"),
    "root_ids": _id("epic", "feature", "story", "work_item_root"),
    "tree": _one("work_item", "requirement"),
    "max_depth": _one("0", "1", "2", "3"),
    "automation_status_codes": _some(
        f"list_node.automation_status.{word}"
        for word in ("ready_for_automation", "automated", "not_automated")
    ),
}
PHASES = {
    "my_new_stories": ("story",),
    "manual_tests_without_run": ("test_manual", "gherkin_test"),
    "tests_to_put_into_suite": ("test_manual", "gherkin_test"),
    "features_with_done_stories": ("feature",),
}


def draw_parameters(flow: Question, entities: Entities, dice: random.Random) -> dict[str, str]:
    """Values for about half of the parameters that are known here."""
    drawn: dict[str, str | None] = {}
    names = {parameter.name: parameter for parameter in flow.parameters}
    for name, parameter in names.items():
        if name == "phase_codes" and dice.random() < 0.5:
            drawn[name] = _phases(*PHASES.get(flow.slug, ("defect",)))(dice, entities)
        elif parameter.type == "boolean" and dice.random() < 0.5:
            drawn[name] = dice.choice(["true", "false"])
        elif name == "user_id" or (name in POOLS and dice.random() < 0.3):
            drawn[name] = POOLS[name](dice, entities)
    for name, field, unit in (("hours", "creation_time", "hours"), ("days", "run_started", "days")):
        if name in names and dice.random() < 0.8:
            length = dice.choice([1, 24, 240, 24_000])
            drawn[name] = str(length)
            if dice.random() < 0.8:
                drawn["as_of"] = _boundary(field, unit)(dice, entities, length)
    if "as_of" in names and "as_of" not in drawn and dice.random() < 0.3:
        drawn["as_of"] = _moment("creation_time", *RUNS)(dice, entities)
    return {name: value for name, value in drawn.items() if value is not None}
