"""Metrics on planning, defects and coverage in plain Python, after the words of docs/metrics.md.

Entities as the REST API gives them and typed parameters in, rows by their key out. The metrics on
test results have such an evaluation in `test_result_metrics`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from math import floor
from typing import Any

from octane_flows.parity.deep import Entities
from octane_flows.parity.deep.entities_afresh import (
    REQUIREMENTS,
    RUNS,
    TESTS,
    WORK_ITEMS,
    Row,
    is_named,
    listed,
    moment,
    reference,
    references,
)

Params = dict[str, Any]
#: Fields that the flows do not need.
FIELDS = ("detected_in_release", "start_date", "covered_requirement")
DONE = "metaphase.work_item.done"


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds between two times, as clocks without fractions show them."""
    return int((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds())


def days_between(start: datetime, end: datetime) -> float:
    return seconds_between(start, end) / 86400


def _is_done(entities: Entities, item: Row) -> bool:
    phase = entities.find(reference(item, "phase"), "phase")
    return entities.code(phase, "metaphase", "metaphase") == DONE


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which a share lies, between the two nearest values in proportion."""
    if not values:
        return None
    ordered, place = sorted(values), share * (len(values) - 1)
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def lead_times(entities: Entities, params: Params) -> Iterator[Row]:
    groups: dict[tuple[str, str | None], list[float]] = defaultdict(list)
    for item in entities.of(*WORK_ITEMS):
        created, closed = moment(item, "creation_time"), moment(item, "closed_on")
        if not listed(item["type"], params["work_item_types"]) or closed is None:
            continue
        days = params["days"]
        if closed > params["as_of"] or (
            days is not None and closed <= params["as_of"] - timedelta(days=days)
        ):
            continue
        assert created is not None
        release = None if item["type"] == "epic" else reference(item, "release")
        groups[item["type"], release].append(days_between(created, closed))
    for (kind, release), times in groups.items():
        measured = [time for time in times if time >= 0]
        yield {
            "work_item_type": kind,
            "release_id": release,
            "release_name": entities.name(release, "release"),
            "closed_count": len(times),
            "measured_count": len(measured),
            "misdated_count": len(times) - len(measured),
            "median_lead_days": rounded(quantile(measured, 0.5)),
            "p85_lead_days": rounded(quantile(measured, 0.85)),
            "longest_lead_days": rounded(max(measured, default=None)),
            "is_small_sample": len(measured) < params["small_sample"],
        }


def defect_closing_times(entities: Entities, params: Params) -> Iterator[Row]:
    as_of: datetime = params["as_of"]
    groups: dict[str | None, list[tuple[Row, datetime, datetime | None]]] = defaultdict(list)
    for defect in entities.of("defect"):
        created, closed = moment(defect, "creation_time"), moment(defect, "closed_on")
        assert created is not None
        if created <= as_of and is_named(
            entities.label(defect, "detected_in_release", "release"), params["release_name"]
        ):
            groups[entities.code(defect, "severity")].append((defect, created, closed))
    for severity, lives in groups.items():
        undated = [
            defect["id"] for defect, _, end in lives if end is None and _is_done(entities, defect)
        ]
        misdated = [
            defect["id"] for defect, start, end in lives if end and seconds_between(start, end) < 0
        ]
        closed_ids = {defect["id"] for defect, _, end in lives if end and end <= as_of}
        ages = {
            defect["id"]: days_between(start, min(end or as_of, as_of))
            for defect, start, end in lives
        }
        still_open = [
            ages[defect["id"]]
            for defect, _, _ in lives
            if defect["id"] not in closed_ids and defect["id"] not in undated
        ]
        timed = [id for id in ages if id not in undated and id not in misdated]
        yield {
            "severity_code": severity,
            "defect_count": len(lives),
            "open_count": len(still_open),
            "closed_count": len(closed_ids),
            "undated_count": len(undated),
            "misdated_count": len(misdated),
            "median_closing_days": rounded(_half_closed(ages, timed, closed_ids)),
            "median_open_age_days": rounded(quantile(still_open, 0.5)),
            "oldest_open_age_days": rounded(max(still_open, default=None)),
        }


def _half_closed(ages: dict[str, float], ids: list[str], closed: set[str]) -> float | None:
    """The age by which half have closed, where open ones have not told their age yet."""
    share = 1.0
    for age in sorted({ages[id] for id in ids}):
        at_risk = sum(ages[id] >= age for id in ids)
        share *= 1 - sum(ages[id] == age and id in closed for id in ids) / at_risk
        if share <= 0.5 + 1e-12:
            return age
    return None


def escaped_defects(entities: Entities, params: Params) -> Iterator[Row]:
    groups: dict[tuple[str, bool, str | None], set[str]] = defaultdict(set)
    escaped: set[str] = set()
    for defect in entities.of("defect"):
        release = entities.find(reference(defect, "detected_in_release"), "release")
        if release is None or not is_named(release["name"], params["release_name"]):
            continue
        created, end = moment(defect, "creation_time"), moment(release, "end_date")
        if created and end and created > end:
            escaped.add(defect["id"])
        groups[release["id"], True, None].add(defect["id"])
        modules: Sequence[str | None] = references(defect, "product_areas") or [None]
        for module in modules:
            groups[release["id"], False, module].add(defect["id"])
    for (release_id, is_whole, module), ids in groups.items():
        yield {
            "release_id": release_id,
            "is_whole_release": is_whole,
            "application_module_id": module,
            "release_name": entities.name(release_id, "release"),
            "application_module_name": entities.name(module, "product_area"),
            "defect_count": len(ids),
            "escaped_count": len(ids & escaped),
            "escaped_ratio": round(len(ids & escaped) / len(ids), 4),
        }


def sprint_progress(entities: Entities, params: Params) -> Iterator[Row]:
    for sprint in entities.of("sprint"):
        release = entities.label(sprint, "release", "release")
        if not is_named(release, params["release_name"]):
            continue
        end = moment(sprint, "end_date")
        own = [
            item
            for item in entities.of(*WORK_ITEMS)
            if listed(item["type"], params["work_item_types"])
            and reference(item, "sprint") == sprint["id"]
        ]
        done = [item for item in own if _is_done(entities, item)]
        late = [item for item in done if (at := moment(item, "closed_on")) and end and at > end]
        yield {
            "sprint_id": sprint["id"],
            "sprint_name": sprint["name"],
            "release_name": release,
            "start_at": moment(sprint, "start_date"),
            "end_at": end,
            "planned_item_count": len(own),
            "done_item_count": len(done),
            "late_item_count": len(late),
            "planned_story_point_count": _points(own),
            "done_story_point_count": _points(done),
            "done_ratio": round(len(done) / len(own), 4) if own else None,
        }


def _points(items: Sequence[Row]) -> int:
    return sum(item.get("story_points") or 0 for item in items)


def release_readiness(entities: Entities, params: Params) -> Iterator[Row]:
    covered = {id for test in entities.of(*TESTS) for id in references(test, "covered_content")}
    runs = [
        run
        for test in entities.of(*TESTS)
        for id in references(test, "last_runs")
        if (run := entities.find(id, *RUNS)) is not None
    ]
    for release in entities.of("release"):
        if not is_named(release["name"], params["release_name"]):
            continue
        own = [
            item
            for item in entities.of(*WORK_ITEMS)
            if item["type"] != "epic" and reference(item, "release") == release["id"]
        ]
        features = [item for item in own if item["type"] == "feature"]
        stories = [item for item in own if item["type"] in ("story", "quality_story")]
        defects = [
            item for item in own if item["type"] == "defect" and not _is_done(entities, item)
        ]
        statuses = [
            (entities.code(run, "status") or "").rpartition(".")[2]
            for run in runs
            if reference(run, "release") == release["id"]
        ]
        ran = [status for status in statuses if status and status != "planned"]
        end = moment(release, "end_date")
        yield {
            "release_id": release["id"],
            "release_name": release["name"],
            "remaining_days": None if end is None else (end.date() - params["as_of"].date()).days,
            "feature_count": len(features),
            "done_feature_count": sum(_is_done(entities, item) for item in features),
            "story_count": len(stories),
            "done_story_count": sum(_is_done(entities, item) for item in stories),
            "story_point_count": _points(stories),
            "done_story_point_count": _points(
                [item for item in stories if _is_done(entities, item)]
            ),
            "uncovered_item_count": sum(
                item["type"] in ("feature", "story") and item["id"] not in covered for item in own
            ),
            "last_run_count": len(ran),
            "passed_last_run_count": ran.count("passed"),
            "failed_last_run_count": ran.count("failed"),
            "passed_ratio": round(ran.count("passed") / len(ran), 4) if ran else None,
            "planned_run_count": statuses.count("planned"),
            "open_defect_count": len(defects),
            "blocking_defect_count": sum(
                listed(entities.code(item, "severity"), params["severity_codes"])
                for item in defects
            ),
        }


def traceability(entities: Entities, params: Params) -> Iterator[Row]:
    tests: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for test in entities.of(*TESTS):
        for is_item, field in ((True, "covered_content"), (False, "covered_requirement")):
            for id in references(test, field):
                tests[is_item, id].append(test)
    open_defects: dict[str, set[str]] = defaultdict(set)
    for defect in entities.of("defect"):
        for id in references(defect, "run"):
            run = entities.find(id, *RUNS)
            if run is not None and not _is_done(entities, defect):
                open_defects[reference(run, "test") or ""].add(defect["id"])
    for item in entities.of(*WORK_ITEMS, *REQUIREMENTS):
        is_item = item["type"] in WORK_ITEMS
        release = entities.label(item, "release", "release") if is_item else None
        if listed(item["type"], params["item_types"]) and is_named(release, params["release_name"]):
            covering: Sequence[Row | None] = tests[is_item, item["id"]] or [None]
            for cover in covering:
                row = _traced(entities, params, item, cover)
                if row["gap"] or not params["only_gaps"]:
                    yield {
                        **row,
                        "release_name": release,
                        "open_defect_count": len(open_defects[cover["id"]]) if cover else 0,
                    }


def _traced(entities: Entities, params: Params, item: Row, test: Row | None) -> Row:
    last_runs = [entities.find(id, *RUNS) for id in (references(test, "last_runs") if test else [])]
    ran = [
        (moment(run, "started") or moment(run, "creation_time") or datetime.min, run["id"], run)
        for run in last_runs
        if run is not None
        and entities.code(run, "status") not in (None, "list_node.run_status.planned")
    ]
    at, _, last = max(ran, default=(None, None, None))
    status = (entities.code(last, "status") or "").rpartition(".")[2]
    gap = None
    if test is None:
        gap = "no test"
    elif at is None:
        gap = "never run"
    elif status != "passed":
        gap = "failed" if status == "failed" else "not passed"
    elif at < params["as_of"] - timedelta(days=params["stale_days"]):
        gap = "stale"
    return {
        "item_type": item["type"],
        "item_id": item["id"],
        "test_id": test and test["id"],
        "gap": gap,
        "item_name": item["name"],
        "test_name": test and test["name"],
        "last_run_id": last and last["id"],
        "last_run_status_label": entities.label(last, "status"),
        "last_ran_at": at,
        "coverage_age_days": None if at is None else (params["as_of"].date() - at.date()).days,
    }


METRICS: dict[str, Callable[[Entities, Params], Iterator[Row]]] = {
    "defect_closing_times": defect_closing_times,
    "escaped_defects": escaped_defects,
    "lead_times": lead_times,
    "release_readiness": release_readiness,
    "sprint_progress": sprint_progress,
    "traceability": traceability,
}
