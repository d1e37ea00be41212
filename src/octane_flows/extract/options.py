"""What the caller of an extract may choose, with the reason for each default.

Settings and command-line options come in; every part of the extract reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from octane_flows.config import (
    DEFAULT_MAX_DELETED_SHARE,
    DEFAULT_MAX_REJECTED_SHARE,
    DEFAULT_OVERLAP_MIN,
    DEFAULT_SETTLE_MIN,
    DEFAULT_SWEEP_SHARE,
)

# A share of few rows says little, so this many deletions are always accepted.
ALWAYS_ACCEPTED_DELETIONS = 20
# Threads that decode pages while others wait for answers: at 50 ms latency 1.45 times the records
# a second.
DEFAULT_DECODING = 2

#: Called with (what is being read, entity types done, entity types in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """How to read; `only` and `skip` name entity types, times are in UTC.

    Rows that are committed late carry an earlier `last_modified` than rows that were read before
    them, so a refresh reads `overlap` further back. The cursor stays `settle` behind the server's
    clock, because the newest rows may not be visible yet on all nodes of a clustered server.
    With `counts` the
    server's count of a type is asked for, and a census follows where it differs from the lake's.
    `max_deleted_share` is the share of an entity type that may be deleted at once, and
    `max_rejected_share` the share that may have values in one field that do not fit. `history`
    names the entity types whose change history is read; an aggregate stands for its subtypes.
    """

    page_size: int
    concurrency: int
    decoding: int = DEFAULT_DECODING
    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    full: bool = False
    since: datetime | None = None
    until: datetime | None = None
    census: bool = False
    counts: bool = False
    sweep: bool = False
    sweep_share: float = DEFAULT_SWEEP_SHARE
    overlap: timedelta = timedelta(minutes=DEFAULT_OVERLAP_MIN)
    settle: timedelta = timedelta(minutes=DEFAULT_SETTLE_MIN)
    max_deleted_share: float = DEFAULT_MAX_DELETED_SHARE
    max_rejected_share: float = DEFAULT_MAX_REJECTED_SHARE
    accept_deletions: Sequence[str] = ()
    accept_retyped: Sequence[str] = ()
    wait_s: float = 0.0
    scripts: bool = False
    history: Sequence[str] = ()

    @property
    def threads(self) -> int:
        """Threads of an extract: some decode pages while the others wait for answers.

        The client keeps the number of requests in flight at `concurrency`.
        """
        return self.concurrency + self.decoding

    def fingerprint(self) -> str:
        """What a resumed extract must have in common with the one that was stopped."""
        return repr((self.full, self.since, self.until, self.census, self.sweep, self.sweep_share))
