"""Flows on work items in plain Python: 1, 2, 12, 13, 14 and 21 to 23, and 25.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    REQUIREMENTS,
    RUNS,
    TESTS,
    WORK_ITEMS,
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

Params = dict[str, Any]
TASK_OWNERS = ("story", "quality_story", "defect")
RANKS = {
    f"list_node.severity.{word}": rank
    for rank, word in enumerate(("urgent", "very_high", "high", "medium", "low"), start=1)
}


def _phase(entities: Entities, row: Row) -> Row:
    return {
        "phase_code": entities.code(row, "phase", "phase"),
        "phase_label": entities.label(row, "phase", "phase"),
    }


def _owner(entities: Entities, row: Row) -> Row:
    id = reference(row, "owner")
    return {
        "owner_user_id": id,
        "owner_name": entities.name(id, "workspace_user", field="full_name"),
    }


def _release(entities: Entities, row: Row) -> Row:
    id = reference(row, "release")
    return {"release_id": id, "release_name": entities.name(id, "release")}


def _sprint(entities: Entities, row: Row) -> Row:
    id = reference(row, "sprint")
    return {"sprint_id": id, "sprint_name": entities.name(id, "sprint")}


def my_new_stories(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 1: stories that the user owns, in the given phases and release."""
    for story in entities.of("story"):
        row = {
            "story_id": story["id"],
            "story_name": story.get("name"),
            **_phase(entities, story),
            **_release(entities, story),
            **_sprint(entities, story),
            **_owner(entities, story),
            "story_point_count": story.get("story_points"),
            "created_at": moment(story, "creation_time"),
            "modified_at": moment(story, "last_modified"),
        }
        if (
            params["user_id"] is not None
            and row["owner_user_id"] == params["user_id"]
            and listed(row["phase_code"], params["phase_codes"])
            and is_named(row["release_name"], params["release_name"])
        ):
            yield row


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
            **_phase(entities, defect),
            **_release(entities, defect),
            **_sprint(entities, defect),
            "sprint_release_name": sprint and entities.label(sprint, "release", "release"),
            **_owner(entities, defect),
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
            **_phase(entities, defect),
            "application_module_count": len(names),
            "application_module_names": joined(names),
            "severity_rank": RANKS.get(entities.code(defect, "severity") or ""),
            "age_days": _days(moment(defect, "creation_time"), params["as_of"]),
            **_release(entities, defect),
            **_owner(entities, defect),
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
        found = [entities.find(id, *RUNS) for id in references(defect, "run")]
        linked = [run for run in found if run is not None]
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
            **_phase(entities, defect),
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
            **_release(entities, defect),
            **_owner(entities, defect),
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


def work_items_without_test_task(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 21: items that may have tasks, and have none of that kind."""
    tasks = _tasks_by_item(entities)
    for item in entities.of(*TASK_OWNERS):
        own = tasks.get(item["id"], [])
        phase = entities.find(reference(item, "phase"), "phase")
        is_done = entities.code(phase, "metaphase", "metaphase") == "metaphase.work_item.done"
        row = {
            **_item(entities, item),
            "task_count": len(own),
            **_release(entities, item),
            **_sprint(entities, item),
            "due_at": _due(entities, item),
            **_owner(entities, item),
        }
        if (
            listed(item["type"], params["work_item_types"])
            and not any(
                entities.code(task, "item_type") == params["task_type_code"] for task in own
            )
            and is_named(row["release_name"], params["release_name"])
            and not (params["exclude_done"] and is_done)
        ):
            yield row


def _due(entities: Entities, item: Row) -> datetime | None:
    """The end of the sprint, or without one of the release."""
    sprint = entities.find(reference(item, "sprint"), "sprint")
    release = entities.find(reference(item, "release"), "release")
    return moment(sprint, "end_date") or moment(release, "end_date")


def _tasks_by_item(entities: Entities) -> dict[str, list[Row]]:
    tasks: dict[str, list[Row]] = {}
    for task in entities.of("task"):
        tasks.setdefault(reference(task, "story") or "", []).append(task)
    return tasks


def _item(entities: Entities, item: Row) -> Row:
    return {
        "work_item_id": item["id"],
        "work_item_type": item["type"],
        "work_item_name": item.get("name"),
        **_phase(entities, item),
    }


def stories_with_completed_tasks(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 22: items that are not done, whose tasks all are."""
    tasks = _tasks_by_item(entities)
    for item in entities.of(*TASK_OWNERS):
        own = tasks.get(item["id"], [])
        row = {
            **_item(entities, item),
            "task_count": len(own),
            "last_task_modified_at": _latest(own),
            **_release(entities, item),
            **_sprint(entities, item),
            "due_at": _due(entities, item),
            **_owner(entities, item),
        }
        if (
            own
            and all(
                listed(entities.code(task, "phase", "phase"), params["task_phase_codes"])
                for task in own
            )
            and listed(item["type"], params["work_item_types"])
            and not listed(row["phase_code"], params["done_phase_codes"])
            and is_named(row["release_name"], params["release_name"])
            and is_named(row["sprint_name"], params["sprint_name"])
        ):
            yield row


def _latest(rows: list[Row]) -> datetime | None:
    times = [time for row in rows if (time := moment(row, "last_modified")) is not None]
    return max(times, default=None)


def features_with_done_stories(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 23: features in the given phases, whose children all are done."""
    children: dict[str, list[Row]] = {}
    for item in entities.of(*WORK_ITEMS):
        children.setdefault(reference(item, "parent") or "", []).append(item)
    for feature in entities.of("feature"):
        below = children.get(feature["id"], [])
        own = [child for child in below if listed(child["type"], params["child_types"])]
        still_open = [child for child in below if _is_open(entities, child, params)]
        row = {
            "feature_id": feature["id"],
            "feature_name": feature.get("name"),
            **_phase(entities, feature),
            "child_count": len(own),
            "other_child_count": len(below) - len(own),
            "open_other_child_count": len(still_open),
            "open_other_child_names": joined(child.get("name") for child in still_open),
            "last_child_modified_at": _latest(own),
            **_release(entities, feature),
            "release_end_at": moment(
                entities.find(reference(feature, "release"), "release"), "end_date"
            ),
            **_owner(entities, feature),
        }
        if (
            own
            and all(
                listed(entities.code(child, "phase", "phase"), params["done_phase_codes"])
                for child in own
            )
            and listed(row["phase_code"], params["phase_codes"])
            and is_named(row["release_name"], params["release_name"])
        ):
            yield row


def _is_open(entities: Entities, child: Row, params: Params) -> bool:
    """Whether a child is neither in one of the given phases nor done by its metaphase."""
    phase = entities.find(reference(child, "phase"), "phase")
    return (
        not listed(entities.code(child, "phase", "phase"), params["done_phase_codes"])
        and entities.code(phase, "metaphase", "metaphase") != "metaphase.work_item.done"
    )


def descendants_of_items(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 25: roots and all that is below them, tasks of backlog items too."""
    is_backlog = params["tree"] == "work_item"
    types = WORK_ITEMS if is_backlog else REQUIREMENTS if params["tree"] == "requirement" else ()
    below: dict[str | None, list[Row]] = {}
    for item in entities.of(*types):
        below.setdefault(reference(item, "parent"), []).append(item)
    for task in entities.of("task") if is_backlog else ():
        below.setdefault(reference(task, "story"), []).append(task)
    if params["root_ids"] is None:
        roots = [item for item in below.get(None, []) if item["type"] != "task"]
    else:
        roots = [item for item in entities.of(*types) if listed(item["id"], params["root_ids"])]
    for root in roots:
        yield from _walk(entities, params, root, root, [], [], below)


def _walk(
    entities: Entities,
    params: Params,
    root: Row,
    item: Row,
    ids: list[str],
    names: list[str | None],
    below: dict[str | None, list[Row]],
) -> Iterator[Row]:
    ids, names = [*ids, item["id"]], [*names, item.get("name")]
    own_parent = reference(item, "story" if item["type"] == "task" else "parent")
    if params["item_types"] is None or listed(item["type"], params["item_types"]):
        is_planned = item["type"] in WORK_ITEMS
        yield {
            "root_id": root["id"],
            "item_type": item["type"],
            "item_id": item["id"],
            "depth": len(ids) - 1,
            "path": "/".join(ids),
            "path_names": None if None in names else " / ".join(str(name) for name in names),
            "item_name": item.get("name"),
            **_phase(entities, item),
            "parent_id": own_parent,
            **(_release(entities, item) if is_planned else {}),
            **_owner(entities, item),
        }
    if item["type"] == "task" or len(ids) - 1 == params["max_depth"]:
        return
    for child in below.get(item["id"], []):
        if child["type"] == "task" or child["id"] not in ids:
            yield from _walk(entities, params, root, child, ids, names, below)


FLOWS = {
    "my_new_stories": my_new_stories,
    "my_opened_defects_to_test": my_opened_defects_to_test,
    "open_high_severity_defects": open_high_severity_defects,
    "closed_defects_of_failed_runs": closed_defects_of_failed_runs,
    "open_defects_of_passed_runs": closed_defects_of_failed_runs,
    "work_items_without_test_task": work_items_without_test_task,
    "stories_with_completed_tasks": stories_with_completed_tasks,
    "features_with_done_stories": features_with_done_stories,
    "descendants_of_items": descendants_of_items,
}
