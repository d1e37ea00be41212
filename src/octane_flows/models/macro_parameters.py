"""The parameters of flows, metrics and plans: their types, defaults and casts.

`header` reads them from a file, `macros` writes them into a macro, and whoever runs a question
parses values by their types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# the words of a `param` line and the DuckDB types that they stand for
PARAMETER_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_CHOICES = re.compile(r"(one|some) of ([\w, ]+):")
# a text or a comment, or a parameter: only the latter is replaced
_PARAMETER = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|\$([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Parameter:
    """One named input of a flow; `default` is None or text in SQL's spelling without quotes."""

    name: str
    type: str
    default: str | None
    meaning: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that there are, where the meaning begins with `one of a, b:`."""
        return self._choices("one")

    @property
    def list_choices(self) -> tuple[str, ...]:
        """The values of a list that there are, where the meaning begins with `some of a, b:`."""
        return self._choices("some")

    def _choices(self, number: str) -> tuple[str, ...]:
        match = _CHOICES.match(self.meaning)
        if not match or match.group(1) != number:
            return ()
        return tuple(name.strip() for name in match.group(2).split(","))

    @property
    def duckdb_type(self) -> str:
        """The DuckDB type that a value is cast to."""
        return PARAMETER_TYPES[self.type]

    @property
    def default_sql(self) -> str:
        """The default as a SQL literal."""
        if self.default is None:
            return "null"
        if self.type in ("integer", "number", "boolean"):
            return self.default
        return "'" + self.default.replace("'", "''") + "'"


def with_typed_parameters(sql: str, parameters: Iterable[Parameter]) -> str:
    """The SQL with each `$name` as the macro's input, cast to the type of the parameter."""
    types = {parameter.name: parameter.duckdb_type for parameter in parameters}

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"cast({name} as {types[name]})" if name else match.group()

    return _PARAMETER.sub(replace, sql)
