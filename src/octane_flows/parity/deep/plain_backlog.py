"""Flows on work items in plain Python: 1, 21 to 23 and 25.

Entities and typed parameters in, rows with the flow's columns out; `FLOWS` names the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from octane_flows.parity.deep.entities_afresh import (
    REQUIREMENTS,
    WORK_ITEMS,
    Entities,
    Row,
    is_named,
    joined,
    listed,
    moment,
    reference,
)
from octane_flows.parity.deep.plain_columns import (
    owner_columns,
    phase_columns,
    release_columns,
    sprint_columns,
)

Params = dict[str, Any]
TASK_OWNERS = ("story", "quality_story", "defect")


def my_new_stories(entities: Entities, params: Params) -> Iterator[Row]:
    """Flow 1: stories that the user owns, in the given phases and release."""
    for story in entities.of("story"):
        row = {
            "story_id": story["id"],
            "story_name": story.get("name"),
            **phase_columns(entities, story),
            **release_columns(entities, story),
            **sprint_columns(entities, story),
            **owner_columns(entities, story),
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
            **release_columns(entities, item),
            **sprint_columns(entities, item),
            "due_at": _due(entities, item),
            **owner_columns(entities, item),
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
        **phase_columns(entities, item),
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
            **release_columns(entities, item),
            **sprint_columns(entities, item),
            "due_at": _due(entities, item),
            **owner_columns(entities, item),
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
            **phase_columns(entities, feature),
            "child_count": len(own),
            "other_child_count": len(below) - len(own),
            "open_other_child_count": len(still_open),
            "open_other_child_names": joined(child.get("name") for child in still_open),
            "last_child_modified_at": _latest(own),
            **release_columns(entities, feature),
            "release_end_at": moment(
                entities.find(reference(feature, "release"), "release"), "end_date"
            ),
            **owner_columns(entities, feature),
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
            **phase_columns(entities, item),
            "parent_id": own_parent,
            **(release_columns(entities, item) if is_planned else {}),
            **owner_columns(entities, item),
        }
    if item["type"] == "task" or len(ids) - 1 == params["max_depth"]:
        return
    for child in below.get(item["id"], []):
        if child["type"] == "task" or child["id"] not in ids:
            yield from _walk(entities, params, root, child, ids, names, below)


FLOWS = {
    "my_new_stories": my_new_stories,
    "work_items_without_test_task": work_items_without_test_task,
    "stories_with_completed_tasks": stories_with_completed_tasks,
    "features_with_done_stories": features_with_done_stories,
    "descendants_of_items": descendants_of_items,
}
