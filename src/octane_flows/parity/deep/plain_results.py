"""Flows on runs and results in plain Python: 6, 7 and 15 to 17.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    RUNS,
    TESTS,
    Entities,
    Row,
    created,
    environment_names,
    has_module,
    is_named,
    is_not_after,
    joined,
    like,
    listed,
    modules_of,
    moment,
    reference,
    references,
)

Params = dict[str, Any]
STATUS = "list_node.run_native_status."


def planned_runs(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 6: planned runs by the kind of their test."""
    for run in entities.of(*RUNS):
        test = entities.find(reference(run, "test"), *TESTS)
        if test is None:
            continue
        release, sprint, by = (reference(run, name) for name in ("release", "sprint", "run_by"))
        row = {
            "run_id": run["id"],
            "run_name": run.get("name"),
            "run_type": run["type"],
            "test_id": test["id"],
            "test_name": test.get("name"),
            "test_type": test["type"],
            "release_id": release,
            "release_name": entities.name(release, "release"),
            "sprint_id": sprint,
            "sprint_name": entities.name(sprint, "sprint"),
            "run_by_user_id": by,
            "run_by_name": entities.name(by, "workspace_user", field="full_name"),
            "parent_suite_run_id": reference(run, "parent_suite"),
            "created_at": moment(run, "creation_time"),
        }
        me = params["signed_in_user_id"]
        if (
            entities.code(run, "status") == "list_node.run_status.planned"
            and listed(test["type"], params["test_types"])
            and is_named(row["release_name"], params["release_name"])
            and is_named(row["sprint_name"], params["sprint_name"])
            and params["run_by_user_id"] in (None, by)
            and (not params["only_mine"] or (me is not None and by == me))
            and not (params["exclude_runs_inside_suites"] and row["parent_suite_run_id"])
        ):
            yield row


def release_runs_with_environments(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 7: runs of a release with the environment tags that are asked for."""
    category, name = params["environment_category_name"], params["environment_name"]
    for run in entities.of(*RUNS):
        test = entities.find(reference(run, "test"), *TESTS)
        release = reference(run, "release")
        tags = references(run, "taxonomies") if run["type"] != "run_suite" else []
        count, names = environment_names(entities, tags, category, name)
        row = {
            "run_id": run["id"],
            "run_name": run.get("name"),
            "run_type": run["type"],
            "environment_count": count,
            "environment_names": names,
            "status_code": entities.code(run, "status"),
            "status_label": entities.label(run, "status"),
            "test_id": test and test["id"],
            "test_name": test and test.get("name"),
            "test_type": test and test["type"],
            "release_id": release,
            "release_name": entities.name(release, "release"),
            "started_at": moment(run, "started"),
            "created_at": moment(run, "creation_time"),
        }
        if (
            is_named(row["release_name"], params["release_name"])
            and (
                params["status_codes"] is None or listed(row["status_code"], params["status_codes"])
            )
            and (count or (category is None and name is None))
        ):
            yield row


def reported_builds(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 15: builds of the runs of pipelines, with the results that they reported."""
    results: dict[str, list[tuple[str | None, bool]]] = {}
    for run in entities.of(*RUNS):
        status = entities.code(run, "native_status")
        results.setdefault(reference(run, "build") or "", []).append((status, True))
    for result in entities.of("run_history"):
        status = entities.code(result, "run_native_status")
        results.setdefault(_text(result.get("build_id")) or "", []).append((status, False))
    for build in entities.of("ci_build"):
        own = results.get(build["id"], [])
        started = _milliseconds(build.get("start_time"))
        for id in references(build, "pipeline_run"):
            pipeline_run = entities.find(id, "pipeline_run")
            pipeline = pipeline_run and entities.find(
                reference(pipeline_run, "pipeline"), "pipeline"
            )
            if pipeline_run is None or pipeline is None:
                continue
            server = entities.label(pipeline, "ci_server", "ci_server")
            row = {
                "pipeline_run_id": id,
                "build_id": build["id"],
                "build_name": build.get("name"),
                "pipeline_id": pipeline["id"],
                "pipeline_name": pipeline.get("name"),
                "ci_server_id": reference(pipeline, "ci_server"),
                "ci_server_name": server,
                "build_status_label": build.get("status"),
                "build_result_label": build.get("result"),
                "build_started_at": started,
                "build_duration_ms": build.get("duration"),
                "release_id": reference(pipeline_run, "release"),
                "release_name": entities.label(pipeline_run, "release", "release"),
                "result_count": len(own),
                **{
                    f"{name}_count": sum(status == STATUS + name for status, _ in own)
                    for name in ("passed", "failed", "skipped")
                },
                "current_result_count": sum(is_current for _, is_current in own),
            }
            since, until = params["since"], params["until"]
            if (
                like(row["pipeline_name"], params["pipeline_name"])
                and (params["ci_server_name"] == "*" or like(server, params["ci_server_name"]))
                and params["pipeline_id"] in (None, pipeline["id"])
                and (since is None or (started is not None and started >= since))
                and (until is None or (started is not None and started < until))
                and (
                    params["build_results"] is None
                    or listed(row["build_result_label"], params["build_results"])
                )
            ):
                yield row


def _milliseconds(value: Any) -> datetime | None:
    if value is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(
        milliseconds=int(value)
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def failed_automated_runs(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 16: automated runs of that status, with the defects linked to them."""
    defects: dict[str, list[Row]] = {}
    for defect in entities.of("defect"):
        for id in references(defect, "run"):
            defects.setdefault(id, []).append(defect)
    for run in entities.of("run_automated", "gherkin_automated_run"):
        test = entities.find(reference(run, "test"), *TESTS) or {}
        own = sorted(
            defects.get(run["id"], []), key=lambda row: (moment(row, "creation_time"), row["id"])
        )
        tags = references(run, "taxonomies")
        modules = {entities.name(id, "product_area") for id in modules_of(entities, test.get("id"))}
        row = {
            "run_id": run["id"],
            "run_type": run["type"],
            "test_id": reference(run, "test"),
            "test_name": test.get("name"),
            "component_name": test.get("component"),
            "package_name": test.get("package"),
            "class_name": test.get("class_name"),
            "all_application_module_names": joined(modules),
            "status_code": entities.code(run, "status"),
            "error_type": run.get("error_type"),
            "error_message": run.get("error_message"),
            "error_details": run.get("error_details"),
            "failed_build_count": run.get("failed_build_age"),
            "all_environment_names": environment_names(entities, tags)[1],
            "defect_count": len(own),
            "defect_ids": ", ".join(defect["id"] for defect in own) or None,
            "defect_names": ", ".join(_with_phase(entities, defect) for defect in own) or None,
            "build_id": reference(run, "build"),
            "build_name": entities.label(run, "build", "ci_build"),
            "pipeline_id": reference(run, "pipeline"),
            "pipeline_name": entities.label(run, "pipeline", "pipeline"),
            "release_id": reference(run, "release"),
            "release_name": entities.label(run, "release", "release"),
            "started_at": moment(run, "started"),
            "duration_ms": run.get("duration"),
            "created_at": moment(run, "creation_time"),
        }
        if _is_wanted(entities, params, run, row):
            yield row


def _with_phase(entities: Entities, defect: Row) -> str:
    phase = entities.label(defect, "phase", "phase")
    return f"{defect.get('name')}{f' ({phase})' if phase else ''}"


def _is_wanted(entities: Entities, params: Params, run: Row, row: Row) -> bool:
    since, hours, environment = params["since"], params["hours"], params["environment_name"]
    module = params["application_module_name"]
    return (
        listed(row["status_code"], params["status_codes"])
        and (since is None or (row["started_at"] is not None and row["started_at"] >= since))
        and (hours is None or created(run) > params["as_of"] - timedelta(hours=hours))
        and is_not_after(params, created(run))
        and params["build_id"] in (None, _number(row["build_id"]))
        and is_named(row["release_name"], params["release_name"])
        and is_named(row["pipeline_name"], params["pipeline_name"])
        and (module is None or has_module(entities, row["test_id"], module, params["subtree"]))
        and (
            environment is None
            or environment_names(entities, references(run, "taxonomies"), None, environment)[0] > 0
        )
        and not (params["only_without_defect"] and row["defect_count"])
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def failed_previous_runs(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 17: results of that status which a later result replaced."""
    for result in entities.of("run_history"):
        started = moment(result, "run_started")
        since, days = params["since"], params["days"]
        row = {
            "previous_run_id": result["id"],
            "run_id": _text(result.get("run_id")),
            "test_id": _text(result.get("test_id")),
            "test_name": result.get("test_name"),
            "component_name": result.get("test_component"),
            "package_name": result.get("test_package"),
            "class_name": result.get("test_class"),
            "build_id": _text(result.get("build_id")),
            "build_name": result.get("build_name"),
            "pipeline_name": result.get("pipeline_name"),
            "native_status_code": entities.code(result, "run_native_status"),
            "started_at": started,
            "duration_ms": result.get("run_duration"),
            "error_type": result.get("error_type"),
            "error_message": result.get("error_message"),
            "error_details": result.get("error_details"),
            "failed_build_count": result.get("failed_build_age"),
            "all_environment_names": environment_names(entities, references(result, "taxonomies"))[
                1
            ],
            "release_id": reference(result, "release"),
            "release_name": entities.label(result, "release", "release"),
        }
        if (
            row["native_status_code"] == params["status_code"]
            and params["run_id"] in (None, _number(row["run_id"]))
            and params["build_id"] in (None, _number(row["build_id"]))
            and (since is None or (started is not None and started > since))
            and (
                days is None
                or (started is not None and started > params["as_of"] - timedelta(days=days))
            )
            and is_not_after(params, started)
        ):
            yield row


FLOWS = {
    "planned_runs": planned_runs,
    "release_runs_with_environments": release_runs_with_environments,
    "reported_builds": reported_builds,
    "failed_automated_runs": failed_automated_runs,
    "failed_previous_runs": failed_previous_runs,
}
