"""The parts of the report: pages, their groups of sections, headlines.

Records without behaviour that `report_content` and its helpers fill and the template shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from octane_flows.changes import ChangeList
from octane_flows.reports.draw_pictures import Picture
from octane_flows.reports.report_tables import Shown


@dataclass(frozen=True)
class Section:
    """One question with its answer; `problem` says why there is none."""

    id: str
    slug: str
    title: str
    question: str
    command: str | None = None
    note: str = ""
    table: Shown | None = None
    specifications: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    problem: str | None = None
    diagram: str | None = None
    method: str | None = None  # id of the section that shows how it is computed
    number: int | None = None  # the vendor's number of a documented flow
    is_sideways: bool = False


@dataclass(frozen=True)
class Group:
    """Sections under a common heading; without a title they follow the page's own."""

    id: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Headline:
    """A number of the first screen, the rule beside it, and the section that lists its items."""

    count: int | None  # None: the warehouse cannot tell
    words: str
    rule: str
    target: str


@dataclass(frozen=True)
class Condition:
    """One threshold of a release: in words, its value, and whether it is met (None: unknown)."""

    words: str
    value: str
    is_met: bool | None


@dataclass(frozen=True)
class Readiness:
    """Whether a release is ready by the stated thresholds, and the command that decides it."""

    words: str
    is_ready: bool | None
    conditions: tuple[Condition, ...]
    facts: str
    command: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """One page: its address, its title, the workspace that it is about, and what stands on it."""

    id: str
    title: str
    workspace: str | None
    groups: tuple[Group, ...]
    lead: str = ""
    parent: str | None = None  # id of the page whose part this is: the release page
    headlines: tuple[Headline, ...] = ()
    changes: ChangeList | None = None
    readiness: Readiness | None = None
    links: tuple[tuple[str, str], ...] = ()  # id and title of pages that belong to it
    is_method: bool = False

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections, whatever their group."""
        return tuple(section for group in self.groups for section in group.sections)
