"""DuckDB's errors as sentences of ours: the SQL file and line at fault, or a machine that is full.

An error and what was run in, a `ModelError` out; `model_creation` and `data_checks` raise it. Lack
of memory or disk space, or a damaged file, is no fault of the SQL: such errors pass through to
`warehouse_build`.
"""

from __future__ import annotations

import re
from typing import NoReturn

import duckdb

from octane_flows.errors import ModelError
from octane_flows.models.model import Model
from octane_flows.warehouse.duckdb_file import first_line, is_damaged, is_machine_full

#: Errors whose `LINE n` counts the lines of the statement itself.
BINDING_ERRORS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)


def model_error(model: Model, error: duckdb.Error, statement: str = "") -> ModelError:
    """The error of SQL that does not bind or run; `statement` is what was run, if it holds it."""
    line = 1
    match = _LINE.search(str(error))
    first = model.sql.partition("\n")[0]
    if match and first in statement and isinstance(error, BINDING_ERRORS):
        line = int(match.group(1)) - statement[: statement.index(first)].count("\n")
    return ModelError(
        f"{model.where}:{max(line, 1)}: DuckDB cannot run this SQL ({first_line(error)}); correct "
        "it, or what it reads. Nothing was published."
    )


def raise_error(model: Model, error: duckdb.Error, statement: str = "", *, step: str) -> NoReturn:
    """Raise the `ModelError`; for a full machine or damaged file the error itself, with a note."""
    if is_machine_full(error) or is_damaged(error):
        error.add_note(step)
        raise error
    raise model_error(model, error, statement) from error
