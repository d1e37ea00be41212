"""References to rows that every workspace has: list nodes and phases.

In: the parts of a logical name. Out: references as JSON objects. Called by all datasets.
"""

from __future__ import annotations

__all__ = ["Ref", "node_of", "phase_of"]

Ref = dict[str, str]


def node_of(root: str, word: str) -> Ref:
    """A list node by its root and the last word of its name."""
    return {"type": "list_node", "id": f"list_node.{root}.{word}"}


def phase_of(entity: str, word: str) -> Ref:
    """A phase by its entity type and the last word of its name."""
    return {"type": "phase", "id": f"phase.{entity}.{word}"}
