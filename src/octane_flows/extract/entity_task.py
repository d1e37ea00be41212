"""What the readings of one extract share, and what is known of an entity type before its own.

`run` makes the context, `every_type` tells what is known; every part of the extract takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from octane_flows.client import Field, Workspace
from octane_flows.extract.extract_journal import Journal
from octane_flows.extract.extract_plan import Plan
from octane_flows.extract.options import Options
from octane_flows.lake import Draft, ReadState
from octane_flows.lake.stored_rows import StoredRows


@dataclass(frozen=True)
class Context:
    """What all entity types of one extract share; `as_of` is the server's time at its start."""

    draft: Draft
    plan: Plan
    workspaces: Mapping[str, Workspace]
    as_of: datetime
    options: Options
    pool: ThreadPoolExecutor
    held: StoredRows
    journal: Journal

    @property
    def cursor(self) -> datetime:
        """Where the next cursor stands."""
        return self.as_of - self.options.settle


@dataclass(frozen=True)
class Known:
    """What the former generation knows of an entity type, and what drift asks for.

    `again`: everything must be read anew; `new_fields` are not in the rows held.
    """

    state: ReadState | None
    rows_held: int | None = None
    new_fields: tuple[Field, ...] = ()
    again: bool = False
