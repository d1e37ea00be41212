"""Documented requests of the flows about recent results of tests: 9, 10 and 11.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them.
"""

from __future__ import annotations

from octane_flows.parity.requests.documented_requests import (
    DocumentedRequests,
    Params,
    Reading,
    Request,
    Steps,
    hours,
    logical_names,
    named,
    portions,
    single,
    window,
)


def _recent_failed_automated_tests(params: Params) -> Steps:
    phrases = [
        *(f"({phrase})" for phrase in named("release", params["release_name"])),
        f"(status EQ {{{logical_names(params['status_codes'])}}})",
        *(f"({phrase})" for phrase in window("creation_time", params, hours(params))),
    ]
    collection = "automated_tests" if params["only_automated"] else "tests"
    rows = yield Request(collection, f"last_runs EQ {{{';'.join(phrases)}}}")
    return [str(row["id"]) for row in rows]


def _test_failed(params: Params) -> str:
    """A phrase over the field `test` of a module or work item."""
    recent = ";".join(window("creation_time", params, hours(params)))
    last_run = f"last_runs EQ {{status EQ {{{logical_names(params['status_codes'])}}};{recent}}}"
    kind = "subtype EQ ^test_automated^;" if params["only_automated"] else ""
    return f"test EQ {{{kind}{last_run}}}"


def _modules_with_recent_failures(params: Params) -> Steps:
    rows = yield Request("product_areas", _test_failed(params), ("parent",))
    module_ids = {str(row["id"]) for row in rows}
    while params["subtree"]:  # up the tree, level by level
        parents = {str(row["parent"]["id"]) for row in rows if row["parent"]} - module_ids
        if not parents:
            break
        module_ids |= parents
        rows = []
        for ids in portions(parents):
            rows += yield Request("product_areas", f"id IN {ids}", ("parent",))
    return module_ids


def _features_with_recent_failures(params: Params) -> str:
    failed = _test_failed(params)
    return f"({failed})||(children EQ {{{failed}}})"


ANY_KIND_OF_TEST = Reading(
    "The page's text speaks of automated tests; none of its requests restricts the kind of test.",
    "Tests of every kind count, as in the requests.",
    ("only_automated",),
)
AFTER = Reading(
    "Whether a result of exactly the first second of the window counts was not seen (GT or GE).",
    "It does not count (GT).",
)

FLOWS = {
    "recent_failed_automated_tests": DocumentedRequests(
        "tests",
        "test_id",
        _recent_failed_automated_tests,
        "partly",
        (AFTER,),
        ("runs",),
        (("release_name", "236.2"),),
    ),
    "modules_with_recent_failures": DocumentedRequests(
        "product_areas",
        "application_module_id",
        _modules_with_recent_failures,
        "partly",
        (ANY_KIND_OF_TEST, AFTER),
        ("runs", "tests"),
    ),
    "features_with_recent_failures": DocumentedRequests(
        "features",
        "feature_id",
        single("features", _features_with_recent_failures),
        "partly",
        (ANY_KIND_OF_TEST, AFTER),
        ("runs", "tests"),
    ),
}
