"""Why a row is no longer answered: it was deleted, is forbidden, or moved elsewhere.

Ids that the server did not answer come in, the reason of each one goes out; `deletions` writes them
into tombstones. More of them than a clean-up explains stop the extract.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from octane_flows.client import Workspace
from octane_flows.errors import AccessError, ExtractError, NotFoundError, RequestError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.id_queries import id_groups, id_query
from octane_flows.extract.options import ALWAYS_ACCEPTED_DELETIONS, Options

DELETED = "deleted"
FORBIDDEN = "forbidden"
MOVED_TO = "moved to "  # an entity type
MOVED_TO_WORKSPACE = f"{MOVED_TO}workspace "


def require_plausible(entity: EntityPlan, unanswered: int, among: int, options: Options) -> None:
    """Raise ExtractError when more rows are not answered at once than a clean-up explains."""
    accepted = max(ALWAYS_ACCEPTED_DELETIONS, options.max_deleted_share * among)
    if unanswered <= accepted or entity.name in options.accept_deletions:
        return
    raise ExtractError(
        f"Workspace {entity.workspace}: {unanswered:,} of the {among:,} rows of {entity.name} that "
        f"were looked for are no longer answered, more than {options.max_deleted_share:.0%} at "
        "once. Nothing was published, because a role or a filter may have changed; if they were "
        f"really deleted, run it again with --accept-deletions {entity.name}."
    )


def deletion_reasons(
    workspace: Workspace,
    entity: EntityPlan,
    ids: Sequence[str],
    pool: ThreadPoolExecutor,
    *,
    others: Sequence[Workspace],
) -> dict[str, str]:
    """The reason of each id that is really not there; ids that are there after all are left out.

    `others` are the other workspaces that are read. Ids are requested in groups first. Those that
    are not answered are requested one by one, because only that tells deleted from forbidden.
    """
    answered = _answered(workspace, entity.collection, ids, pool)
    left = [id for id in ids if id not in answered]
    reasons: dict[str, str] = {}
    if entity.family is not None:
        kinds = _answered(workspace, entity.family, left, pool, fields=("id", "subtype"))
        reasons |= {
            id: f"{MOVED_TO}{kind}" for id, kind in kinds.items() if kind not in (None, entity.name)
        }
    single = [id for id in left if id not in reasons]
    statuses = pool.map(lambda id: _status(workspace, entity, id), single)
    reasons |= {
        id: status for id, status in zip(single, statuses, strict=True) if status is not None
    }
    for other in others:
        deleted = [id for id, reason in reasons.items() if reason == DELETED]
        for id in _answered(other, entity.collection, deleted, pool):
            reasons[id] = f"{MOVED_TO_WORKSPACE}{other.id}"
    return {id: reasons[id] for id in ids if id in reasons}


def _answered(
    workspace: Workspace,
    collection: str,
    ids: Sequence[str],
    pool: ThreadPoolExecutor,
    fields: Sequence[str] = ("id",),
) -> dict[str, str | None]:
    """Those ids that a collection answers, with their concrete type where it says one."""

    def request(group: Sequence[str]) -> list[dict[str, Any]]:
        try:
            page = workspace.page(
                collection, fields=fields, query=id_query(group), limit=len(group)
            )
        except (NotFoundError, AccessError, RequestError):
            return []  # nothing is settled: each id is requested alone
        return page.rows

    return {
        str(row["id"]): row.get("subtype") or row.get("type")
        for rows in pool.map(request, id_groups(ids))
        for row in rows
    }


def _status(workspace: Workspace, entity: EntityPlan, id: str) -> str | None:
    """`deleted` or `forbidden`, None for a row that is there."""
    try:
        workspace.entity(entity.collection, id, fields=["id"])
    except NotFoundError:
        return DELETED
    except AccessError:
        return FORBIDDEN
    return None
