"""Where DuckDB and Spark mean different things by the same SQL: one rewrite for each.

A syntax tree in DuckDB's meaning and the model's name in, a tree in Spark's out; `translate` runs
them in order. Each has its cases in the tests, in which both engines are asked the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import wraps

from sqlglot import exp

from octane_flows.spark.constructs import refusal

Rewrite = Callable[[exp.Expr, str], exp.Expr]

DOUBLE = exp.DataType.build("double")
TIMESTAMP = exp.DataType.build("timestampntz")
SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600}


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
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments])


def number(value: float) -> exp.Expr:
    """A number as a literal."""
    return exp.Literal.number(value)


# -- numbers ------------------------------------------------------------------------------------


def divide(node: exp.Expr, _: str) -> exp.Expr:
    """By zero: infinity, or no number, and not an error; whole numbers give fractions."""
    if not isinstance(node, exp.Div):
        return node
    above, below = exp.cast(node.this.copy(), DOUBLE), exp.cast(node.expression.copy(), DOUBLE)
    endless = exp.cast(exp.Literal.string("Infinity"), DOUBLE)
    is_zero = exp.EQ(this=below.copy(), expression=exp.cast(number(0), DOUBLE))
    return call(
        "if",
        is_zero,
        exp.Mul(this=above.copy(), expression=endless),
        exp.Div(this=above, expression=below, typed=True, safe=True),
    )


def round_half(node: exp.Expr, model: str) -> exp.Expr:
    """DuckDB rounds the binary number times a power of ten, Spark its decimal text, with no -0."""
    if not isinstance(node, exp.Round):
        return node
    decimals = node.args.get("decimals")
    if not (isinstance(decimals, exp.Literal) and decimals.is_int):
        raise refusal(model, "round() without a number of decimals")
    factor, zero = exp.cast(number(10 ** int(decimals.name)), DOUBLE), exp.cast(number(0), DOUBLE)
    value = exp.cast(node.this.copy(), DOUBLE)
    scaled = call("round", exp.Mul(this=value.copy(), expression=factor.copy()))
    rounded = exp.Div(this=scaled.copy(), expression=factor, typed=True, safe=True)
    return call(
        "if",
        exp.EQ(this=scaled, expression=zero.copy()),
        exp.Mul(this=value, expression=zero),  # keeps the sign
        rounded,
    )


def quantile(node: exp.Expr, _: str) -> exp.Expr:
    """Spark's own name for the quantile between two values."""
    if isinstance(node, exp.PercentileCont):
        return call("percentile", node.this, node.expression)
    return node


# -- texts --------------------------------------------------------------------------------------


def is_in_list(node: exp.Expr, _: str) -> exp.Expr:
    """A null in a list is not equal to anything, and does not make the answer unknown."""
    if not isinstance(node, exp.ArrayContains):
        return node
    values, value = node.this, node.expression
    is_known = exp.and_(
        exp.Not(this=exp.Is(this=values.copy(), expression=exp.null())),
        exp.Not(this=exp.Is(this=value.copy(), expression=exp.null())),
    )
    found = exp.Coalesce(this=call("array_contains", values, value), expressions=[exp.false()])
    return exp.Case(ifs=[exp.If(this=is_known, true=found)])


def joined_list(node: exp.Expr, model: str) -> exp.Expr:
    """A list without values is no empty text but null."""
    if not isinstance(node, exp.ArrayToString):
        return node
    if node.args.get("null"):
        raise refusal(model, "array_to_string() with a text for null")
    held = call("array_compact", node.this)
    has_values = exp.GT(this=call("size", held), expression=number(0))
    return exp.Case(ifs=[exp.If(this=has_values, true=call("array_join", held, node.expression))])


def like_any_case(node: exp.Expr, _: str) -> exp.Expr:
    """`ilike` compares what `lower` gives."""
    if isinstance(node, exp.ILike):
        return exp.Like(
            this=exp.Lower(this=node.this.copy()), expression=exp.Lower(this=node.expression.copy())
        )
    return node


def lower(node: exp.Expr, _: str) -> exp.Expr:
    """DuckDB looks at each character alone; Spark at its neighbours (Σ at the end of a word)."""
    if not isinstance(node, exp.Lower):
        return node
    alone = call("translate", node.this, exp.Literal.string("Σİ"), exp.Literal.string("σi"))
    return call("lower", alone)


def trim(node: exp.Expr, model: str) -> exp.Expr:
    """DuckDB takes every kind of space that Unicode has, Spark the plain one."""
    if not isinstance(node, exp.Trim):
        return node
    if node.expression or node.args.get("position"):
        raise refusal(model, "trim() of certain characters")
    spaces = exp.Literal.string(r"^\p{Zs}+|\p{Zs}+$")
    return call("regexp_replace", node.this, spaces, exp.Literal.string(""))


_ATOM = re.compile(r"\\[?.+*()\[\]|^$-]|\\s|\[\^?[^\[\]\\&]+\]|\{\d+\}|[^\\\[\].$]", re.DOTALL)


def regular_expression(node: exp.Expr, model: str) -> exp.Expr:
    """Patterns are kept to what RE2 and Java read alike; `\\s` is spelt out."""
    if not isinstance(node, exp.RegexpReplace | exp.RegexpLike | exp.RegexpExtract):
        return node
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise refusal(model, "a regular expression that is no literal")
    text = pattern.name
    if "".join(_ATOM.findall(text)) != text or "(?" in text or "+?" in text or "*?" in text:
        raise refusal(model, f"the regular expression {text}")
    node.set("expression", exp.Literal.string(text.replace(r"\s", r"[ \t\n\f\r]")))
    if isinstance(node, exp.RegexpReplace):
        new, how = node.args["replacement"], node.args.get("modifiers")
        is_global = how is not None and how.name == "g"
        if not is_global and not text.startswith("^"):
            raise refusal(model, "regexp_replace() of the first match only")
        if not isinstance(new, exp.Literal) or re.search(r"[\\$]", new.name):
            raise refusal(model, "a replacement that refers to groups")
        return call("regexp_replace", node.this, node.expression, new)
    return node


# -- times --------------------------------------------------------------------------------------


def difference(node: exp.Expr, model: str) -> exp.Expr:
    """DuckDB counts the boundaries between two moments, Spark the whole units."""
    if not isinstance(node, exp.DateDiff):
        return node
    unit = node.text("unit").upper()
    later, earlier = node.this, node.expression
    if unit == "DAY":
        day = exp.DataType.build("date")
        days = call("datediff", exp.cast(later.copy(), day), exp.cast(earlier.copy(), day))
        return exp.cast(days, exp.DataType.build("bigint"))
    if unit not in SECONDS:
        raise refusal(model, f"date_diff() in {unit.lower()}s")

    def whole(moment: exp.Expr) -> exp.Expr:
        seconds = call("unix_seconds", exp.cast(moment.copy(), exp.DataType.build("timestampltz")))
        if SECONDS[unit] == 1:
            return seconds
        parts = exp.Div(
            this=exp.cast(seconds, DOUBLE), expression=number(SECONDS[unit]), typed=True, safe=True
        )
        return exp.Paren(this=call("floor", parts))

    return exp.Paren(this=exp.Sub(this=whole(later), expression=whole(earlier)))


def truncate(node: exp.Expr, model: str) -> exp.Expr:
    """Times stay without a zone."""
    if isinstance(node, exp.TimestampTrunc):
        unit = node.text("unit").upper()
        if unit not in ("DAY", "WEEK", "MONTH", "HOUR"):
            raise refusal(model, f"date_trunc() to {unit.lower()}")
        return exp.cast(call("date_trunc", exp.Literal.string(unit), node.this), TIMESTAMP)
    return node


def from_epoch(node: exp.Expr, model: str) -> exp.Expr:
    """Milliseconds since 1970 as a time without a zone."""
    if not isinstance(node, exp.UnixToTime):
        return node
    if node.text("scale") != "3":
        raise refusal(model, "an epoch that is not in milliseconds")
    return exp.cast(call("timestamp_millis", node.this), TIMESTAMP)


def lengths(node: exp.Expr, _: str) -> exp.Expr:
    """Lengths of time of days and hours."""
    whole = exp.DataType.build("int")
    if isinstance(node, exp.ToDays):
        return call("make_dt_interval", exp.cast(node.this.copy(), whole))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "to_hours":
        hours = exp.cast(node.expressions[0].copy(), whole)
        return call("make_dt_interval", number(0), hours)
    return node


def series(node: exp.Expr, _: str) -> exp.Expr:
    """A series that ends before it begins is empty, and no error."""
    if not isinstance(node, exp.GenerateSeries):
        return node
    first, last, step = node.args["start"], node.args["end"], node.args["step"]
    return call(
        "if",
        exp.LT(this=last.copy(), expression=first.copy()),
        call("array"),
        call("sequence", first, last, step),
    )


# -- groups -------------------------------------------------------------------------------------


def parts_of(node: exp.Expr) -> list[exp.Expr] | None:
    """The values of a row or struct that is written out; None for anything else."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    if isinstance(node, exp.Struct):
        return [one.expression for one in node.expressions]
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
    if not isinstance(order, exp.Order) or any(one.args.get("desc") for one in order.expressions):
        raise refusal(model, "first() without an ascending order")
    return call("min_by", order.this, rank_of([one.this for one in order.expressions]))


def listed(node: exp.Expr, model: str) -> exp.Expr:
    """A list keeps nulls."""
    if not isinstance(node, exp.ArrayAgg):
        return node
    if isinstance(node.this, exp.Order | exp.Distinct):
        raise refusal(model, "list() with an order or distinct")
    wrapped = call("collect_list", call("named_struct", exp.Literal.string("one"), node.this))
    held = exp.Dot(this=exp.to_identifier("kept"), expression=exp.to_identifier("one"))
    return call(
        "transform", wrapped, exp.Lambda(this=held, expressions=[exp.to_identifier("kept")])
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


# -- whole selects ------------------------------------------------------------------------------


def union_by_name(tree: exp.Expr, model: str) -> exp.Expr:
    """`union all by name` with every column in every branch, null where a branch lacks it."""
    for union in [one for one in tree.find_all(exp.Union) if one.args.get("by_name")]:
        branches = [(branch, _written_out(branch, tree, model)) for branch in _branches(union)]
        names = list(dict.fromkeys(one.alias_or_name for _, found in branches for one in found))
        for branch, found in branches:
            held = {one.alias_or_name: one for one in found}
            lacked = {name: exp.alias_(exp.null(), name) for name in names if name not in held}
            branch.set("expressions", [{**held, **lacked}[name].copy() for name in names])
        for part in union.find_all(exp.Union):
            part.set("by_name", False)
    return tree


def _branches(union: exp.Expr) -> Iterator[exp.Select]:
    for side in (union.this, union.expression):
        if isinstance(side, exp.Union):
            yield from _branches(side)
        elif isinstance(side, exp.Select):
            yield side


def _written_out(select: exp.Select, tree: exp.Expr, model: str) -> list[exp.Expr]:
    """The columns of a select with those of a common table in the place of its `*`."""
    columns: list[exp.Expr] = []
    for one in select.expressions:
        if not one.is_star:
            columns.append(one)
            continue
        owner = one.table if isinstance(one, exp.Column) else ""
        sources = {
            table.alias_or_name: table.name
            for table in select.find_all(exp.Table)
            if table.parent_select is select and not table.db
        }
        common = [cte.this for cte in tree.find_all(exp.CTE) if cte.alias == sources.get(owner)]
        if len(common) != 1:
            raise refusal(model, f"union by name of {one.sql('duckdb')}", "its columns are unknown")
        source = common[0]
        while isinstance(source, exp.Union):
            source = source.this
        names = [found.alias_or_name for found in _written_out(source, tree, model)]
        columns += [exp.column(name, table=owner) for name in names]
    return columns


def distinct_recursion(tree: exp.Expr, model: str) -> exp.Expr:
    """Recursion by `union`: Spark has only `union all`, so each row carries the rows it came by."""
    for cte in list(tree.find_all(exp.CTE)):
        union = cte.this
        if not (isinstance(union, exp.Union) and union.args.get("distinct")):
            continue
        first, then = union.this, union.expression
        own = [one for one in then.find_all(exp.Table) if one.name == cte.alias and not one.db]
        if not own:
            continue
        if len(own) != 1 or not isinstance(first, exp.Select) or not isinstance(then, exp.Select):
            raise refusal(model, "a recursion that reads itself more than once")
        names = [one.alias_or_name for one in first.expressions]
        paths, alias = f"{cte.alias}_paths", own[0].alias_or_name
        seen = exp.column("seen_rows", table=alias)

        def row(select: exp.Select, names: list[str] = names) -> exp.Expr:
            parts: list[exp.Expr] = []
            for name, one in zip(names, select.expressions, strict=True):
                parts += [exp.Literal.string(name), one.unalias()]
            return call("named_struct", *parts)

        now = row(then)
        first.select(exp.alias_(call("array", row(first)), "seen_rows"), copy=False)
        then.select(exp.alias_(call("array_append", seen, now), "seen_rows"), copy=False)
        then.where(exp.Not(this=call("array_contains", seen, now)), copy=False)
        own[0].replace(exp.alias_(exp.to_table(paths), alias, table=True))
        union.set("distinct", False)
        outer = exp.select(*names).distinct().from_(paths)
        found = exp.CTE(this=outer, alias=exp.TableAlias(this=exp.to_identifier(cte.alias)))
        cte.set("alias", exp.TableAlias(this=exp.to_identifier(paths)))
        owner = cte.find_ancestor(exp.With)
        if owner is not None:
            ctes = owner.expressions
            ctes.insert(ctes.index(cte) + 1, found)
            owner.set("expressions", ctes)
    return tree


def unnest(tree: exp.Expr, model: str) -> exp.Expr:
    """`unnest` among the columns becomes a lateral view; a subscript beside it, its position."""
    for select in list(tree.find_all(exp.Select)):
        lists: list[exp.Expr] = []
        found: list[tuple[exp.Expr, exp.Expr]] = []
        for column in select.expressions:
            for node in column.find_all(exp.Explode, exp.Anonymous):
                if isinstance(node, exp.Explode):
                    lists.append(node.this)
                    found.append((node, exp.column("item", table="unnested")))
                elif node.name.lower() == "generate_subscripts":
                    lists.append(node.expressions[0])
                    place = exp.column("place", table="unnested")
                    found.append((node, exp.Add(this=place, expression=number(1))))
        if not found:
            continue
        if any(one != lists[0] for one in lists):
            raise refusal(model, "unnest() of two lists at once")
        lateral = exp.Lateral(
            this=exp.Posexplode(this=lists[0].copy()),
            view=True,
            alias=exp.TableAlias(
                this=exp.to_identifier("unnested"),
                columns=[exp.to_identifier("place"), exp.to_identifier("item")],
            ),
        )
        for node, column in found:
            node.replace(column)
        select.append("laterals", lateral)
    return tree


#: In their order: some make work for those after them.
REWRITES: tuple[Rewrite, ...] = (
    union_by_name,
    distinct_recursion,
    unnest,
    each(is_in_list),
    each(joined_list),
    each(like_any_case),
    each(lower),
    each(trim),
    each(regular_expression),
    each(difference),
    each(truncate),
    each(from_epoch),
    each(lengths),
    each(series),
    each(divide),
    each(round_half),
    each(quantile),
    each(greatest_by),
    each(nested_filter),
    each(extreme_row),
    each(any_value),
    each(first_in_order),
    each(listed),
    each(window_filter),
    each(product),
)
