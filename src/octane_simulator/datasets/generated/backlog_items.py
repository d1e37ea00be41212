"""Epics, features, stories, defects, tasks and requirements of a generated workspace.

In: a World with its plan. Out: work items in every phase, owned by anybody or nobody, with tasks
that are done, mixed or missing.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime, timedelta

from octane_simulator.datasets.dataset_references import node_of, phase_of
from octane_simulator.datasets.generated.generated_world import Ref, Row, World
from octane_simulator.store.simulated_clock import iso

__all__ = ["add"]

_PHASES = {
    "epic": ("new", "inprogress", "intesting", "done"),
    "feature": ("new", "inprogress", "intesting", "intesting", "done"),
    "story": ("new", "inprogress", "intesting", "done", "done"),
    "quality_story": ("new", "inprogress", "done"),
    "defect": ("new", "opened", "opened", "fixed", "proposeclose", "closed", "closed", "deferred",
               "duplicate", "rejected"),
}  # fmt: skip
_LAST = {"story": "done", "quality_story": "done", "defect": "closed"}
_DONE = frozenset({"done", "closed", "duplicate", "rejected"})
_SEVERITIES = ("low", "medium", "high", "very_high", "urgent")
_TASK_TYPES = ("develop", "test", "document", "research")
_VERBS = ("Show", "Store", "Send", "Check", "Import", "Sort", "Translate", "Print")
_THINGS = ("invoice", "e-mail", "user's picture", "„quoted“ name", "date & time", "100% total")


def add(world: World) -> None:
    """Fill features, stories, defects, requirements and tasks."""
    dice = world.dice("backlog")
    epics = world.add(
        "epic",
        [
            _item(world, dice, "epic", world.root["work_item_root"], 0)
            for _ in range(2 * world.scale)
        ],
    )
    root = world.root["work_item_root"]
    features = [
        _item(world, dice, "feature", world.maybe(dice, 0.9, epics) or root, number)
        for number in range(6 * world.scale)
    ]
    world.features = world.add("feature", features)
    # Of the features in testing, about half have nothing left to do.
    finished = {
        ref["id"]
        for ref, row in zip(world.features, features, strict=True)
        if row["phase"]["id"].endswith(".intesting") and dice.random() < 0.5
    }
    for kind, count in (("story", 20), ("quality_story", 4), ("defect", 24)):
        rows = [
            _item(
                world, dice, kind, world.maybe(dice, 0.85, world.features) or root, number, finished
            )
            for number in range(count * world.scale)
        ]
        items = world.add(kind, rows)
        (world.defects if kind == "defect" else world.stories).extend(items)
        _tasks(world, items, rows)
    _requirements(world)


def _item(
    world: World,
    dice: random.Random,
    kind: str,
    parent: Ref,
    number: int,
    finished: Collection[str] = (),
) -> Row:
    release = dice.choice(world.releases)
    created_at = world.moment(dice, release.start, release.end)
    word = _LAST[kind] if parent["id"] in finished else dice.choice(_PHASES[kind])
    row: Row = {
        "name": f"{dice.choice(_VERBS)} the {dice.choice(_THINGS)} ({kind} {number})",
        "parent": parent,
        "phase": phase_of(kind, word),
        "owner": world.owner(dice),
        "description": f"<html><body><p>Made up: {kind} {number}.</p></body></html>",
        "user_tags": world.some(dice, 2, world.tags),
        **world.stamps(created_at, created_at + timedelta(days=dice.randint(0, 60))),
    }
    if kind != "epic":
        row["release"] = release.ref if dice.random() < 0.85 else None
        row["product_areas"] = world.some(dice, 2, world.areas)
        row["team"] = world.maybe(dice, 0.7, world.teams)
        row["story_points"] = dice.choice((None, 1, 2, 3, 5, 8))
    if kind in {"story", "quality_story", "defect"} and row["release"]:
        row["sprint"] = release.sprint_at(created_at) if dice.random() < 0.8 else None
    if word in _DONE:
        row["closed_on"] = row["last_modified"]
    if kind == "defect":
        _defect(world, dice, row, created_at, word)
    return row


def _defect(world: World, dice: random.Random, row: Row, created_at: datetime, word: str) -> None:
    row |= {
        "severity": node_of("severity", dice.choice(_SEVERITIES)) if dice.random() < 0.9 else None,
        "priority": node_of("priority", dice.choice(_SEVERITIES)) if dice.random() < 0.8 else None,
        "qa_owner": world.owner(dice),
        "detected_by": dice.choice(world.users),
        "detected_in_release": _detected_in(world, row, created_at),
        "blocked": dice.random() < 0.1,
    }
    if word in {"fixed", "proposeclose", "closed"}:
        row["fixed_on"] = iso(min(created_at + timedelta(days=1), world.end))


def _detected_in(world: World, row: Row, created_at: datetime) -> Ref | None:
    """The release of the defect; for one of four the last one that ended before: it escaped."""
    ended = [release for release in world.releases if release.end < created_at]
    if ended and created_at.minute % 4 == 0:
        return max(ended, key=lambda release: release.end).ref
    planned: Ref | None = row["release"]
    return planned


def _tasks(world: World, owners: list[Ref], rows: list[Row]) -> None:
    """None, some open, or all completed: each about a third."""
    dice = world.dice(f"tasks {owners[0]['type']}" if owners else "tasks")
    tasks = []
    for owner, row in zip(owners, rows, strict=True):
        how = dice.randrange(3)
        for kind in dice.sample(_TASK_TYPES, dice.randint(1, 3)) if how else ():
            word = "completed" if how == 2 else dice.choice(("new", "inprogress", "completed"))
            tasks.append(
                {
                    "name": f"{kind.title()} for {row['name']}"[:255],
                    "story": owner,
                    "phase": phase_of("task", word),
                    "owner": world.owner(dice),
                    "item_type": node_of("task_item_type", kind) if dice.random() < 0.9 else None,
                    "estimated_hours": dice.randint(1, 16),
                    "remaining_hours": 0 if word == "completed" else dice.randint(1, 8),
                    "creation_time": row["creation_time"],
                    "last_modified": row["last_modified"],
                }
            )
    world.tasks += world.add("task", tasks)


def _requirements(world: World) -> None:
    dice = world.dice("requirements")
    folders = world.add(
        "requirement_folder",
        [{"name": f"Folder {n}", "parent": world.root["requirement_root"],
          **world.stamps(world.start)} for n in range(2)],
    )  # fmt: skip
    words = ("draft", "inreview", "accepted", "approved", "deferred", "rejected")
    world.requirements = world.add(
        "requirement_document",
        [
            {
                "name": f"Requirement {number}",
                "parent": dice.choice(folders),
                "phase": phase_of("requirement_document", dice.choice(words)),
                "owner": world.owner(dice),
                "features": world.some(dice, 2, world.features),
                "release": [dice.choice(world.releases).ref],
                **world.stamps(world.moment(dice)),
            }
            for number in range(5 * world.scale)
        ],
    )
