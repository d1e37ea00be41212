"""Documented requests of the flows that look at what tests found lately: 9 and 10.

Typed parameters in, requests out; `flows.rest` lists them.
"""

from __future__ import annotations

from octane_flows.flows.rest.request import Params, Reading, RestFlow, single, text, window_start


def _recent_failed_automated_tests(params: Params) -> str:
    phrases = [
        f"(status EQ {{logical_name EQ {text(params['status_code'])}}})",
        f"(creation_time GT {window_start(params)})",
    ]
    if params["release_name"] is not None:
        phrases.insert(0, f"(release EQ {{name EQ {text(params['release_name'])}}})")
    return f"last_runs EQ {{{';'.join(phrases)}}}"


def _modules_with_recent_failures(params: Params) -> str:
    last_run = (
        f"last_runs EQ {{status EQ {{logical_name EQ {text(params['status_code'])}}};"
        f"creation_time GT {window_start(params)}}}"
    )
    kind = "subtype EQ ^test_automated^;" if params["only_automated"] else ""
    return f"test EQ {{{kind}{last_run}}}"


ANY_KIND_OF_TEST = Reading(
    "The page's text speaks of automated tests; none of its requests restricts the kind of test.",
    "Tests of every kind count, as in the requests.",
    ("only_automated",),
)

FLOWS = {
    "recent_failed_automated_tests": RestFlow(
        "automated_tests",
        "test_id",
        single("automated_tests", _recent_failed_automated_tests),
        "partly",
    ),
    "modules_with_recent_failures": RestFlow(
        "product_areas",
        "application_module_id",
        single("product_areas", _modules_with_recent_failures),
        "partly",
        (ANY_KIND_OF_TEST,),
    ),
}
