"""A list of changes as one HTML page without anything from the net.

A `ChangeList` in, HTML out; the command `changes` and mails call it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jinja2

from octane_flows.changes.change_list import ChangeList, total
from octane_flows.changes.change_texts import ROWS_SHOWN, details_of


def as_page(changes: ChangeList, *, rows: int = ROWS_SHOWN, notes: Sequence[str] = ()) -> str:
    """The page, after its notes; names of the server are text and never markup."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.changes"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("changes.html.j2").render(
        changes=changes, notes=notes, rows=rows, total=total, details_of=details_of
    )
