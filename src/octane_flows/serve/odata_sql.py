"""OData's expressions as SQL of DuckDB, with every value as a parameter.

Trees of `odata_expressions` and the types of columns in, SQL out; `odata_queries` calls it. Null is
as OData 4.01 has it: `null eq null` is true, `null ne 1` is true, `null gt 1` is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from octane_flows.models.sql_text import quoted
from octane_flows.questions.catalogue import nearest
from octane_flows.serve.odata_expressions import (
    COMPARISONS,
    Column,
    Expression,
    Literal,
    Value,
)
from octane_flows.serve.refused_requests import wrong_request

#: The kinds of values that expressions tell apart, by the beginning of DuckDB's type.
KINDS: Final = (
    ("VARCHAR", "text"),
    ("JSON", "text"),
    ("BIGINT", "integer"),
    ("INTEGER", "integer"),
    ("HUGEINT", "integer"),
    ("SMALLINT", "integer"),
    ("DOUBLE", "number"),
    ("FLOAT", "number"),
    ("DECIMAL", "number"),
    ("BOOLEAN", "boolean"),
    ("TIMESTAMP", "time"),
    ("DATE", "date"),
)
NUMBERS: Final = ("integer", "number")
TIMES: Final = ("time", "date")
OPERATORS: Final = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
CASTS: Final = {
    "text": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "time": "timestamp",
    "date": "date",
}
EDM_CASTS: Final = {
    "Edm.String": "text",
    "Edm.Int32": "integer",
    "Edm.Int64": "integer",
    "Edm.Double": "number",
    "Edm.Decimal": "number",
    "Edm.Boolean": "boolean",
    "Edm.DateTimeOffset": "time",
    "Edm.Date": "date",
}


@dataclass(frozen=True)
class Function:
    """A function: the kinds that each operand may have, its result, and its SQL."""

    operands: tuple[tuple[str, ...], ...]
    result: str
    sql: str
    optional: int = 0  # how many of the last operands may be missing


TEXT: Final = ("text",)
WHOLE: Final = ("integer",)
FUNCTIONS: Final[Mapping[str, Function]] = {
    "contains": Function((TEXT, TEXT), "boolean", "contains({0}, {1})"),
    "startswith": Function((TEXT, TEXT), "boolean", "starts_with({0}, {1})"),
    "endswith": Function((TEXT, TEXT), "boolean", "suffix({0}, {1})"),
    "tolower": Function((TEXT,), "text", "lower({0})"),
    "toupper": Function((TEXT,), "text", "upper({0})"),
    "trim": Function((TEXT,), "text", "trim({0})"),
    "length": Function((TEXT,), "integer", "length({0})"),
    "indexof": Function((TEXT, TEXT), "integer", "(strpos({0}, {1}) - 1)"),
    "concat": Function((TEXT, TEXT), "text", "({0} || {1})"),
    "substring": Function((TEXT, WHOLE, WHOLE), "text", "substring({0}, {1} + 1{2})", optional=1),
    "year": Function((TIMES,), "integer", "year({0})"),
    "month": Function((TIMES,), "integer", "month({0})"),
    "day": Function((TIMES,), "integer", "day({0})"),
    "hour": Function((("time",),), "integer", "hour({0})"),
    "minute": Function((("time",),), "integer", "minute({0})"),
    "second": Function((("time",),), "integer", "(second({0}) % 60)"),
    "date": Function((TIMES,), "date", "cast({0} as date)"),
    "round": Function((NUMBERS,), "number", "round(cast({0} as double))"),
    "floor": Function((NUMBERS,), "number", "floor(cast({0} as double))"),
    "ceiling": Function((NUMBERS,), "number", "ceil(cast({0} as double))"),
}


@dataclass(frozen=True)
class Typed:
    """SQL and the kind of its value; the kind of null is `null`."""

    sql: str
    kind: str


@dataclass
class SqlParameters:
    """The values of a query's parameters, by the names that they have in its SQL."""

    values: dict[str, Value] = field(default_factory=dict)

    def add(self, value: Value) -> str:
        """Keep a value; gives what stands for it in the SQL."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"${name}"


def kind_of(duckdb_type: str) -> str:
    """The kind of a column's values; `other` for lists and whatever cannot be compared."""
    if duckdb_type.endswith("]"):
        return "other"
    return next((kind for prefix, kind in KINDS if duckdb_type.startswith(prefix)), "other")


def condition_sql(
    expression: Expression, kinds: Mapping[str, str], parameters: SqlParameters, option: str
) -> str:
    """The SQL of a condition. Raises RefusalError where it is none."""
    typed = expression_sql(expression, kinds, parameters, option)
    if typed.kind not in ("boolean", "null"):
        raise wrong_request(
            f"{option} is {typed.kind} and no condition; compare it, as in status eq 'open'."
        )
    return typed.sql


def expression_sql(
    expression: Expression, kinds: Mapping[str, str], parameters: SqlParameters, option: str
) -> Typed:
    """The SQL of an expression over columns of these kinds. Raises RefusalError."""

    def of(inner: Expression) -> Typed:
        return expression_sql(inner, kinds, parameters, option)

    if isinstance(expression, Column):
        return Typed(quoted(expression.name), column_kind(expression.name, kinds, option))
    if isinstance(expression, Literal):
        return _literal(expression.value, parameters)
    name = expression.name
    if name == "cast" and len(expression.arguments) == 2:
        return _cast(of(expression.arguments[0]), expression.arguments[1], option)
    operands = [of(argument) for argument in expression.arguments]
    if name in COMPARISONS:
        return _comparison(name, operands[0], operands[1], option)
    if name == "in":
        tests = [_comparison("eq", operands[0], value, option).sql for value in operands[1:]]
        return Typed(f"({' or '.join(tests)})", "boolean")
    if name in ("and", "or", "not"):
        for operand in operands:
            _require(operand, ("boolean",), name, option)
        if name == "not":
            return Typed(f"(not {operands[0].sql})", "boolean")
        return Typed(f"({f' {name} '.join(operand.sql for operand in operands)})", "boolean")
    if name in ("add", "sub", "mul", "div", "divby", "mod", "negative"):
        return _arithmetic(name, operands, option)
    return _function(name, operands, option)


def column_kind(name: str, kinds: Mapping[str, str], option: str) -> str:
    """The kind of a column. Raises RefusalError with the nearest name."""
    if name not in kinds:
        raise wrong_request(f"{option} names the column {name}; {nearest(name, list(kinds))}")
    return kinds[name]


def _literal(value: Value, parameters: SqlParameters) -> Typed:
    if value is None:
        return Typed("null", "null")
    if isinstance(value, bool):
        return Typed(str(value).lower(), "boolean")
    if isinstance(value, datetime):
        kind = "time"
    elif isinstance(value, date):
        kind = "date"
    elif isinstance(value, int):
        kind = "integer"
    else:
        kind = "number" if isinstance(value, float) else "text"
    return Typed(f"cast({parameters.add(value)} as {CASTS[kind]})", kind)


def _comparison(name: str, left: Typed, right: Typed, option: str) -> Typed:
    if not _are_comparable(left.kind, right.kind):
        raise wrong_request(
            f"{option} compares {left.kind} with {right.kind} by {name}; write texts as "
            "'text', numbers as 42, times as 2021-01-20T21:00:00Z, conditions as true."
        )
    if name == "eq":
        return Typed(f"({left.sql} is not distinct from {right.sql})", "boolean")
    if name == "ne":
        return Typed(f"({left.sql} is distinct from {right.sql})", "boolean")
    if "boolean" in (left.kind, right.kind):
        raise wrong_request(f"{option} compares conditions by {name}; use eq or ne.")
    return Typed(f"coalesce({left.sql} {OPERATORS[name]} {right.sql}, false)", "boolean")


def _are_comparable(left: str, right: str) -> bool:
    if "null" in (left, right):
        return True
    families = (NUMBERS, TIMES, TEXT, ("boolean",))
    return any(left in family and right in family for family in families)


def _arithmetic(name: str, operands: list[Typed], option: str) -> Typed:
    for operand in operands:
        _require(operand, NUMBERS, name, option)
    is_whole = all(operand.kind == "integer" for operand in operands)
    kind = "integer" if is_whole else "number"
    if name == "negative":
        return Typed(f"(- {operands[0].sql})", kind)
    left, right = (operand.sql for operand in operands)
    if name in ("div", "divby"):
        quotient = f"(cast({left} as double) / nullif({right}, 0))"
        if name == "div" and is_whole:
            return Typed(f"cast(trunc({quotient}) as bigint)", "integer")
        return Typed(quotient, "number")
    if name == "mod":
        return Typed(f"({left} % nullif({right}, 0))", kind)
    sign = {"add": "+", "sub": "-", "mul": "*"}[name]
    return Typed(f"({left} {sign} {right})", kind)


def _function(name: str, operands: list[Typed], option: str) -> Typed:
    function = FUNCTIONS.get(name)
    if function is None:
        raise wrong_request(f"{option} calls {name}; {nearest(name, list(FUNCTIONS))}")
    most, least = len(function.operands), len(function.operands) - function.optional
    if not least <= len(operands) <= most:
        raise wrong_request(f"{option} calls {name} with {len(operands)} values; it takes {most}.")
    for operand, accepted in zip(operands, function.operands, strict=False):
        _require(operand, accepted, name, option)
    texts = [operand.sql for operand in operands]
    if name == "substring":
        texts[1] = _from_zero(texts[1])
        texts[2:] = [f", {_from_zero(texts[2])}"] if len(texts) == 3 else [""]
    return Typed(function.sql.format(*texts), function.result)


def _from_zero(sql: str) -> str:
    """The number, or zero for a negative one; null stays null."""
    return f"(case when {sql} < 0 then 0 else {sql} end)"


def _cast(operand: Typed, target: Expression, option: str) -> Typed:
    name = target.name if isinstance(target, Column) else ""
    if name not in EDM_CASTS or operand.kind == "other":
        raise wrong_request(
            f"{option} casts to {name or 'no type'}; {nearest(name, list(EDM_CASTS))}"
        )
    kind = EDM_CASTS[name]
    return Typed(f"try_cast({operand.sql} as {CASTS[kind]})", kind)


def _require(operand: Typed, accepted: tuple[str, ...], name: str, option: str) -> None:
    if operand.kind not in (*accepted, "null"):
        raise wrong_request(
            f"{option} gives {operand.kind} to {name}, which takes {' or '.join(accepted)}."
        )
