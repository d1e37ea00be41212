"""Texts of the server made harmless for the program that shows them: spreadsheets and terminals.

Arrow tables and texts in, the same without formulas and control characters out; `answer_formats`
and the report's exports call it. A spreadsheet runs a cell that begins like a formula.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.console import VISIBLE

#: What a spreadsheet takes for the begin of a formula, also in its wide forms and behind blanks.
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


#: At least what `harmless_cell` changes, for Arrow: columns without it need no look at each cell.
_CONTROLS = "".join(rf"\x{{{code:x}}}" for code in VISIBLE)
_SUSPECT = rf"[{_CONTROLS}]|^[\pZ\s]*[=+\-@\x{{ff1d}}\x{{ff0b}}\x{{ff0d}}\x{{ff20}}]"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may run the text when it opens it as a cell."""
    return _FORMULA.match(text) is not None


def harmless_cell(text: str) -> str:
    """The text as a cell: an apostrophe before a formula, control characters visible."""
    safe = text.translate(VISIBLE)
    return f"'{safe}" if is_formula(text) else safe


def harmless_cells(table: pa.Table) -> pa.Table:
    """The table with harmless names and texts; numbers and dates stay as they are."""
    columns = [
        pa.array(
            [None if text is None else harmless_cell(text) for text in column.to_pylist()],
            pa.string(),
        )
        if _has_harmful_text(column)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=[harmless_cell(name) for name in table.column_names])


def _has_harmful_text(column: pa.ChunkedArray) -> bool:
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return is_text and bool(pc.any(pc.match_substring_regex(column, _SUSPECT)).as_py())
