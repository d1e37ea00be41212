"""Documented requests of the flows whose rows are runs: 6, 7 and 17.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them.
"""

from __future__ import annotations

from datetime import timedelta

from octane_flows.parity.requests.documented_requests import (
    DocumentedRequests,
    Params,
    Reading,
    identifier,
    logical_names,
    moment,
    named,
    pattern,
    single,
    subtypes,
    text,
    window,
)


def _planned_runs(params: Params) -> str | None:
    phrases = [
        "status EQ {logical_name EQ 'list_node.run_status.planned'}",
        f"test EQ {{{subtypes(params['test_types'])}}}",
        *named("release", params["release_name"]),
        *named("sprint", params["sprint_name"]),
    ]
    if params["run_by_user_id"] is not None:
        phrases.append(f"run_by EQ {{id EQ {identifier(params['run_by_user_id'])}}}")
    if params["only_mine"]:
        if params["signed_in_user_id"] is None:
            return None
        phrases.append(f"run_by EQ {{id EQ {identifier(params['signed_in_user_id'])}}}")
    if params["exclude_runs_inside_suites"]:
        phrases.append("parent_suite EQ {null}")
    return ";".join(phrases)


def _release_runs_with_environments(params: Params) -> str:
    phrases = named("release", params["release_name"])
    environment = [
        *named("category", params["environment_category_name"]),
        *(
            [f"name EQ {pattern(params['environment_name'])}"]
            if params["environment_name"] is not None
            else []
        ),
    ]
    if environment:
        phrases.append(f"taxonomies EQ {{{';'.join(environment)}}}")
    if params["status_codes"] is not None:
        phrases.append(f"status EQ {{{logical_names(params['status_codes'])}}}")
    return ";".join(phrases)


def _failed_previous_runs(params: Params) -> str:
    phrases = [f"run_native_status EQ {{logical_name EQ {text(params['status_code'])}}}"]
    if params["build_id"] is not None:
        phrases.insert(0, f"build_id EQ {params['build_id']}")
    if params["run_id"] is not None:
        phrases.insert(0, f"run_id EQ {params['run_id']}")
    if params["since"] is not None:
        phrases.append(f"run_started GT {moment(params['since'])}")
    days = params["days"]
    length = None if days is None else timedelta(days=days)
    phrases += window("run_started", params, length)
    return ";".join(phrases)


FLOWS = {
    "planned_runs": DocumentedRequests(
        "runs",
        "run_id",
        single("runs", _planned_runs),
        "page",
        (
            Reading(
                "The answer holds a planned suite run and the planned runs inside it, which the "
                "page itself calls duplicates.",
                "Both are listed, as the request gives them.",
                ("exclude_runs_inside_suites",),
            ),
            Reading(
                "The page belongs to My Work; its request asks for no user.",
                "Everybody's runs are listed.",
                ("run_by_user_id", "only_mine"),
            ),
        ),
    ),
    "release_runs_with_environments": DocumentedRequests(
        "runs",
        "run_id",
        single("runs", _release_runs_with_environments, ("taxonomies",)),
        "partly",
        (
            Reading(
                "The last request adds the environment; whether by its category or by the tag "
                "itself was not seen.",
                "Neither is asked for until a parameter says so.",
                ("environment_category_name", "environment_name"),
            ),
        ),
        example=(("release_name", "732.*"),),
    ),
    "failed_previous_runs": DocumentedRequests(
        "previous_runs", "previous_run_id", single("previous_runs", _failed_previous_runs), "partly"
    ),
}
