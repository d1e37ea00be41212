"""A model's DuckDB SQL as Spark SQL that gives the same rows.

A model, values of its parameters and the server's address in, one Spark select out; `spark_build`
and `spark_answer` run it. sqlglot translates the language; `rewrites` changes what the engines
understand differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import count

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.model import Model, load_models
from octane_flows.models.shared_functions import FUNCTIONS
from octane_flows.spark.rewrites import REWRITES
from octane_flows.spark.supported_constructs import NotCarriedOver, refusal, require_known

Value = str | int | float | bool | date | datetime | None


def translate(model: Model, page: str, values: Mapping[str, Value] | None = None) -> str:
    """The model as one Spark select; parameters without a value keep their defaults.

    `page` is the address of the server's items. Raises NotCarriedOver.
    """
    given = values or {}
    literals = {
        parameter.name: parameter_literal(parameter, given.get(parameter.name, parameter.default))
        if parameter.name in given
        else parameter_literal(parameter, parameter.default)
        for parameter in model.header.parameters
    }
    return translate_sql(model.sql, model.name, page, literals, order=model.header.order)


def translate_sql(
    sql: str,
    name: str,
    page: str = "",
    literals: Mapping[str, exp.Expr] | None = None,
    *,
    order: str | None = None,
) -> str:
    """Any select of the kind that models are; `name` is what an error calls it."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        tree = tree.transform(_with_parameter, literals or {})
        tree = tree.transform(_with_answer, name, count(1))
        tree = tree.transform(_inlined, name, page)
        require_known(tree, name)
        if order:
            tree = _ordered(tree, order)
        for rewrite in REWRITES:
            tree = rewrite(tree, name)
        return tree.sql("spark", comments=False, pretty=True)
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        raise NotCarriedOver(name, f"sqlglot does not read its SQL ({said})") from error


def parameter_literal(parameter: Parameter, value: Value) -> exp.Expr:
    """A value as a literal of the parameter's type."""
    kind = exp.DataType.build(parameter.duckdb_type, dialect="duckdb")
    if value is None:
        return exp.cast(exp.null(), kind)
    if isinstance(value, datetime):
        value = value.isoformat(sep=" ")
    return exp.cast(exp.Literal.string(str(value)), kind)


def _with_parameter(node: exp.Expr, literals: Mapping[str, exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Placeholder) and node.name in literals:
        return literals[node.name].copy()
    return node


def _with_answer(node: exp.Expr, name: str, numbers: Iterator[int]) -> exp.Expr:
    """The select of another flow or metric in the place of its call with parameters."""
    if not (isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous)):
        return node
    called = f"{node.db}.{node.this.name}"
    model = next((candidate for candidate in load_models() if candidate.name == called), None)
    if model is None:
        raise refusal(name, f"{called}()", "there is no such flow or metric")
    given = {argument.this.name: argument.expression for argument in node.this.expressions}
    inputs = {
        parameter.name: _typed(given[parameter.name], parameter)
        if parameter.name in given
        else parameter_literal(parameter, parameter.default)
        for parameter in model.header.parameters
    }
    rows = sqlglot.parse_one(model.sql, read="duckdb").transform(_with_parameter, inputs)
    _rename_parts(rows, next(numbers))
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.this.name))
    return exp.Subquery(this=rows.transform(_with_answer, name, numbers), alias=alias.copy())


def _rename_parts(rows: exp.Expr, number: int) -> None:
    """Give the parts of a `with` names that no other call has: Spark has all of them in one."""
    parts = list(rows.find_all(exp.CTE))
    names = {part.alias for part in parts}
    for part in parts:
        part.args["alias"].set("this", exp.to_identifier(f"{part.alias}_{number}"))
    for table in rows.find_all(exp.Table):
        if not table.db and table.name in names:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
            table.set("this", exp.to_identifier(f"{table.name}_{number}"))


def _typed(value: exp.Expr, parameter: Parameter) -> exp.Expr:
    """The value of a parameter of a call: one that is made of parameters has its type already."""
    if isinstance(value, exp.Cast | exp.Coalesce | exp.Dot):
        return value.copy()
    return exp.cast(value, parameter.duckdb_type)


def _inlined(node: exp.Expr, name: str, page: str) -> exp.Expr:
    """The body of a function of `er` in the place of its call."""
    if not (isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous)):
        return node
    call = node.expression
    for signature, (_, body) in FUNCTIONS.items():
        called, _, names = signature.rstrip(")").partition("(")
        if node.this.name != "er" or called != call.name:
            continue
        text = body.replace("{page}", "'" + page.replace("'", "''") + "'")
        inputs = dict(zip(re.split(r",\s*", names), call.expressions, strict=True))
        inlined = sqlglot.parse_one(text, read="duckdb")
        body_tree = inlined.transform(_with_input, inputs)  # an input may call a function again
        return exp.Paren(this=body_tree.transform(_inlined, name, page))
    raise refusal(name, f"{node.this.name}.{call.name}()", "the warehouse has no such function")


def _with_input(node: exp.Expr, inputs: Mapping[str, exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Column) and not node.table and node.name in inputs:
        return exp.Paren(this=inputs[node.name].copy())
    return node


def _ordered(tree: exp.Expr, order: str) -> exp.Expr:
    """The rows in the order that the model's header promises."""
    parsed = sqlglot.parse_one(f"select 1 from t order by {order}", read="duckdb")
    alias = exp.TableAlias(this=exp.to_identifier("flow_rows"))
    rows = exp.Subquery(this=tree, alias=alias)
    return exp.select("*").from_(rows).order_by(*parsed.args["order"].expressions)


def text_literal(text: str | None) -> str:
    """A text as Spark writes it, null where there is none."""
    return exp.null().sql() if text is None else exp.Literal.string(text).sql("spark")
