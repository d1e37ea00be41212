"""How many entities a collection has, also where the server stops counting.

A range of ids in, an exact number out; the extract and its census call it.
"""

from __future__ import annotations

from octane_flows.client.dialect_memory import COUNT_LIMIT_ERROR
from octane_flows.client.query import Query, field
from octane_flows.client.workspace import Workspace
from octane_flows.errors import AnswerError, RequestError

__all__ = ["COUNT_LIMIT_ERROR", "count_exactly"]


def count_exactly(
    workspace: Workspace, collection: str, low: int, high: int, query: Query | None = None
) -> int:
    """Count the ids from low to high, in halves where the server stops counting."""
    window = field("id").between(low, high)
    if query is not None:
        window = window & query
    try:
        page = workspace.page(collection, fields=["id"], query=window, limit=1)
        if not page.exceeds_total_count:
            return page.total_count
    except RequestError as error:
        if error.error_code != COUNT_LIMIT_ERROR:
            raise
    if low >= high:
        raise AnswerError(
            f"Counting {collection} of workspace {workspace.id}: not even id {low} alone can be "
            "counted, so the rows cannot be trusted to be complete; try again."
        )
    middle = (low + high) // 2
    return count_exactly(workspace, collection, low, middle, query) + count_exactly(
        workspace, collection, middle + 1, high, query
    )
