"""Ids of rows as numbers: which texts are one, and what becomes of a row whose id is none.

Texts in, numbers or None out. Collections whose ids are numbers are read by key; there a row with
any other id can be neither requested again nor compared. Pages, deletions and owners call it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_ROW_ID = 2**63 - 1  # Octane's ids are Java longs; the lake compares them as int64
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


def id_number(id: object) -> int | None:
    """The id as a number; None for a name, other digits than 0 to 9, or more than int64 holds."""
    if not isinstance(id, str | int) or isinstance(id, bool):
        return None
    if isinstance(id, int):
        return id if 0 <= id <= MAX_ROW_ID else None
    if _NUMBER.fullmatch(id) is None:
        return None
    number = int(id)
    return number if number <= MAX_ROW_ID else None


def are_names(ids: Sequence[str]) -> bool:
    """Whether ids are those of a collection that names its rows, as phases and list nodes do."""
    return any(not id.removeprefix("-").isdecimal() for id in ids)
