"""Queries that single servers do not take: faults about dialects and slow or failing queries.

In: a query and the faults in force. Out: nothing, or the refusal. Called by reader.py and
history_logs.py before a query is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import sleep

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.refusals import ApiError, bad_query
from octane_simulator.query.query_language import (
    And,
    Compare,
    Cross,
    Literal,
    Node,
    Not,
    Null,
    Or,
    spellings,
)

__all__ = ["SPELLINGS", "check_quirks"]

# What the fault `query_dialect` can take away.
SPELLINGS = (">=", "<=", "!=", ">", "<", "EQ", "LT", "GT", "LE", "GE", "IN", "BTW", "{null}",
             "cross", "^")  # fmt: skip


def check_quirks(faults: Faults, statement: str, tree: Node) -> None:
    """Refuse or delay a query as the faults in force say."""
    without = faults.setting("query_dialect", "without")
    if without is not None:
        missing = set(str(without).split()) & spellings(statement)
        if missing:
            raise bad_query(f"The query has {min(missing)}, which this server does not know")
    leaves = list(_leaves(tree))
    if faults.setting("owner_null_error", "active") and _has_null_owner(leaves):
        raise ApiError(500, "platform.general_error", "An internal error occurred")
    seconds = faults.setting("slow_relations", "seconds")
    if seconds and any(_is_relation(leaf) for leaf in leaves):
        sleep(seconds)


def _leaves(node: Node) -> Iterator[Compare | Cross]:
    if isinstance(node, (And, Or)):
        for part in node.parts:
            yield from _leaves(part)
    elif isinstance(node, Not):
        yield from _leaves(node.part)
    else:
        yield node


def _has_null_owner(leaves: list[Compare | Cross]) -> bool:
    """Whether the query asks for an empty owner and filters by phase."""
    empty_owner = any(
        isinstance(leaf, Cross)
        and leaf.field == "owner"
        and any(isinstance(part, Null) for part in leaf.alternatives)
        for leaf in leaves
    )
    return empty_owner and any(leaf.field == "phase" for leaf in leaves)


def _is_relation(leaf: Compare | Cross) -> bool:
    return isinstance(leaf, Cross) and any(
        not isinstance(part, (Null, Literal)) for part in leaf.alternatives
    )
