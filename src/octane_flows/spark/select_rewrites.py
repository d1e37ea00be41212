"""Whole selects that Spark writes in another way: unions by name, recursion, lists as rows.

A tree of DuckDB's meaning and the model's name in, the same tree changed out; see `rewrites`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from octane_flows.spark.rewrite_helpers import call, number
from octane_flows.spark.supported_constructs import refusal


def union_by_name(tree: exp.Expr, model: str) -> exp.Expr:
    """`union all by name` with every column in every branch, null where a branch lacks it."""
    for union in [node for node in tree.find_all(exp.Union) if node.args.get("by_name")]:
        branches = [(branch, _written_out(branch, tree, model)) for branch in _branches(union)]
        names = list(
            dict.fromkeys(column.alias_or_name for _, columns in branches for column in columns)
        )
        for branch, columns in branches:
            own = {column.alias_or_name: column for column in columns}
            lacked = {name: exp.alias_(exp.null(), name) for name in names if name not in own}
            branch.set("expressions", [{**own, **lacked}[name].copy() for name in names])
        for part in union.find_all(exp.Union):
            part.set("by_name", False)
    return tree


def not_materialized(node: exp.Expr, _: str) -> exp.Expr:
    """Whether a common table is computed once is a hint to DuckDB; Spark has no word for it."""
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
    return node


def _branches(union: exp.Expr) -> Iterator[exp.Select]:
    for side in (union.this, union.expression):
        if isinstance(side, exp.Union):
            yield from _branches(side)
        elif isinstance(side, exp.Select):
            yield side


def _written_out(select: exp.Select, tree: exp.Expr, model: str) -> list[exp.Expr]:
    """The columns of a select with those of a common table in the place of its `*`."""
    columns: list[exp.Expr] = []
    for expression in select.expressions:
        if not expression.is_star:
            columns.append(expression)
            continue
        owner = expression.table if isinstance(expression, exp.Column) else ""
        sources = {
            table.alias_or_name: table.name
            for table in select.find_all(exp.Table)
            if table.parent_select is select and not table.db
        }
        common = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == sources.get(owner)]
        if len(common) != 1:
            raise refusal(
                model, f"union by name of {expression.sql('duckdb')}", "its columns are unknown"
            )
        source = common[0]
        while isinstance(source, exp.Union):
            source = source.this
        names = [column.alias_or_name for column in _written_out(source, tree, model)]
        columns += [exp.column(name, table=owner) for name in names]
    return columns


def distinct_recursion(tree: exp.Expr, model: str) -> exp.Expr:
    """Recursion by `union`: Spark has only `union all`, so each row carries the rows it came by."""
    for cte in list(tree.find_all(exp.CTE)):
        union = cte.this
        if not (isinstance(union, exp.Union) and union.args.get("distinct")):
            continue
        first, then = union.this, union.expression
        own = [
            expression
            for expression in then.find_all(exp.Table)
            if expression.name == cte.alias and not expression.db
        ]
        if not own:
            continue
        if len(own) != 1 or not isinstance(first, exp.Select) or not isinstance(then, exp.Select):
            raise refusal(model, "a recursion that reads itself more than once")
        names = [expression.alias_or_name for expression in first.expressions]
        paths, alias = f"{cte.alias}_paths", own[0].alias_or_name
        seen = exp.column("seen_rows", table=alias)

        def row(select: exp.Select, names: list[str] = names) -> exp.Expr:
            parts: list[exp.Expr] = []
            for name, expression in zip(names, select.expressions, strict=True):
                parts += [exp.Literal.string(name), expression.unalias()]
            return call("named_struct", *parts)

        now = row(then)
        first.select(exp.alias_(call("array", row(first)), "seen_rows"), copy=False)
        then.select(exp.alias_(call("array_append", seen, now), "seen_rows"), copy=False)
        then.where(exp.Not(this=call("array_contains", seen, now)), copy=False)
        own[0].replace(exp.alias_(exp.to_table(paths), alias, table=True))
        union.set("distinct", False)
        outer = exp.select(*names).distinct().from_(paths)
        unnested = exp.CTE(this=outer, alias=exp.TableAlias(this=exp.to_identifier(cte.alias)))
        cte.set("alias", exp.TableAlias(this=exp.to_identifier(paths)))
        owner = cte.find_ancestor(exp.With)
        if owner is not None:
            ctes = owner.expressions
            ctes.insert(ctes.index(cte) + 1, unnested)
            owner.set("expressions", ctes)
    return tree


def unnest(tree: exp.Expr, model: str) -> exp.Expr:
    """`unnest` among the columns becomes a lateral view; a subscript beside it, its position."""
    for select in list(tree.find_all(exp.Select)):
        lists: list[exp.Expr] = []
        replacements: list[tuple[exp.Expr, exp.Expr]] = []
        for column in select.expressions:
            for node in column.find_all(exp.Explode, exp.Anonymous):
                if isinstance(node, exp.Explode):
                    lists.append(node.this)
                    replacements.append((node, exp.column("item", table="unnested")))
                elif node.name.lower() == "generate_subscripts":
                    lists.append(node.expressions[0])
                    place = exp.column("place", table="unnested")
                    replacements.append((node, exp.Add(this=place, expression=number(1))))
        if not replacements:
            continue
        if any(expression != lists[0] for expression in lists):
            raise refusal(model, "unnest() of two lists at once")
        lateral = exp.Lateral(
            this=exp.Posexplode(this=lists[0].copy()),
            view=True,
            alias=exp.TableAlias(
                this=exp.to_identifier("unnested"),
                columns=[exp.to_identifier("place"), exp.to_identifier("item")],
            ),
        )
        for node, column in replacements:
            node.replace(column)
        select.append("laterals", lateral)
    return tree
