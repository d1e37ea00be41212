"""How large a generated workspace is, its codes, and the SQL that counts the rows of a table.

Nothing in; constants and `from` clauses whose rows are numbered by `i`, of `n`, out.
"""

from __future__ import annotations

from datetime import UTC, datetime

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
WORKSPACE = "1002"
SEED = 7
MODULES, RELEASES, SPRINTS, USERS, TAGS, ENVIRONMENTS = 1_000, 20, 200, 500, 200, 40
# kind -> its share of a hundred tests, or of a hundred runs
TESTS = {"test_automated": 80, "test_manual": 15, "gherkin_test": 4, "test_suite": 1}
RUNS = {"run_automated": 80, "run_manual": 15, "gherkin_automated_run": 4, "run_suite": 1}
LIST_ITEMS = (
    "run_status.failed", "run_status.passed", "run_status.skipped", "run_status.planned",
    "run_native_status.failed", "run_native_status.passed", "run_native_status.skipped",
    "run_native_status.planned", "severity.low", "severity.medium", "severity.high",
    "severity.urgent", "priority.low", "priority.high", "automation_status.not_automated",
    "automation_status.ready_for_automation", "task_item_type.test", "task_item_type.development",
    "testing_tool_type.junit", "pipeline_run_status.success",
)  # fmt: skip
PHASES = tuple(
    (f"phase.{entity}.{phase}", entity, "done" if phase in ("done", "closed") else "in_progress")
    for entity, phases in {
        "story": ("new", "inprogress", "done"),
        "quality_story": ("new", "inprogress", "done"),
        "feature": ("new", "inprogress", "done"),
        "epic": ("new", "inprogress", "done"),
        "defect": ("new", "opened", "fixed", "closed"),
        "task": ("new", "inprogress", "completed"),
        "test_manual": ("new", "ready", "obsolete"),
        "gherkin_test": ("new", "ready", "obsolete"),
    }.items()
    for phase in phases
)
#: What every row carries; `i` counts from 1 and the macros below spread it over a number of things.
COMMON = {
    "id": "cast(i as varchar)",
    "creation_time": "moment(i / n)",
    "last_modified": "moment(i / n)",
    "owner_id": f"pick(i, {USERS}, 11)",
    "author_id": f"pick(i, {USERS}, 12)",
    "designer_id": f"pick(i, {USERS}, 13)",
}


def count_rows(count: int) -> str:
    return f"(select i, {max(count, 1)} as n from range(1, {count} + 1) as numbers(i))"


def of_kind(kind: str, count: int, entity: str) -> str:
    """The numbers among `count` that are of one kind: ids are unique over all kinds."""
    shares = TESTS if kind == "test_kind" else RUNS
    last = 0
    for name, share in shares.items():
        if name == entity:
            place = "run_test(i)" if kind == "run_kind" else "i"
            # a run is of the kind of its test
            within = f"{place} % 100 >= {last} and {place} % 100 < {last + share}"
            return (
                f"(select i, {count} as n from range(1, {count} + 1) as numbers(i) where {within})"
            )
        last += share
    raise KeyError(entity)
