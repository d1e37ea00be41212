"""Documented requests of the flows that look at results and their defects: 13 to 16.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime

from octane_flows.parity.requests.documented_requests import (
    DocumentedRequests,
    Params,
    Reading,
    Request,
    Row,
    RowSteps,
    Steps,
    hours,
    identifier,
    logical_names,
    module_phrase,
    moment,
    named,
    pattern,
    portions,
    text,
    window,
    words,
)


def status_phrase(code: str) -> str:
    """A phrase over a run's summary or native status; the logical name says which of the two."""
    native = code.startswith("list_node.run_native_status.")
    return f"{'native_status' if native else 'status'} EQ {{logical_name EQ {text(code)}}}"


def _defects_of_runs(params: Params) -> Steps:
    phase = f"phase EQ {{{logical_names(params['phase_codes'])}}}"
    test = (
        [] if params["test_id"] is None else [f"test EQ {{id EQ {identifier(params['test_id'])}}}"]
    )
    status = status_phrase(params["status_code"])
    moments = [name for name in ("closing", "fixing") if params.get(f"only_after_{name}")]
    if not params["only_newest_runs"] and not moments:
        runs = [*test, status] if not params["in_one_run"] else [";".join([*test, status])]
        query = ";".join([phase, *(f"run EQ {{{run}}}" for run in runs)])
        rows = yield Request("defects", query)
        return [str(row["id"]) for row in rows]
    defect_ids: list[set[str]] = []
    for conditions in ([*test, status],) if params["in_one_run"] else ([status], test):
        if conditions:
            linked = f"defect EQ {{{phase}}};{';'.join(conditions)}"
            linked_runs = yield from _linked_runs(linked, only_newest=params["only_newest_runs"])
            if status in conditions and moments:
                defect_ids.append((yield from _defects_before(linked_runs, phase, moments)))
            else:
                defect_ids.append({id for row in linked_runs for id in _ids(row["defect"])})
    answer: list[str] = []
    for ids in portions(set.intersection(*defect_ids)):
        rows = yield Request("defects", f"{phase};id IN {ids}")
        answer += [str(row["id"]) for row in rows]
    return answer


def _defects_before(
    runs: Sequence[Row], phase: str, moments: Sequence[str]
) -> Generator[Request, list[Row], set[str]]:
    """The defects whose closing or fixing is before the start of one of their runs."""
    starts: dict[str, list[str]] = {}
    for run in runs:
        for id in _ids(run["defect"]):
            starts.setdefault(id, []).append(run["started"] or run["creation_time"])
    fields = tuple({"closing": "closed_on", "fixing": "fixed_on"}[name] for name in moments)
    defect_ids: set[str] = set()
    for ids in portions(starts):
        for row in (yield Request("defects", f"{phase};id IN {ids}", fields)):
            times = [row[field] for field in fields]
            if all(times) and any(start > max(times) for start in starts[str(row["id"])]):
                defect_ids.add(str(row["id"]))
    return defect_ids


def _linked_runs(query: str, *, only_newest: bool) -> RowSteps:
    linked = yield Request("runs", query, ("creation_time", "defect", "started", "test"))
    if not only_newest:
        return linked
    newest: dict[str, str] = {}
    for ids in portions({str(row["test"]["id"]) for row in linked if row["test"]}):
        runs = yield Request("runs", f"test EQ {{id IN {ids}}}", ("started", "test"))
        for run in runs:
            test = str(run["test"]["id"])
            newest[test] = max(newest.get(test, ""), run["started"] or "")
    return [
        run
        for run in linked
        if not run["test"] or not run["started"] or run["started"] >= newest[str(run["test"]["id"])]
    ]


def _ids(value: object) -> Iterable[str]:
    rows = value["data"] if isinstance(value, dict) else []
    return [str(row["id"]) for row in rows]


def _reported_builds(params: Params) -> Steps:
    pipeline = [f"name EQ {pattern(params['pipeline_name'])}"]
    if params["ci_server_name"] != "*":
        pipeline += named("ci_server", params["ci_server_name"])
    if params["pipeline_id"] is not None:
        pipeline.append(f"id EQ {identifier(params['pipeline_id'])}")
    phrases = [f"pipeline_run EQ {{pipeline EQ {{{';'.join(pipeline)}}}}}"]
    if params["since"] is not None:
        phrases.append(f"start_time GE {_milliseconds(params['since'])}")
    if params["until"] is not None:
        phrases.append(f"start_time LT {_milliseconds(params['until'])}")
    if params["build_results"] is not None:
        results = words(params["build_results"])
        phrases.append(f"result IN {','.join(text(result) for result in results)}")
    rows = yield Request("ci_builds", ";".join(phrases))
    return [str(row["id"]) for row in rows]


def _milliseconds(value: datetime) -> int:
    return int(value.replace(tzinfo=UTC).timestamp() * 1000)


def _failed_automated_runs(params: Params) -> Steps:
    phrases = [
        "(subtype EQ 'run_automated'||subtype EQ 'gherkin_automated_run')",
        f"status EQ {{{logical_names(params['status_codes'])}}}",
        *named("release", params["release_name"]),
        *named("pipeline", params["pipeline_name"]),
        *named("taxonomies", params["environment_name"]),
    ]
    if params["since"] is not None:
        phrases.append(f"started GE {moment(params['since'])}")
    phrases += window("creation_time", params, hours(params))
    if params["build_id"] is not None:
        phrases.append(f"build EQ {{id EQ {params['build_id']}}}")
    if params["only_without_defect"]:
        phrases.append("defect EQ {null}")
    module = yield from module_phrase(params)
    if module == "":
        return []
    if module is not None:
        phrases.append(f"test EQ {{{module}}}")
    rows = yield Request("runs", ";".join(phrases))
    return [str(row["id"]) for row in rows]


DEFECTS_OF_RUNS = (
    Reading(
        "Whether the run's summary status or its native status is asked for was not seen.",
        "The summary status; the logical name says which of the two is meant.",
        ("status_code",),
    ),
    Reading(
        "Whether one linked run must be of the test and of the status was not seen.",
        "It must, as the page speaks of a failed run of the test.",
        ("in_one_run",),
    ),
    Reading(
        "A linked run may be followed by a newer run of its test.",
        "Any linked run counts, as in the requests.",
        ("only_newest_runs",),
    ),
)
OPEN = Reading(
    "The title says open, the page's query says fixed.",
    "Fixed, as in the query.",
    ("phase_codes",),
)
WRITES = Reading(
    "The page reports results and does not read them back.",
    "The requests read what the reported results became.",
)

FLOWS = {
    "closed_defects_of_failed_runs": DocumentedRequests(
        "defects", "defect_id", _defects_of_runs, "partly", DEFECTS_OF_RUNS
    ),
    "open_defects_of_passed_runs": DocumentedRequests(
        "defects", "defect_id", _defects_of_runs, "partly", (OPEN, *DEFECTS_OF_RUNS)
    ),
    "reported_builds": DocumentedRequests(
        "ci_builds", "build_id", _reported_builds, "reconstructed", (WRITES,)
    ),
    "failed_automated_runs": DocumentedRequests(
        "runs", "run_id", _failed_automated_runs, "reconstructed", (WRITES,)
    ),
}
