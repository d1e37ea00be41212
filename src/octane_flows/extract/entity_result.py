"""What an extract says that it did: rows and pages by entity type, and what it published.

A manifest and results in, a report out; `run` gives it to the command line and to Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from octane_flows.extract.extract_journal import Result
from octane_flows.lake import Manifest


@dataclass(frozen=True)
class EntityOutcome:
    """One entity type of one workspace: rows and pages read, bytes received, rows written."""

    workspace: str
    entity: str
    rows: int
    links: int
    pages: int
    bytes_received: int
    rows_written: int = 0


@dataclass(frozen=True)
class ExtractReport:
    """What an extract published; `resumed` counts entity types that a stopped one had read."""

    manifest: Manifest
    outcomes: tuple[EntityOutcome, ...]
    resumed: int = 0

    @property
    def rows(self) -> int:
        """Entities read."""
        return sum(one.rows for one in self.outcomes)

    @property
    def rows_written(self) -> int:
        """New versions and tombstones."""
        return sum(one.rows_written for one in self.outcomes)

    @property
    def has_changes(self) -> bool:
        """Whether any data file was written."""
        return any(one.rows_written or one.links for one in self.outcomes)


def outcomes(results: Iterable[Result]) -> tuple[EntityOutcome, ...]:
    """One for each result."""
    return tuple(
        EntityOutcome(
            one.workspace,
            one.entity,
            one.counts.rows_read,
            one.counts.links_written,
            one.counts.pages,
            one.counts.bytes_received,
            one.counts.rows_written,
        )
        for one in results
    )
