"""The line `rows` of a model's header: the relations of which each row is one row of the model.

A text such as `er.runs where run_type in ('run_automated')` in, a `RowSource` out; `header` calls
it. The count of such a model is that of these relations, and its key follows from theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from octane_flows.models.sql_text import literal

_ROW_SOURCE = re.compile(r"(er\.\w+)(?:\s+where\s+(\w+)\s+in\s+\(('\w+'(?:,\s*'\w+')*)\))?$")


@dataclass(frozen=True)
class RowSource:
    """A model of which each row, or each with one of the values in a column, is a row of another.

    `column` is None where all rows are.
    """

    model: str
    column: str | None = None
    values: tuple[str, ...] = ()

    def condition(self, alias: str) -> str:
        """The condition on `alias`, rows of the model."""
        if self.column is None:
            return "true"
        return f"{alias}.{self.column} in ({', '.join(map(literal, self.values))})"


def parsed_row_source(text: str) -> RowSource | None:
    """What the text says; None when it says nothing of that kind."""
    match = _ROW_SOURCE.match(text)
    if match is None:
        return None
    model, column, values = match.groups()
    return RowSource(model, column, tuple(re.findall(r"'(\w+)'", values or "")))
