"""Metrics on the course of work in plain Python, over lists of the saves that made it.

Random saves of work items on a simulated server, recorded as they are made, and typed parameters
in; rows by the words of docs/metrics.md out. Nothing is read from the server or the warehouse.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from octane_flows.parity.deep.entities_afresh import is_named, listed
from octane_simulator import Simulator
from tests.property.plain_metrics import days_between, quantile, rounded
from tests.recorded_items import Recorded, RecordedItems

Params = dict[str, Any]
Row = dict[str, Any]
NEW, IN_PROGRESS, IN_TESTING, DONE = "new", "in progress", "in testing", "done"
#: Phases of the server, with the metaphase that each belongs to; an item begins in the first one.
PHASES = {
    "defect": {
        "new": NEW,
        "opened": IN_PROGRESS,
        "fixed": IN_TESTING,
        "closed": DONE,
        "rejected": DONE,
    },
    "story": {"new": NEW, "inprogress": IN_PROGRESS, "intesting": IN_TESTING, "done": DONE},
}


@dataclass(frozen=True)
class Release:
    """A release with its first and its last moment."""

    id: str
    name: str
    start: datetime
    end: datetime


class Course:
    """Some months of work: items that move on and back, between releases, and are estimated."""

    def __init__(self, simulator: Simulator, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = simulator.clock
        self.recorded = RecordedItems(simulator)
        self.begin = self.recorded.now()
        self.releases = [self._release(number) for number in range(3)]
        for _ in range(150):
            self._save()
            seconds = self.dice.choice([0, 0, 1, 900, 40_000, 200_000, 400_000])
            self.clock.advance(timedelta(seconds=seconds))
            if self.dice.random() < 0.1:  # a day begins
                midnight = _midnight(self.recorded.now().date() + timedelta(days=1))
                self.clock.advance(midnight - self.recorded.now())

    @property
    def items(self) -> list[Recorded]:
        """All items, those that are gone as well."""
        return self.recorded.items

    def moments(self) -> list[datetime]:
        """When something was saved."""
        return sorted(
            {at for item in self.items for saves in item.values.values() for at, _ in saves}
        )

    def name(self, release_id: str | None) -> str | None:
        """The name of a release."""
        return next((it.name for it in self.releases if it.id == release_id), None)

    def _release(self, number: int) -> Release:
        start = self.begin + timedelta(days=20 * number, hours=7 * number)
        end = start + timedelta(days=self.dice.choice([12, 30]), hours=3)
        name = f"2.{number} release"
        values = {
            "start_date": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
        id = self.recorded.store.insert("release", {"name": name, **values})
        return Release(id, name, start, end)

    def _save(self) -> None:
        living = self.recorded.living()
        if len(living) < 4 or self.dice.random() < 0.2:
            kind = self.dice.choice(["defect", "story", "story"])
            phase = self.dice.choice([*PHASES[kind]][:1] * 3 + [*PHASES[kind]])
            self.recorded.create(
                kind,
                phase=f"phase.{kind}.{phase}",
                release=self.dice.choice([None, *(release.id for release in self.releases)]),
                story_points=self.dice.choice([None, 1, 3, 8]) if kind == "story" else None,
                closed_on=self._closing(kind, phase),
            )
            return
        item = self.dice.choice(living)
        match self.dice.choices(["move", "replan", "estimate", "delete"], [12, 4, 2, 1])[0]:
            case "move":
                phase = self.dice.choice([*PHASES[item.entity]])
                self.recorded.change(
                    item,
                    phase=f"phase.{item.entity}.{phase}",
                    closed_on=self._closing(item.entity, phase),
                )
            case "replan":
                ids = [None, *(release.id for release in self.releases)]
                self.recorded.change(item, release=self.dice.choice(ids))
            case "estimate" if item.entity == "story":
                self.recorded.change(item, story_points=self.dice.choice([None, 2, 5, 13]))
            case "delete":
                self.recorded.delete(item)

    def _closing(self, kind: str, phase: str) -> str | None:
        """The date of a closing, which importers set, too: some are before the work began."""
        if PHASES[kind][phase] != DONE:
            return None
        early = timedelta(days=self.dice.choice([0, 0, 0, 0, 1, 30]))
        return f"{self.recorded.now() - early:%Y-%m-%dT%H:%M:%SZ}"


def metaphase(item: Recorded, phase: str | None) -> str | None:
    """What the phase of an item means."""
    return None if phase is None else PHASES[item.entity][phase.rpartition(".")[2]]


def is_there(item: Recorded, moment: datetime | None = None) -> bool:
    """Whether an item was there at a moment, or is there at the end."""
    return item.deleted_at is None if moment is None else item.is_there(moment)


def newest(item: Recorded, field: str) -> Any:
    """The value that a field has at the end."""
    saves = item.values.get(field, [])
    return saves[-1][1] if saves else None


def reopened_defects(course: Course, params: Params) -> Iterator[Row]:
    for item in course.items:
        if item.entity != "defect" or not is_there(item):
            continue
        stays = item.stays()
        reopens = [
            begin
            for (before, _, _), (phase, begin, _) in pairwise(stays)
            if metaphase(item, before) in (IN_TESTING, DONE)
            and metaphase(item, phase) in (NEW, IN_PROGRESS)
        ]
        if len(reopens) >= params["reopens"]:
            yield {
                "defect_id": item.id,
                "reopen_count": len(reopens),
                "is_count_exact": True,
                "last_reopened_at": reopens[-1] if reopens else None,
                "phase_code": newest(item, "phase"),
            }


def cycle_times(course: Course, params: Params) -> Iterator[Row]:
    as_of, days = params["as_of"], params["days"]
    groups: dict[tuple[str, str | None], list[tuple[float | None, bool]]] = defaultdict(list)
    for item in course.items:
        text = newest(item, "closed_on")
        if not is_there(item) or text is None or not listed(item.entity, params["work_item_types"]):
            continue
        closed = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        if closed > as_of or (days is not None and closed <= as_of - timedelta(days=days)):
            continue
        start = next((at for phase, at, _ in item.stays() if metaphase(item, phase) != NEW), None)
        is_misdated = closed < item.created_at or (
            start is not None and days_between(closed, start) > params["vague_days"]
        )
        cycle = None if start is None else days_between(min(start, closed), closed)
        groups[item.entity, newest(item, "release")].append((cycle, is_misdated))
    for (kind, release), judged in groups.items():
        measured = [cycle for cycle, is_bad in judged if cycle is not None and not is_bad]
        misdated = sum(is_bad for _, is_bad in judged)
        yield {
            "work_item_type": kind,
            "release_id": release,
            "release_name": course.name(release),
            "closed_count": len(judged),
            "measured_count": len(measured),
            "exact_count": len(measured),
            "vague_count": len(judged) - len(measured) - misdated,
            "misdated_count": misdated,
            "median_cycle_days": rounded(quantile(measured, 0.5)),
            "p85_cycle_days": rounded(quantile(measured, 0.85)),
            "longest_cycle_days": rounded(max(measured, default=None)),
            "is_small_sample": len(measured) < params["small_sample"],
        }


def time_in_phase(course: Course, params: Params) -> Iterator[Row]:
    as_of, days = params["as_of"], params["days"]
    groups: dict[tuple[str, str], list[tuple[Recorded, datetime, datetime | None, bool]]]
    groups = defaultdict(list)
    for item in course.items:
        release = course.name(newest(item, "release")) if is_there(item) else None
        if not listed(item.entity, params["work_item_types"]) or not is_named(
            release, params["release_name"]
        ):
            continue
        stays_of_item = item.stays()
        for number, (phase, begin, end) in enumerate(stays_of_item, 1):
            # a move and the deletion may share a second; only the last stay ends by the deletion
            is_last_of_deleted = number == len(stays_of_item) and item.deleted_at is not None
            is_old = days is not None and end and end <= as_of - timedelta(days=days)
            if begin <= as_of and not is_old and phase is not None:
                groups[item.entity, phase].append((item, begin, end, is_last_of_deleted))
    for (kind, phase), stays in groups.items():
        measured = [
            days_between(begin, end)
            for _, begin, end, by_deletion in stays
            if end and end <= as_of and not by_deletion
        ]
        ages = [
            days_between(begin, as_of) for _, begin, end, _ in stays if end is None or end > as_of
        ]
        yield {
            "work_item_type": kind,
            "phase_id": phase,
            "item_count": len({item.id for item, _, _, _ in stays}),
            "stay_count": len(stays),
            "measured_stay_count": len(measured),
            "exact_stay_count": len(measured),
            "vague_stay_count": 0,
            "misdated_stay_count": 0,
            "still_in_it_count": len(ages),
            "median_days": rounded(quantile(measured, 0.5)),
            "p90_days": rounded(quantile(measured, 0.9)),
            "mean_days": rounded(sum(measured) / len(measured)) if measured else None,
            "median_age_days": rounded(quantile(ages, 0.5)),
            "is_small_sample": len(measured) < params["small_sample"],
        }


def burn_up(course: Course, params: Params) -> Iterator[Row]:
    as_of = params["as_of"]
    for release in course.releases:
        day = release.start.date()
        while is_named(release.name, params["release_name"]) and _midnight(day) <= min(
            release.end, as_of
        ):
            last = min(_midnight(day) + timedelta(days=1, seconds=-1), as_of)
            scope = [
                item
                for item in course.items
                if listed(item.entity, params["work_item_types"])
                and item.is_there(last)
                and item.value_at("release", last) == release.id
            ]
            done = [item for item in scope if metaphase(item, item.value_at("phase", last)) == DONE]
            yield {
                "release_id": release.id,
                "day_date": day,
                "release_name": release.name,
                "item_count": len(scope),
                "done_item_count": len(done),
                "story_point_count": _points(scope, last),
                "done_story_point_count": _points(done, last),
                "inexact_item_count": 0,
            }
            day += timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time())


def _points(items: Sequence[Recorded], moment: datetime) -> int:
    return sum(item.value_at("story_points", moment) or 0 for item in items)


METRICS: dict[str, Callable[[Course, Params], Iterator[Row]]] = {
    "burn_up": burn_up,
    "cycle_times": cycle_times,
    "reopened_defects": reopened_defects,
    "time_in_phase": time_in_phase,
}
