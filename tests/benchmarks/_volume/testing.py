"""Tests, their runs and what is linked to either: one SQL expression a column.

The number of runs in, the `from` clause and the columns of a table out; the package calls it.
"""

from __future__ import annotations

from tests.benchmarks._volume.shape import (
    COMMON,
    ENVIRONMENTS,
    MODULES,
    RUNS,
    SPRINTS,
    TAGS,
    TESTS,
    USERS,
    count_rows,
    of_kind,
)


def test_columns(entity: str) -> dict[str, str]:
    columns = {**COMMON, "type": f"'{entity}'", "name": "'shows the right result no. ' || i"}
    if entity == "test_automated":
        columns |= {
            "component": "'core'",
            "package": f"'com.example.p' || spread(i, {MODULES}, 21)",
            "class_name": "'Result' || i % 997 || 'Test'",
            "framework_id": "coded('list_node.testing_tool_type.junit')",
        }
    elif entity != "test_suite":
        columns |= {
            "phase_id": "phased(if(i % 10 = 3, "
            f"'phase.{entity}.obsolete', 'phase.{entity}.ready'))",
            "automation_status_id": "coded(if(i % 3 = 0, "
            "'list_node.automation_status.ready_for_automation', "
            "'list_node.automation_status.not_automated'))",
        }
    return columns


def run_columns(entity: str, runs: int) -> dict[str, str]:
    test_type = dict(zip(RUNS, TESTS, strict=True))[entity]
    columns = {
        **COMMON,
        "type": f"'{entity}'",
        "name": "'shows the right result no. ' || run_test(i)",
        "test_id": "cast(run_test(i) as varchar)",
        "test_type": f"'{test_type}'",
        "status_id": "coded('list_node.run_status.' || outcome(i))",
        "native_status_id": "coded('list_node.run_native_status.' || outcome(i))",
        "release_id": "cast(run_release(i, n) + 1 as varchar)",
        "sprint_id": f"cast(cast(least(floor({SPRINTS}.0 * i / n), {SPRINTS - 1}) as bigint) + 1 "
        "as varchar)",
        "started": "moment(i / n) - to_seconds(60)",
        "duration": "spread(i, 60000, 3)",
        "run_by_id": f"pick(i, {USERS}, 14)",
        "draft_run": "false",
    }
    if entity in ("run_automated", "gherkin_automated_run"):
        columns |= {
            "build_id": f"cast(cast(floor(i * {max(runs // 1000, 1)}.0 / (n + 1)) as bigint) + 1 "
            "as varchar)",
            "pipeline_id": "cast(cast(floor(i / 1000) as bigint) % 50 + 1 as varchar)",
            "error_type": "if(outcome(i) = 'failed', 'AssertionError', null)",
            "error_message": "if(outcome(i) = 'failed', 'expected ' || spread(i, 40, 4) "
            "|| ' but was ' || spread(i, 9, 5), null)",
            "error_details": "if(outcome(i) = 'failed', "
            "repeat('  at com.example.Result.check(Result.java:' || i % 997 || ') ', 8), null)",
            "failed_build_age": "if(outcome(i) = 'failed', spread(i, 9, 6), null)",
        }
    return columns


def link_rows(entity: str, field: str, runs: int, tests: int) -> tuple[str, dict[str, str]]:
    """Link tables: three modules, one tag and one covered item of each test, and so on."""
    source = {"source_id": "cast(i as varchar)"}
    if entity in TESTS and field == "last_runs":
        kind = of_kind("test_kind", tests, entity)
        rows = f"(select last_runs.test_number as i, last_runs.i as run, of_kind.n from last_runs join {kind} as of_kind on of_kind.i = last_runs.test_number)"  # noqa: E501
        run_type = dict(zip(TESTS, RUNS, strict=True))[entity]
        return rows, {
            **source,
            "target_id": "cast(run as varchar)",
            "target_type": f"'{run_type}'",
        }
    if entity in TESTS:
        kind = of_kind("test_kind", tests, entity)
        if field == "product_areas":
            target = f"cast((i * 7 + place * 333) % {MODULES} + 1 as varchar)"
            rows = f"(select of_kind.*, place from {kind} as of_kind, range(3) as three(place))"
            return rows, {**source, "target_id": target, "target_type": "'product_area'"}
        if field == "user_tags":
            return kind, {
                **source,
                "target_id": f"pick(i, {TAGS}, 31)",
                "target_type": "'user_tag'",
            }
        if field != "covered_content":
            return count_rows(0), {}
        stories = max(runs // 200, 50)
        target = f"cast(10000000 + spread(i, {stories}, 32) + 1 as varchar)"
        return kind, {**source, "target_id": target, "target_type": "'story'"}
    environment = {
        "target_id": f"pick(i, {ENVIRONMENTS}, 33)",
        "target_type": "'taxonomy_item_node'",
    }
    if entity in RUNS:
        return of_kind("run_kind", runs, entity), {**source, **environment}
    defects = max(runs // 100, 50)
    if entity == "defect":
        targets = {
            "run": (f"cast(spread(i, {runs}, 34) + 1 as varchar)", "run_automated"),
            "product_areas": (f"pick(i, {MODULES}, 35)", "product_area"),
        }
        if field not in targets:
            return count_rows(0), {}
        target, kind = targets[field]
        return count_rows(defects), {
            "source_id": "cast(20000000 + i as varchar)",
            "target_id": target,
            "target_type": f"'{kind}'",
        }
    if entity == "run_history":
        return count_rows(runs // 10), {**source, **environment}
    if entity != "ci_build" or field == "commits":
        return count_rows(0), {}
    builds = max(runs // 1000, 1)
    return count_rows(builds), {**source, "target_id": "cast(i as varchar)"}
