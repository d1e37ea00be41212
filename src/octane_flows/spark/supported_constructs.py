"""What a model may be made of to be carried over to Spark: a closed list, held by the golden cases.

A syntax tree as sqlglot reads it from DuckDB's SQL in, nothing out; `spark_sql` calls it first.
Whatever is not listed raises `NotCarriedOver`: nobody has shown that Spark answers it alike.
"""

from __future__ import annotations

import re

from sqlglot import exp

from octane_flows.errors import ModelError


class NotCarriedOver(ModelError):  # noqa: N818 - it says what became of the model
    """A model that Spark cannot answer as DuckDB does: its name, and `reason`."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model} is not carried over to Spark: {reason}.")
        self.reason = reason


#: The frame of a query: clauses, names, literals.
CLAUSES = (
    exp.Alias, exp.CTE, exp.Column, exp.DataType, exp.Distinct, exp.Dot, exp.From, exp.Group,
    exp.Having, exp.Identifier, exp.Join, exp.Literal, exp.Boolean, exp.Null, exp.Order,
    exp.Ordered, exp.Paren, exp.Placeholder, exp.PropertyEQ, exp.Qualify, exp.Select, exp.Star,
    exp.Struct, exp.Subquery, exp.Table, exp.TableAlias, exp.Tuple, exp.Union, exp.Var, exp.Where,
    exp.With, exp.Window, exp.WindowSpec,
)  # fmt: skip

#: Operators and conditions.
OPERATORS = (
    exp.Add, exp.And, exp.Between, exp.Case, exp.Cast, exp.DPipe, exp.Div, exp.EQ, exp.Escape,
    exp.Exists, exp.GT, exp.GTE, exp.ILike, exp.If, exp.In, exp.Is, exp.LT, exp.LTE, exp.Mul,
    exp.NEQ, exp.Not, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Sub,
)  # fmt: skip

#: Functions of one row.
FUNCTIONS = (
    exp.Array, exp.ArrayAppend, exp.ArrayContains, exp.ArraySort, exp.ArrayToString, exp.Chr,
    exp.Coalesce, exp.ConcatWs, exp.Contains, exp.DateDiff, exp.GenerateSeries, exp.Greatest,
    exp.Least, exp.Left, exp.Length, exp.Lower, exp.MD5, exp.Nullif, exp.RegexpExtract,
    exp.RegexpLike, exp.RegexpReplace, exp.Replace, exp.Round, exp.Split, exp.Sqrt, exp.StartsWith,
    exp.TimestampTrunc, exp.ToDays, exp.Trim, exp.UnixToTime,
)  # fmt: skip

#: Functions of many rows.
AGGREGATES = (
    exp.AnyValue, exp.ArgMax, exp.ArrayAgg, exp.Avg, exp.Count, exp.DenseRank,
    exp.Explode, exp.Filter, exp.First, exp.FirstValue, exp.GroupConcat, exp.IgnoreNulls, exp.Lag,
    exp.Lead, exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Median, exp.Min, exp.PercentileCont,
    exp.RowNumber, exp.Sum,
)  # fmt: skip

#: Functions that sqlglot does not know by name.
NAMED_FUNCTIONS = frozenset(
    {"arg_max_null", "arg_min_null", "generate_subscripts", "product", "to_hours", "to_seconds"}
)

KNOWN = frozenset((*CLAUSES, *OPERATORS, *FUNCTIONS, *AGGREGATES))


def require_known(tree: exp.Expr, model: str) -> None:
    """Refuse a tree that holds anything that is not listed."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in NAMED_FUNCTIONS:
                raise refusal(model, f"{node.name.lower()}()")
        elif type(node) not in KNOWN or _is_strange(node):
            raise refusal(model, _shown(node))


def _is_strange(node: exp.Expr) -> bool:
    """Whether a known construct is used in a way that is not."""
    if isinstance(node, exp.Join):
        return (
            node.side not in ("", "LEFT")
            or node.kind not in ("", "INNER", "CROSS")
            or bool(node.method or node.args.get("using"))
        )
    if isinstance(node, exp.ILike):  # without it Spark escapes by a backslash, DuckDB by nothing
        return not isinstance(node.parent, exp.Escape)
    if isinstance(node, exp.IgnoreNulls):
        return not isinstance(node.this, exp.AnyValue)
    if isinstance(node, exp.Cast) and not isinstance(node.this, exp.Literal | exp.Null):
        if node.is_type("int", "bigint"):  # DuckDB rounds a fraction, Spark cuts it off
            return not _is_whole(node.this)
        if node.is_type("text", "varchar"):  # the engines write fractions differently
            return any(not _is_known_text(column) for column in node.this.find_all(exp.Column))
        return not node.is_type("date")
    return False


def _is_whole(value: exp.Expr) -> bool:
    """Whether a value has no fraction: an id, a count, a sum of counts, or whole literals."""
    if isinstance(value, exp.Column):
        return _is_id(value) or value.name.endswith("_count")
    if isinstance(value, exp.Filter):
        return _is_whole(value.this)
    if isinstance(value, exp.Coalesce):
        return all(_is_whole(part) for part in (value.this, *value.expressions))
    if isinstance(value, exp.Nullif) and isinstance(value.this, exp.RegexpExtract):
        return re.search(r"\(\[0-9\](\+|\{1,6\})\)", value.this.expression.name) is not None
    return isinstance(value, exp.Count | exp.Sum) or value.find(exp.Column, exp.Div) is None


def _is_id(column: exp.Column) -> bool:
    return column.name == "id" or column.name.endswith("_id")


def _is_known_text(column: exp.Column) -> bool:
    """Whether a column holds no fractions: ids, points, user-defined fields (see `spark_build`)."""
    return _is_id(column) or column.name == "story_points" or column.name.endswith("_udf")


def refusal(model: str, what: str, why: str = "") -> NotCarriedOver:
    """The error that refuses a model by name, with the construct and the reason."""
    reason = why or "no golden case shows that Spark answers it as DuckDB does"
    return NotCarriedOver(model, f"it uses {what}, and {reason}")


def _shown(node: exp.Expr) -> str:
    text = " ".join(node.sql("duckdb", comments=False).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
