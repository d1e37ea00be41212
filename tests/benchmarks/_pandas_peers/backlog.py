"""Pandas peers of the flows whose rows are work items: 1, 2, 12, 21, 22, 23 and 25.

Frames in, the flow's key and counts out; the package lists them.
"""

from __future__ import annotations

import pandas as pd

from tests.benchmarks._calls import DONE_PHASES, FEATURE_PHASE, ROOT_ID
from tests.benchmarks._pandas_peers.frames import CODED, LINK, NAMED, Frames, Peer


def _my_new_stories(frames: Frames) -> pd.DataFrame:
    stories = frames["story"]
    rows = stories[
        stories["phase_id"].isin(frames.coded("phase", "phase.story.new"))
        & stories["owner_id"].isin(frames.me())
    ]
    return rows.rename(columns={"id": "story_id"})[["story_id"]]


def _my_opened_defects_to_test(frames: Frames) -> pd.DataFrame:
    defects = frames["defect"]
    rows = defects[
        defects["phase_id"].isin(frames.coded("phase", "phase.defect.opened"))
        & defects["qa_owner_id"].isin(frames.me())
    ]
    return rows.rename(columns={"id": "defect_id"})[["defect_id"]]


def _open_high_severity_defects(frames: Frames) -> pd.DataFrame:
    defects = frames["defect"]
    rows = defects[
        defects["phase_id"].isin(frames.coded("phase", "phase.defect.opened"))
        & defects["severity_id"].isin(frames.coded("list_node", "list_node.severity.high"))
    ]
    links = frames["defect__product_areas"].merge(
        rows, left_on="source_id", right_on="id", suffixes=("_of_link", "")
    )
    modules = links.merge(
        frames["product_area"], left_on="target_id", right_on="id", suffixes=("", "_of_module")
    )
    counts = modules.groupby("source_id", as_index=False).agg(
        application_module_count=("target_id", "size")
    )
    return counts.rename(columns={"source_id": "defect_id"})


def _work_items_without_test_task(frames: Frames) -> pd.DataFrame:
    tasks = frames["task"]
    kind = frames.coded("list_node", "list_node.task_item_type.test")
    counts = (
        tasks.assign(is_test=tasks["item_type_id"].isin(kind))
        .groupby("story_id", as_index=False)
        .agg(task_count=("is_test", "size"), has_test=("is_test", "any"))
    )
    rows = frames["story"].merge(counts, left_on="id", right_on="story_id", how="left")
    rows = rows[~rows["has_test"].fillna(False).astype(bool)]
    rows["task_count"] = rows["task_count"].fillna(0)
    return rows.rename(columns={"id": "work_item_id"})[["work_item_id", "task_count"]]


def _stories_with_completed_tasks(frames: Frames) -> pd.DataFrame:
    tasks, stories = frames["task"], frames["story"]
    completed = frames.coded("phase", "phase.task.completed")
    counts = (
        tasks.assign(is_completed=tasks["phase_id"].isin(completed))
        .groupby("story_id", as_index=False)
        .agg(task_count=("is_completed", "size"), are_all=("is_completed", "all"))
    )
    undone = stories[~stories["phase_id"].isin(frames.coded("phase", "phase.story.done"))]
    rows = undone.merge(counts[counts["are_all"]], left_on="id", right_on="story_id")
    return rows.rename(columns={"id": "work_item_id"})[["work_item_id", "task_count"]]


def _features_with_done_stories(frames: Frames) -> pd.DataFrame:
    features, stories = frames["feature"], frames["story"]
    counts = (
        stories.assign(is_done=stories["phase_id"].isin(frames.coded("phase", *DONE_PHASES)))
        .groupby("parent_id", as_index=False)
        .agg(child_count=("is_done", "size"), are_all=("is_done", "all"))
    )
    wanted = features[features["phase_id"].isin(frames.coded("phase", FEATURE_PHASE))]
    rows = wanted.merge(counts[counts["are_all"]], left_on="id", right_on="parent_id")
    return rows.rename(columns={"id": "feature_id"})[["feature_id", "child_count"]]


def _descendants_of_items(frames: Frames) -> pd.DataFrame:
    items, tasks = frames["work_item"], frames["task"]
    level = items[items["id"] == ROOT_ID]
    levels, depth = [], 0
    while len(level):
        levels.append(level.assign(depth=depth))
        depth += 1
        below = tasks[tasks["story_id"].isin(level["id"])]
        levels.append(below.assign(type="task", depth=depth)[["id", "type", "depth"]])
        level = items[items["parent_id"].isin(level["id"])]
    rows = pd.concat(levels).rename(columns={"id": "item_id", "type": "item_type"})
    return rows.assign(root_id=ROOT_ID)[["root_id", "item_type", "item_id", "depth"]]


PEERS = {
    "my_new_stories": Peer(
        {"story": ("id", "phase_id", "owner_id"), "phase": CODED, "workspace_user": NAMED},
        _my_new_stories,
    ),
    "my_opened_defects_to_test": Peer(
        {"defect": ("id", "phase_id", "qa_owner_id"), "phase": CODED, "workspace_user": NAMED},
        _my_opened_defects_to_test,
    ),
    "open_high_severity_defects": Peer(
        {
            "defect": ("id", "phase_id", "severity_id"),
            "defect__product_areas": LINK,
            "product_area": ("id",),
            "phase": CODED,
            "list_node": CODED,
        },
        _open_high_severity_defects,
    ),
    "work_items_without_test_task": Peer(
        {"story": ("id",), "task": ("story_id", "item_type_id"), "list_node": CODED},
        _work_items_without_test_task,
    ),
    "stories_with_completed_tasks": Peer(
        {"story": ("id", "phase_id"), "task": ("story_id", "phase_id"), "phase": CODED},
        _stories_with_completed_tasks,
    ),
    "features_with_done_stories": Peer(
        {"feature": ("id", "phase_id"), "story": ("parent_id", "phase_id"), "phase": CODED},
        _features_with_done_stories,
    ),
    "descendants_of_items": Peer(
        {"work_item": ("id", "type", "parent_id"), "task": ("id", "story_id")},
        _descendants_of_items,
    ),
}
