"""The times of the demo's story: items are created over the weeks and move through phases.

In: keys, sprints and final phases out of demo_story. Out: moments (UTC) with phases; the first
moment is the creation. Called by demo_workspace.py only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octane_simulator.datasets.demo_story import Defect

Course = list[tuple[datetime, str]]

SPRINT_DAYS = 28
BEGINS = {
    "spring": datetime(2020, 5, 4, tzinfo=UTC),
    "winter": datetime(2020, 10, 1, tzinfo=UTC),
}
# Stories of the second release are created one after another, so that its scope grows.
_BACKLOG_FROM = datetime(2020, 8, 3, tzinfo=UTC)
_BACKLOG_STEP = timedelta(days=9)
_WAYS = {
    "story": ("inprogress", "intesting", "done"),
    "quality_story": ("inprogress", "done"),
    "feature": ("inprogress", "intesting", "done"),
    "epic": ("inprogress", "done"),
}
# Days from the start of the release to each phase of features and epics.
_LARGE = {"inprogress": 11, "intesting": 80, "done": 140}
# Days after its sprint's end that a story was done.
_LATE = {"gmres_memory": 3}

_DEFECT_WAY = (("opened", 1), ("fixed", 12), ("proposeclose", 15), ("closed", 20))
_ASIDE = ("deferred", "duplicate", "rejected")
# Three defects were reopened and one took long: days after they were found, and the phase.
_SPECIAL = {
    "lost_message": ((1, "opened"), (9, "fixed"), (30, "opened")),
    "wrong_norm": ((1, "opened"), (8, "fixed"), (11, "opened"), (40, "fixed")),
    "closing": ((1, "opened"), (45, "fixed"), (50, "proposeclose")),
    "closed_high": ((1, "opened"), (6, "fixed"), (8, "proposeclose"), (10, "closed"),
                    (30, "opened"), (41, "fixed"), (44, "proposeclose"), (48, "closed")),
}  # fmt: skip


def story_moment(text: str) -> datetime:
    """A moment of the story."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sprint_start(sprint: str) -> datetime:
    """The first day of a sprint by its key, such as winter_2."""
    release, _, number = sprint.partition("_")
    return BEGINS[release] + timedelta(days=SPRINT_DAYS * (int(number) - 1))


def story_course(kind: str, key: str, number: int, sprint: str, phase: str) -> Course:
    """The course of a story; `number` is its position among those of its release."""
    start = sprint_start(sprint)
    if sprint.startswith("spring"):
        created = max(start - timedelta(days=10), BEGINS["spring"] + timedelta(days=1))
    else:
        created = _BACKLOG_FROM + number * _BACKLOG_STEP
    created += timedelta(hours=9 + number % 7)
    days = {"inprogress": 1 + number % 4, "intesting": 11 + number % 5, "done": 17 + number % 9}
    if key in _LATE:
        days["done"] = SPRINT_DAYS + _LATE[key]
    course = [(created, "new")]
    for step in _way(kind, phase):
        planned = start + timedelta(days=days[step], hours=15)
        course.append((max(planned, course[-1][0] + timedelta(days=1)), step))
    return course


def large_course(kind: str, release: str, phase: str) -> Course:
    """The course of a feature or epic, which exists from the first day."""
    begin = BEGINS[release]
    return [
        (BEGINS["spring"] + timedelta(hours=8), "new"),
        *((begin + timedelta(days=_LARGE[step], hours=10), step) for step in _way(kind, phase)),
    ]


def _way(kind: str, phase: str) -> tuple[str, ...]:
    way = _WAYS[kind]
    return way[: way.index(phase) + 1] if phase in way else ()


def defect_course(defect: Defect) -> Course:
    """The course of a defect from the moment when it was found."""
    found_at = story_moment(defect.found_at)
    steps: tuple[tuple[int, str], ...] = ()
    if defect.key in _SPECIAL:
        steps = _SPECIAL[defect.key]
    elif defect.phase in _ASIDE:
        steps = ((1, "opened"), (4, defect.phase))
    elif defect.phase != "new":
        names = [name for name, _ in _DEFECT_WAY]
        way = _DEFECT_WAY[: names.index(defect.phase) + 1]
        steps = tuple((days, name) for name, days in way)
    return [(found_at, "new"), *((found_at + timedelta(days=days), name) for days, name in steps)]
