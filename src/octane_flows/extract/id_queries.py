"""Rows that are requested by their ids: groups that fit into an address, and what may come back.

Ids come in, queries go out. `deletions`, `deletion_reasons`, `link_owners` and `server_restores`
ask by them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from octane_flows.client import Id, Query, field
from octane_flows.errors import AnswerError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage

IDS_PER_REQUEST = 100  # ids in one query: the address stays far below common limits


def id_groups(ids: Sequence[str], size: int = IDS_PER_REQUEST) -> list[Sequence[str]]:
    """Ids in groups that fit into one request each."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def require_requested(plan: EntityPlan, page: DecodedPage, ids: Collection[str]) -> None:
    """Raise AnswerError when a page has rows of other ids than those in its query."""
    others = [id for id in page.ids.to_pylist() if id not in ids]
    if others:
        raise AnswerError(
            f"Workspace {plan.workspace}: the collection {plan.collection} gave id {others[0]}, "
            "which was not requested, so its rows cannot be trusted. Nothing was published; run it "
            "again, and ask the administrator about proxies in between."
        )


def id_query(ids: Iterable[str]) -> Query:
    """The rows with some ids."""
    return field("id").in_([Id(id) for id in ids])
