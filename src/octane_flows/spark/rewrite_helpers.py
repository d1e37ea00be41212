"""What the rewrites share: a change at every node of a tree, and short ways to write Spark's SQL.

Nothing of ours in; helpers out, which the modules of rewrites call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from sqlglot import exp

Rewrite = Callable[[exp.Expr, str], exp.Expr]

DOUBLE = exp.DataType.build("double")


def each(change: Callable[[exp.Expr, str], exp.Expr]) -> Rewrite:
    """Apply a change to every node, inner ones first."""

    @wraps(change)
    def rewrite(tree: exp.Expr, model: str) -> exp.Expr:
        for node in list(tree.walk())[::-1]:
            changed = change(node, model)
            if changed is not node:
                if node is tree:
                    tree = changed
                else:
                    node.replace(changed)
        return tree

    return rewrite


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a Spark function."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def number(value: float) -> exp.Expr:
    """A number as a literal."""
    return exp.Literal.number(value)
