"""Models become DuckDB objects: `er` views or tables, `flow`, `metric` and `plan` table macros.

A model in, SQL statements out; `model_creation` runs them.
"""

from __future__ import annotations

from octane_flows.models.macro_parameters import with_typed_parameters
from octane_flows.models.model import Model
from octane_flows.models.sql_text import literal, quoted

#: Schemas whose models are called with parameters.
MACRO_SCHEMAS = frozenset({"flow", "metric", "plan"})


def create_statements(model: Model) -> list[str]:
    """The statements that publish one model with its comments."""
    if model.schema == "er":
        return _relation_statements(model)
    if model.schema in MACRO_SCHEMAS:
        return [
            macro_sql(model),
            f"comment on macro table {model.name} is {literal(macro_comment(model))}",
        ]
    return []


def called(model: Model) -> str:
    """What stands behind `from` to read a model, a macro with its default parameters."""
    return f"{model.name}()" if model.schema in MACRO_SCHEMAS else model.name


def _relation_statements(model: Model) -> list[str]:
    kind = "table" if model.header.is_stored else "view"
    comments = [
        f"comment on column {model.name}.{quoted(column.name)} is {literal(column.meaning)}"
        for column in model.columns
    ]
    return [
        f"create {kind} {model.name} as {model.sql}",
        f"comment on {kind} {model.name} is {_question(model)}",
        *comments,  # "create or replace view" would drop them
    ]


def _question(model: Model) -> str:
    return literal(model.header.question)


def example_call(model: Model) -> str:
    """A call with the first parameters spelled out, as a user would change them."""
    shown = model.header.parameters[:2]
    inputs = ", ".join(f"{each.name} := {each.default_sql}" for each in shown)
    return f"from {model.name}({inputs})"


def macro_comment(model: Model) -> str:
    """What `duckdb_functions()` tells of a macro: question, parameters, an example."""
    lines = [model.header.question]
    for parameter in model.header.parameters:
        lines.append(
            f"{parameter.name} ({parameter.type}, {parameter.default_sql}): {parameter.meaning}"
        )
    return "\n".join([*lines, f"Example: {example_call(model)}"])


def macro_sql(model: Model) -> str:
    """`create macro` with every parameter cast to its type and the rows in their order."""
    inputs = ", ".join(
        f"{parameter.name} := {parameter.default_sql}" for parameter in model.header.parameters
    )
    body = with_typed_parameters(model.sql, model.header.parameters)
    order = ", ".join(f"flow_rows.{part.strip()}" for part in (model.header.order or "").split(","))
    return (
        f"create macro {model.name}({inputs}) as table\n"
        f"select * from (\n{body}\n) as flow_rows\norder by {order}"
    )
