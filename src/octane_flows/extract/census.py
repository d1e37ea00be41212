"""Which rows vanished: counts over closed id ranges against the ids that the lake holds.

Ids held and a workspace in, vanished and unknown ids out; only ranges whose counts differ are
looked into. `verify_vanished` asks for each vanished id again before anybody calls it gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from octane_flows.client import Id, Query, Workspace
from octane_flows.client import field as field_
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR, count_exactly
from octane_flows.errors import AccessError, AnswerError, ExtractError, NotFoundError, RequestError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.options import ALWAYS_MAY_VANISH, Options
from octane_flows.lake.stored_rows import Ids

# One count for so many rows: a row that vanished and one that came into the same range would hide
# each other, so the ranges stay narrow; a million rows cost 20 requests.
RANGE_ROWS = 50_000
MOVED_TO = "moved to "  # begins the reason of a row that is of another type or workspace now
MOVED_TO_WORKSPACE = f"{MOVED_TO}workspace "
IDS_PER_REQUEST = 100  # ids in one query: the address stays far below common limits
MAX_ID = 2**53 - 1  # the highest whole number that every JSON reader keeps


@dataclass
class Findings:
    """What a census found; `server_count` at its start."""

    server_count: int = 0
    vanished: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether the lake holds exactly what the server has."""
        return not self.vanished and not self.unknown


def take_census(
    workspace: Workspace,
    entity: EntityPlan,
    held: Ids,
    pool: ThreadPoolExecutor,
    *,
    page_size: int,
    query: Query | None,
) -> Findings:
    """Compare all ids; `held` rises. Requests follow the ranges that differ."""
    counter = _Counter(workspace, entity, page_size, query)
    found = Findings()
    ranges = list(_ranges(held))
    for count, part in pool.map(lambda one: counter.compare(held, *one), ranges):
        found.server_count += count
        found.vanished += part.vanished
        found.unknown += part.unknown
    return found


def _ranges(held: Ids) -> Iterable[tuple[int, int]]:
    """Closed, adjoining ranges over all possible ids with about RANGE_ROWS held ids each."""
    low = 0
    for place in range(RANGE_ROWS, len(held), RANGE_ROWS):
        edge = int(held[place])
        yield low, edge - 1
        low = edge
    yield low, MAX_ID


class _Counter:
    """Counts and lists of one collection."""

    def __init__(
        self, workspace: Workspace, entity: EntityPlan, page_size: int, query: Query | None
    ) -> None:
        self._workspace = workspace
        self._entity = entity
        self._page_size = page_size
        self._query = query

    def compare(
        self, held: Ids, low: int, high: int, count: int | None = None
    ) -> tuple[int, Findings]:
        """The server's count of a range, and what differs in it."""
        mine = _within(held, low, high)
        if len(mine) <= self._page_size:
            listed = self._listed(low, high)
            if listed is not None:
                return len(listed), _differences(mine, listed)
        if count is None:
            count = count_exactly(self._workspace, self._entity.collection, low, high, self._query)
        if count == len(mine):
            return count, Findings()
        if low >= high:
            raise AnswerError(
                f"Workspace {self._workspace.id}: {self._entity.collection} counts {count} rows "
                f"with id {low}, which cannot be; run the census again."
            )
        middle = _middle(mine, low, high)
        left = count_exactly(self._workspace, self._entity.collection, low, middle, self._query)
        found = Findings()
        for edges, part_count in (((low, middle), left), ((middle + 1, high), count - left)):
            _, part = self.compare(held, *edges, part_count)
            found.vanished += part.vanished
            found.unknown += part.unknown
        return count, found

    def _listed(self, low: int, high: int) -> Ids | None:
        """The ids of a range, when one page holds them all."""
        query = field_("id").between(low, high)
        try:
            page = self._workspace.page(
                self._entity.collection,
                fields=["id"],
                query=query if self._query is None else query & self._query,
                limit=self._page_size,
            )
        except RequestError as error:
            if error.error_code != COUNT_LIMIT_ERROR:
                raise
            return None
        if page.exceeds_total_count or page.total_count > len(page.rows):
            return None
        return np.array([int(row["id"]) for row in page.rows], dtype=np.int64)


def _within(held: Ids, low: int, high: int) -> Ids:
    start, end = np.searchsorted(held, [low, high + 1])
    return held[start:end]


def _middle(mine: Ids, low: int, high: int) -> int:
    """An id that halves the rows held, or the range where none are."""
    middle = int(mine[len(mine) // 2]) if len(mine) else (low + high) // 2
    return min(max(middle, low), high - 1)


def _differences(mine: Ids, listed: Ids) -> Findings:
    return Findings(
        vanished=np.setdiff1d(mine, listed).tolist(),
        unknown=np.setdiff1d(listed, mine).tolist(),
    )


def guard(
    entity: EntityPlan, vanished: int, among: int, options: Options, accepted: Collection[str]
) -> None:
    """Stop when more of the rows looked for vanished at once than a clean-up explains."""
    if vanished <= max(ALWAYS_MAY_VANISH, options.max_vanished * among) or entity.name in accepted:
        return
    raise ExtractError(
        f"Workspace {entity.workspace}: {vanished:,} of the {among:,} rows of {entity.name} that "
        f"were looked for are no longer answered, more than {options.max_vanished:.0%} at once. "
        "Nothing was published, for a role or a filter may have changed; if they were really "
        f"deleted, run it again with --accept-deletions {entity.name}."
    )


def verify_vanished(
    workspace: Workspace,
    entity: EntityPlan,
    ids: Sequence[str],
    pool: ThreadPoolExecutor,
    *,
    others: Sequence[Workspace],
) -> dict[str, str]:
    """The reason of each id that is really not there; ids that are there after all are left out.

    `others` are the other workspaces that are read. Ids are asked for in groups where an answer
    settles them; of the rest each is asked for alone, for only that tells gone from forbidden.
    """
    there = _answered(workspace, entity.collection, ids, pool)
    left = [id for id in ids if id not in there]
    reasons: dict[str, str] = {}
    if entity.family is not None:
        kinds = _answered(workspace, entity.family, left, pool, fields=("id", "subtype"))
        reasons |= {
            id: f"{MOVED_TO}{kind}" for id, kind in kinds.items() if kind not in (None, entity.name)
        }
    alone = [id for id in left if id not in reasons]
    found = dict(
        zip(alone, pool.map(lambda id: _status(workspace, entity, id), alone), strict=True)
    )
    reasons |= {id: reason for id, reason in found.items() if reason is not None}
    for other in others:
        gone = [id for id, reason in reasons.items() if reason == "gone"]
        for id in _answered(other, entity.collection, gone, pool):
            reasons[id] = f"{MOVED_TO_WORKSPACE}{other.id}"
    return {id: reasons[id] for id in ids if id in reasons}


def _answered(
    workspace: Workspace,
    collection: str,
    ids: Sequence[str],
    pool: ThreadPoolExecutor,
    fields: Sequence[str] = ("id",),
) -> dict[str, str | None]:
    """Those of some ids that a collection answers, with their concrete type where it is told."""

    def ask(group: Sequence[str]) -> list[dict[str, Any]]:
        query = field_("id").in_([Id(one) for one in group])
        try:
            page = workspace.page(collection, fields=fields, query=query, limit=len(group))
        except (NotFoundError, AccessError, RequestError):
            return []  # nothing is settled: each is asked for alone
        return page.rows

    groups = [ids[start : start + IDS_PER_REQUEST] for start in range(0, len(ids), IDS_PER_REQUEST)]
    return {
        str(row["id"]): row.get("subtype") or row.get("type")
        for rows in pool.map(ask, groups)
        for row in rows
    }


def _status(workspace: Workspace, entity: EntityPlan, id: str) -> str | None:
    """`gone` or `forbidden`, None for a row that is there."""
    try:
        workspace.entity(entity.collection, id, fields=["id"])
    except NotFoundError:
        return "gone"
    except AccessError:
        return "forbidden"
    return None
