"""Numbers, texts and times: where DuckDB and Spark give another value for the same function.

A node of DuckDB's meaning and the model's name in, a node of Spark's out; `rewrites` lists them.
"""

from __future__ import annotations

import re

from sqlglot import exp

from octane_flows.spark.rewrite_helpers import DOUBLE, call, number
from octane_flows.spark.supported_constructs import refusal

TIMESTAMP = exp.DataType.build("timestampntz")
SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600}

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
    contains = exp.Coalesce(this=call("array_contains", values, value), expressions=[exp.false()])
    return exp.Case(ifs=[exp.If(this=is_known, true=contains)])


def joined_list(node: exp.Expr, model: str) -> exp.Expr:
    """A list without values is no empty text but null."""
    if not isinstance(node, exp.ArrayToString):
        return node
    if node.args.get("null"):
        raise refusal(model, "array_to_string() with a text for null")
    compacted = call("array_compact", node.this)
    has_values = exp.GT(this=call("size", compacted), expression=number(0))
    return exp.Case(
        ifs=[exp.If(this=has_values, true=call("array_join", compacted, node.expression))]
    )


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


_ATOM = re.compile(
    r"\\[?.+*()\[\]|^$-]|\\[sn]|\[\^?(?:[^\[\]\\&]|\\n)+\]|\{\d+\}|[^\\\[\].$]", re.DOTALL
)

_OTHER_ESCAPE = re.compile(r"\\(?![1-9])")


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
        if not isinstance(new, exp.Literal) or "$" in new.name or _OTHER_ESCAPE.search(new.name):
            raise refusal(model, "a replacement with a dollar sign or an escape")
        groups = exp.Literal.string(new.name.replace("\\", "$"))  # \1 is $1 in Java
        return call("regexp_replace", node.this, node.expression, groups)
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
    """Lengths of time of days, hours and seconds."""
    whole = exp.DataType.build("int")
    if isinstance(node, exp.ToDays):
        return call("make_dt_interval", exp.cast(node.this.copy(), whole))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "to_hours":
        hours = exp.cast(node.expressions[0].copy(), whole)
        return call("make_dt_interval", number(0), hours)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "to_seconds":
        seconds = exp.cast(node.expressions[0].copy(), whole)
        return call("make_dt_interval", number(0), number(0), number(0), seconds)
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
