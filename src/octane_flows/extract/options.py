"""What the caller of an extract may choose, with the reason for each default.

Settings and command-line options in; every part of the extract reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from octane_flows.config import (
    DEFAULT_MAX_VANISHED,
    DEFAULT_OVERLAP_MIN,
    DEFAULT_SETTLE_MIN,
    DEFAULT_SWEEP_SHARE,
)

# A share means nothing for few rows: so many may always vanish.
ALWAYS_MAY_VANISH = 20
# Threads beside those that wait for answers: at 50 ms latency 1.45 times the records a second.
DEFAULT_DECODING = 2


@dataclass(frozen=True)
class Options:
    """How to read; `only` and `skip` name entity types, times are in UTC.

    Rows that are committed late carry an earlier `last_modified` than rows that were read before
    them: `overlap` reads that far back again. The cursor stays `settle` behind the server's clock,
    for rows of this very minute may not be visible on all nodes of a clustered server.
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
    sweep: bool = False
    sweep_share: float = DEFAULT_SWEEP_SHARE
    overlap: timedelta = timedelta(minutes=DEFAULT_OVERLAP_MIN)
    settle: timedelta = timedelta(minutes=DEFAULT_SETTLE_MIN)
    max_vanished: float = DEFAULT_MAX_VANISHED
    accept_deletions: Sequence[str] = ()
    accept_retyped: Sequence[str] = ()
    wait_s: float = 0.0
    scripts: bool = False

    @property
    def threads(self) -> int:
        """Threads of an extract: some decode pages while the others wait for answers.

        The client's gate keeps the requests under way at `concurrency`.
        """
        return self.concurrency + self.decoding

    def fingerprint(self) -> str:
        """What a resumed extract must have in common with the one that was stopped."""
        return repr((self.full, self.since, self.until, self.census, self.sweep, self.sweep_share))
