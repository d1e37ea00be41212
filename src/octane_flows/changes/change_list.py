"""The rows of `metric.changes` as records, grouped by the kind of change.

A connection and two moments in, a `ChangeList` out; the texts, the page and letters show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from octane_flows.questions import question_named, run_question

#: Kind of change -> its heading, in the order of a letter.
TITLES: Final = {
    "newly_failing": "Tests that fail now",
    "defect_new": "New defects",
    "defect_reopened": "Defects that were opened again",
    "severity_raised": "Defects of a higher severity",
    "defect_overdue": "Defects that became overdue",
    "coverage_lost": "Items that no test covers any more",
    "newly_flaky": "Tests that became flaky",
    "muted": "Failing tests that are skipped since",
    "gone_stale": "Failing tests without a result for 30 days",
    "still_failing": "Tests that still fail, oldest first",
    "repaired": "Tests that pass again",
    "no_longer_flaky": "Tests that are no longer flaky",
    "defect_closed": "Defects that were closed",
    "release_scope_added": "Came into a release",
    "release_scope_removed": "Left a release",
    "sprint_scope_added": "Came into a sprint",
    "sprint_scope_removed": "Left a sprint",
    "runs_planned": "Runs that were planned",
    "runs_executed": "Runs that were executed",
}
#: Kinds that are news: a list without one of them is no reason for a letter.
NOT_NEWS: Final = frozenset({"still_failing"})


@dataclass(frozen=True)
class Change:
    """One change; times are UTC."""

    workspace_id: str
    code: str
    item_type: str
    item_id: str | None  # None: runs without a release
    part_id: str
    item_name: str | None
    part_name: str | None
    before_code: str | None
    after_code: str | None
    run_count: int | None
    after_run_count: int | None
    since_at: datetime | None
    owner_name: str | None
    module_names: str | None
    item_url: str | None

    @property
    def label(self) -> str:
        """The item's name, or its type and id where it has none."""
        if self.item_name:
            return self.item_name
        if self.item_type == "release" and self.item_id is None:
            return "without a release"
        return f"{self.item_type} {self.item_id}"

    @property
    def key(self) -> tuple[str, str, str | None, str]:
        """What tells the change from all others of the same two moments."""
        return self.workspace_id, self.code, self.item_id, self.part_id


@dataclass(frozen=True)
class ChangeGroup:
    """All changes of one kind."""

    code: str
    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class ChangeList:
    """All changes between two moments (UTC), as the warehouse of `generation` knows them."""

    since: datetime
    until: datetime
    generation: int
    zone: ZoneInfo
    since_text: str
    changes: tuple[Change, ...]
    #: what the warehouse lacks, as sentences; the list may then miss changes
    gaps: tuple[str, ...] = ()
    #: names by id where the list is of several workspaces
    workspace_names: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[ChangeGroup, ...]:
        """The kinds of change that happened, in the order of a letter."""
        return tuple(
            ChangeGroup(code, title, changes)
            for code, title in TITLES.items()
            if (changes := tuple(change for change in self.changes if change.code == code))
        )

    @property
    def has_news(self) -> bool:
        """Whether anything is different."""
        return any(change.code not in NOT_NEWS for change in self.changes)

    def count(self, code: str) -> int:
        """How many changes of a kind there are."""
        return sum(change.code == code for change in self.changes)

    def local(self, moment: datetime | None) -> str:
        """A moment in the site's zone; empty for none."""
        if moment is None:
            return ""
        return f"{moment.replace(tzinfo=UTC).astimezone(self.zone):%Y-%m-%d %H:%M}"

    def duration(self, change: Change) -> str:
        """For how long the change's state has lasted, in days or hours; empty when unknown."""
        if change.since_at is None:
            return ""
        hours = (self.until - change.since_at).total_seconds() / 3600
        return f"{hours / 24:,.0f} days" if hours >= 48 else f"{max(0.0, hours):,.0f} hours"

    @property
    def heading(self) -> str:
        """What the list is about."""
        return f"Changes since {self.since_text}"

    @property
    def period(self) -> str:
        """From when to when, in the site's zone."""
        return f"{self.local(self.since)} to {self.local(self.until)} ({self.zone.key})"

    @property
    def summary(self) -> str:
        """The counts of all groups in a line."""
        parts = [f"{group.title}: {total(group)}" for group in self.groups]
        return "; ".join(parts) if parts else "Nothing changed."


def total(group: ChangeGroup) -> int:
    """The number of a group: of runs their sum, of everything else the changes."""
    counts = [change.run_count for change in group.changes]
    return sum(count if count is not None else 1 for count in counts)


def read_changes(
    connection: duckdb.DuckDBPyConnection,
    since: datetime,
    until: datetime,
    *,
    zone: ZoneInfo,
    since_text: str,
    workspace: str | None = None,
    gaps: Sequence[str] = (),
    workspace_names: Mapping[str, str | None] | None = None,
    answer: pa.Table | None = None,
) -> ChangeList:
    """Ask the warehouse; both moments are UTC without a zone. Raises UsageError.

    `workspace`: the id of the only one; `workspace_names` are given where they are to be shown.
    `answer`: the rows, where they are there already.
    """
    if answer is None:
        answer = run_question(
            connection,
            question_named("metric", "changes"),
            {"since": since, "until": until, "workspace_id": workspace},
        )
    generation = connection.execute("select generation from meta.generation").fetchall()[0][0]
    changes = tuple(
        Change(
            workspace_id=row["workspace_id"],
            code=row["change_code"],
            item_type=row["item_type"],
            item_id=row["item_id"],
            part_id=row["part_id"],
            item_name=row["item_name"],
            part_name=row["part_name"],
            before_code=row["before_code"],
            after_code=row["after_code"],
            run_count=row["run_count"],
            after_run_count=row["after_run_count"],
            since_at=row["since_at"],
            owner_name=row["owner_name"],
            module_names=row["module_names"],
            item_url=row["item_url"],
        )
        for row in answer.to_pylist()
    )
    return ChangeList(
        since, until, generation, zone, since_text, changes, tuple(gaps), workspace_names or {}
    )
