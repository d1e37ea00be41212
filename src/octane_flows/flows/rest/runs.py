"""Documented requests of the flows whose rows are runs: 6 and 17.

Typed parameters in, requests out; `flows.rest` lists them.
"""

from __future__ import annotations

from datetime import timedelta

from octane_flows.flows.rest.request import Params, RestFlow, identifier, moment, single, text


def _planned_runs(params: Params) -> str:
    phrases = [
        "status EQ {logical_name EQ 'list_node.run_status.planned'}",
        "test EQ {subtype EQ 'test_manual'||subtype EQ 'gherkin_test' || subtype EQ 'test_suite'}",
    ]
    if params["release_name"] is not None:
        phrases.append(f"release EQ {{name EQ {text(params['release_name'])}}}")
    if params["run_by"] is not None:
        phrases.append(f"run_by EQ {{id EQ {identifier(params['run_by'])}}}")
    if params["exclude_runs_inside_suites"]:
        phrases.append("parent_suite EQ {null}")
    return ";".join(phrases)


def _failed_previous_runs(params: Params) -> str:
    phrases = [f"run_native_status EQ {{logical_name EQ {text(params['status_code'])}}}"]
    if params["build_id"] is not None:
        phrases.insert(0, f"build_id EQ {params['build_id']}")
    if params["run_id"] is not None:
        phrases.insert(0, f"run_id EQ {params['run_id']}")
    if params["since"] is not None:
        phrases.append(f"run_started GT {moment(params['since'])}")
    if params["days"] is not None:
        start = params["as_of"] - timedelta(days=params["days"])
        phrases.append(f"run_started GT {moment(start)}")
    return ";".join(phrases)


FLOWS = {
    "planned_runs": RestFlow("runs", "run_id", single("runs", _planned_runs), "page"),
    "failed_previous_runs": RestFlow(
        "previous_runs", "previous_run_id", single("previous_runs", _failed_previous_runs), "partly"
    ),
}
