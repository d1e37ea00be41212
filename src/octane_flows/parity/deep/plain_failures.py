"""Flows on tests whose last runs failed, in plain Python: 9 to 11.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    RUNS,
    TESTS,
    WORK_ITEMS,
    Entities,
    Row,
    created,
    is_named,
    is_not_after,
    joined,
    listed,
    modules_of,
    reference,
    references,
    with_ancestors,
)

Params = dict[str, Any]


def recent_failed_automated_tests(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 9: tests with a failed last run in the window."""
    for test in _wanted_tests(entities, params):
        failed = [
            run
            for run in _failed_last_runs(entities, params, test)
            if is_named(entities.label(run, "release", "release"), params["release_name"])
        ]
        if not failed:
            continue
        newest = max(failed, key=lambda run: (created(run), run["id"]))
        owner = reference(test, "owner")
        yield {
            "test_id": test["id"],
            "test_name": test.get("name"),
            "test_type": test["type"],
            "component_name": test.get("component"),
            "package_name": test.get("package"),
            "class_name": test.get("class_name"),
            "failed_run_count": len(failed),
            "last_failed_at": created(newest),
            "last_failed_run_id": newest["id"],
            "release_id": reference(newest, "release"),
            "release_name": entities.label(newest, "release", "release"),
            "build_name": entities.label(newest, "build", "ci_build"),
            "error_type": newest.get("error_type"),
            "error_message": newest.get("error_message"),
            "owner_user_id": owner,
            "owner_name": entities.name(owner, "workspace_user", field="full_name"),
        }


def modules_with_recent_failures(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 10: modules of such tests, with `subtree` those around them too."""
    failures: dict[str, list[tuple[Row, list[Row]]]] = {}
    for test in _wanted_tests(entities, params):
        failed = _failed_last_runs(entities, params, test)
        if not failed:
            continue
        ids = set(modules_of(entities, test["id"]))
        if params["subtree"]:
            ids = {outer for id in ids for outer in with_ancestors(entities, id)}
        for id in ids:
            failures.setdefault(id, []).append((test, failed))
    for id, by_test in failures.items():
        module = entities.find(id, "product_area")
        if module is None:
            continue
        yield {
            "application_module_id": id,
            "application_module_name": module.get("name"),
            "parent_name": entities.label(module, "parent", "product_area"),
            "failed_test_count": len(by_test),
            "failed_test_names": joined(test.get("name") for test, _ in by_test),
            "failed_run_count": sum(len(failed) for _, failed in by_test),
            "last_failed_at": max(created(run) for _, failed in by_test for run in failed),
        }


def features_with_recent_failures(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 11: features that such a test covers, itself or through a child."""
    failed = {
        test["id"]: max(created(run) for run in runs)
        for test in _wanted_tests(entities, params)
        if (runs := _failed_last_runs(entities, params, test))
    }
    for feature in entities.of("feature"):
        direct, below = set(), set()
        for id in failed:
            test = entities.find(id, *TESTS)
            covered = [] if test is None else references(test, "covered_content")
            if feature["id"] in covered:
                direct.add(id)
            if any(
                reference(item, "parent") == feature["id"]
                for each in covered
                if (item := entities.find(each, *WORK_ITEMS)) is not None
            ):
                below.add(id)
        if not direct | below:
            continue
        owner, release = reference(feature, "owner"), reference(feature, "release")
        yield {
            "feature_id": feature["id"],
            "feature_name": feature.get("name"),
            "phase_code": entities.code(feature, "phase", "phase"),
            "phase_label": entities.label(feature, "phase", "phase"),
            "release_id": release,
            "release_name": entities.name(release, "release"),
            "owner_user_id": owner,
            "owner_name": entities.name(owner, "workspace_user", field="full_name"),
            "failed_test_count": len(direct | below),
            "direct_failed_test_count": len(direct),
            "child_failed_test_count": len(below),
            "failed_test_names": joined(entities.name(id, *TESTS) for id in direct | below),
            "last_failed_at": max(failed[id] for id in direct | below),
        }


def _wanted_tests(entities: Entities, params: Params) -> Iterator[Row]:
    yield from entities.of(*(("test_automated",) if params["only_automated"] else TESTS))


def _failed_last_runs(entities: Entities, params: Params, test: Row) -> list[Row]:
    """The last runs of a test with a wanted status that reached the server in the window."""
    start = params["as_of"] - timedelta(hours=params["hours"])
    return [
        run
        for id in references(test, "last_runs")
        if (run := entities.find(id, *RUNS)) is not None
        and listed(entities.code(run, "status"), params["status_codes"])
        and created(run) > start
        and is_not_after(params, created(run))
    ]


FLOWS = {
    "recent_failed_automated_tests": recent_failed_automated_tests,
    "modules_with_recent_failures": modules_with_recent_failures,
    "features_with_recent_failures": features_with_recent_failures,
}
