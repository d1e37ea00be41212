"""Flows on defects in plain Python: 2 and 12 to 14.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    RUNS,
    TESTS,
    Entities,
    Row,
    is_named,
    joined,
    like,
    listed,
    moment,
    reference,
    references,
)
from octane_flows.parity.deep.plain_columns import (
    owner_columns,
    phase_columns,
    release_columns,
    sprint_columns,
)

Params = dict[str, Any]
RANKS = {
    f"list_node.severity.{word}": rank
    for rank, word in enumerate(("urgent", "very_high", "high", "medium", "low"), start=1)
}


def my_opened_defects_to_test(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 2: defects whose QA owner is the user, by the sprint and its release."""
    for defect in entities.of("defect"):
        sprint = entities.find(reference(defect, "sprint"), "sprint")
        tester = reference(defect, "qa_owner")
        row = {
            "defect_id": defect["id"],
            "defect_name": defect.get("name"),
            "severity_code": entities.code(defect, "severity"),
            "severity_label": entities.label(defect, "severity"),
            **phase_columns(entities, defect),
            **release_columns(entities, defect),
            **sprint_columns(entities, defect),
            "sprint_release_name": sprint and entities.label(sprint, "release", "release"),
            **owner_columns(entities, defect),
            "qa_owner_user_id": tester,
            "qa_owner_name": entities.name(tester, "workspace_user", field="full_name"),
            "created_at": moment(defect, "creation_time"),
            "modified_at": moment(defect, "last_modified"),
        }
        if (
            params["user_id"] is not None
            and tester == params["user_id"]
            and listed(row["phase_code"], params["phase_codes"])
            and params["sprint_id"] in (None, row["sprint_id"])
            and is_named(row["sprint_name"], params["sprint_name"])
            and is_named(row["sprint_release_name"], params["release_name"])
        ):
            yield row


def open_high_severity_defects(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 12: defects with a module of that name, by phase, severity and priority."""
    for defect in entities.of("defect"):
        names = [
            module["name"]
            for id in references(defect, "product_areas")
            if (module := entities.find(id, "product_area"))
            and like(module["name"], params["application_module_name"])
        ]
        row = {
            "defect_id": defect["id"],
            "defect_name": defect.get("name"),
            "severity_code": entities.code(defect, "severity"),
            "severity_label": entities.label(defect, "severity"),
            "priority_code": entities.code(defect, "priority"),
            "priority_label": entities.label(defect, "priority"),
            **phase_columns(entities, defect),
            "application_module_count": len(names),
            "application_module_names": joined(names),
            "severity_rank": RANKS.get(entities.code(defect, "severity") or ""),
            "age_days": _days(moment(defect, "creation_time"), params["as_of"]),
            **release_columns(entities, defect),
            **owner_columns(entities, defect),
            "created_at": moment(defect, "creation_time"),
            "modified_at": moment(defect, "last_modified"),
        }
        if (
            names
            and listed(row["phase_code"], params["phase_codes"])
            and _is_any(row["severity_code"], params["severity_codes"])
            and _is_any(row["priority_code"], params["priority_codes"])
        ):
            yield row


def _days(start: datetime | None, end: datetime) -> int | None:
    """Midnights between two times."""
    return None if start is None else (end.date() - start.date()).days


def _is_any(code: str | None, codes: str | None) -> bool:
    return codes is None or listed(code, codes)


def closed_defects_of_failed_runs(entities: Entities, params: Params) -> Iterator[Row]:
    """Flows 13 and 14: defects by their phase and by a linked run of that status."""
    newest: dict[str, datetime] = {}
    for run in entities.of(*RUNS):
        test, started = reference(run, "test"), moment(run, "started")
        if test is not None and started is not None:
            newest[test] = max(newest.get(test, started), started)
    for defect in entities.of("defect"):
        linked_runs = [entities.find(id, *RUNS) for id in references(defect, "run")]
        linked = [run for run in linked_runs if run is not None]
        if params["only_newest_runs"]:
            linked = [run for run in linked if not _was_run_again(run, newest)]
        of_test = [run for run in linked if params["test_id"] in (None, reference(run, "test"))]
        fitting = [
            run
            for run in (of_test if params["in_one_run"] else linked if of_test else [])
            if params["status_code"]
            in (entities.code(run, "status"), entities.code(run, "native_status"))
            and (not params.get("only_after_closing") or _is_after(run, defect, "closed_on"))
            and (not params.get("only_after_fixing") or _is_after(run, defect, "fixed_on"))
        ]
        if not fitting or not listed(
            entities.code(defect, "phase", "phase"), params["phase_codes"]
        ):
            continue
        last = max(
            fitting,
            key=lambda run: (moment(run, "started") or moment(run, "creation_time"), run["id"]),
        )
        yield {
            "defect_id": defect["id"],
            "defect_name": defect.get("name"),
            **phase_columns(entities, defect),
            "severity_code": entities.code(defect, "severity"),
            "severity_label": entities.label(defect, "severity"),
            "linked_run_count": len(fitting),
            "after_closing_run_count": sum(_is_after(run, defect, "closed_on") for run in fitting),
            "after_fixing_run_count": sum(_is_after(run, defect, "fixed_on") for run in fitting),
            "is_after_closing": _is_after(last, defect, "closed_on"),
            "is_after_fixing": _is_after(last, defect, "fixed_on"),
            "closed_at": moment(defect, "closed_on"),
            "run_id": last["id"],
            "run_name": last.get("name"),
            "started_at": moment(last, "started"),
            "test_id": reference(last, "test"),
            "test_name": entities.name(reference(last, "test"), *TESTS),
            **release_columns(entities, defect),
            **owner_columns(entities, defect),
            "fixed_at": moment(defect, "fixed_on"),
            "modified_at": moment(defect, "last_modified"),
        }


def _is_after(run: Row, defect: Row, field: str) -> bool:
    """Whether a run began after its defect was closed or fixed."""
    began, end = moment(run, "started") or moment(run, "creation_time"), moment(defect, field)
    return began is not None and end is not None and began > end


def _was_run_again(run: Row, newest: dict[str, datetime]) -> bool:
    started, test = moment(run, "started"), reference(run, "test")
    return started is not None and test is not None and newest[test] > started


FLOWS = {
    "my_opened_defects_to_test": my_opened_defects_to_test,
    "open_high_severity_defects": open_high_severity_defects,
    "closed_defects_of_failed_runs": closed_defects_of_failed_runs,
    "open_defects_of_passed_runs": closed_defects_of_failed_runs,
}
