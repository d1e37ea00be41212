"""Aggregates and windows: where DuckDB and Spark look at other rows, or order nulls differently.

A node of DuckDB's meaning and the model's name in, a node of Spark's out; `rewrites` lists them.
"""

from __future__ import annotations

from sqlglot import exp

from octane_flows.spark.rewrite_helpers import DOUBLE, call, number
from octane_flows.spark.supported_constructs import refusal


def parts_of(node: exp.Expr) -> list[exp.Expr] | None:
    """The values of a row or struct that is written out; None for anything else."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    if isinstance(node, exp.Struct):
        return [item.expression for item in node.expressions]
    return None


def rank_of(values: list[exp.Expr]) -> exp.Expr:
    """A struct that Spark orders as DuckDB orders a row of these values: nulls are the largest."""
    ranked: list[exp.Expr] = []
    for value in values:
        is_null = exp.Is(this=value.copy(), expression=exp.null())
        ranked += [exp.Paren(this=is_null), value]
    return call("struct", *ranked)


def greatest_by(node: exp.Expr, _: str) -> exp.Expr:
    """`max_by` and `min_by` look at no row whose value is null, and nulls within a row are last."""
    if not isinstance(node, exp.ArgMax | exp.ArgMin):
        return node
    name = "max_by" if isinstance(node, exp.ArgMax) else "min_by"
    parts = parts_of(node.expression)
    chosen = call(name, node.this, rank_of(parts) if parts else node.expression)
    has_value = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null()))
    return exp.Filter(this=chosen, expression=exp.Where(this=has_value))


def greatest_with_nulls(node: exp.Expr, _: str) -> exp.Expr:
    """`arg_max_null` and `arg_min_null` give the value of that row also where it is null."""
    names = {"arg_max_null": "max_by", "arg_min_null": "min_by"}
    if not isinstance(node, exp.Anonymous) or node.name.lower() not in names:
        return node
    value, order = node.expressions
    parts = parts_of(order)
    return call(names[node.name.lower()], value, rank_of(parts) if parts else order)


def nested_filter(node: exp.Expr, _: str) -> exp.Expr:
    """A filter of a filtered aggregate is both of them."""
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.Filter):
        both = exp.and_(node.this.expression.this.copy(), node.expression.this.copy())
        return exp.Filter(this=node.this.this.copy(), expression=exp.Where(this=both))
    return node


def extreme_row(node: exp.Expr, _: str) -> exp.Expr:
    """The least or greatest row, nulls last."""
    if isinstance(node, exp.Min | exp.Max) and (parts := parts_of(node.this)):
        name = "min_by" if isinstance(node, exp.Min) else "max_by"
        return call(name, call("struct", *parts), rank_of(parts))
    return node


def any_value(node: exp.Expr, _: str) -> exp.Expr:
    """The first value that is not null."""
    if isinstance(node, exp.IgnoreNulls) and isinstance(node.this, exp.AnyValue):
        return call("any_value", node.this.this, exp.true())
    return node


def first_in_order(node: exp.Expr, model: str) -> exp.Expr:
    """`first(... order by ...)` is the value of the least rank, nulls included."""
    if not isinstance(node, exp.First):
        return node
    order = node.this
    if not isinstance(order, exp.Order) or any(item.args.get("desc") for item in order.expressions):
        raise refusal(model, "first() without an ascending order")
    return call("min_by", order.this, rank_of([item.this for item in order.expressions]))


def listed(node: exp.Expr, model: str) -> exp.Expr:
    """A list keeps nulls."""
    if not isinstance(node, exp.ArrayAgg):
        return node
    if isinstance(node.this, exp.Order | exp.Distinct):
        raise refusal(model, "list() with an order or distinct")
    wrapped = call("collect_list", call("named_struct", exp.Literal.string("one"), node.this))
    value = exp.Dot(this=exp.to_identifier("kept"), expression=exp.to_identifier("one"))
    return call(
        "transform", wrapped, exp.Lambda(this=value, expressions=[exp.to_identifier("kept")])
    )


def window_filter(node: exp.Expr, model: str) -> exp.Expr:
    """Spark's windows take no filter: what is filtered out is null."""
    if not (isinstance(node, exp.Window) and isinstance(node.this, exp.Filter)):
        return node
    aggregate, condition = node.this.this, node.this.expression.this
    if not isinstance(aggregate, exp.Count | exp.Sum | exp.Min | exp.Max):
        raise refusal(model, "a filter in a window")
    counted = number(1) if isinstance(aggregate.this, exp.Star) else aggregate.this
    chosen = exp.Case(ifs=[exp.If(this=condition.copy(), true=counted.copy())])
    filtered = node.copy()
    filtered.set("this", type(aggregate)(this=chosen))
    return filtered


def product(node: exp.Expr, model: str) -> exp.Expr:
    """Spark's SQL has no product: the values of a window are multiplied in their order."""
    if isinstance(node, exp.Anonymous) and node.name.lower() == "product":
        if not isinstance(node.parent, exp.Window):
            raise refusal(model, "product() outside a window")
        return node
    if not (isinstance(node, exp.Window) and node.this.name.lower() == "product"):
        return node
    value = exp.cast(node.this.expressions[0].copy(), DOUBLE)
    values, counted = node.copy(), node.copy()
    values.set("this", call("collect_list", value))
    counted.set("this", exp.Count(this=value.copy()))
    so_far, factor = exp.to_identifier("so_far"), exp.to_identifier("factor")
    times = exp.Lambda(
        this=exp.Mul(this=so_far.copy(), expression=factor.copy()), expressions=[so_far, factor]
    )
    multiplied = call("aggregate", values, exp.cast(number(1), DOUBLE), times)
    has_values = exp.GT(this=counted, expression=number(0))
    return exp.Case(ifs=[exp.If(this=has_values, true=multiplied)])
