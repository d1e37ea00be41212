"""Fields that were requested and are in no row of a page, which Arrow cannot tell from null.

A page and field names come in, the absent ones go out; `entity_pages` calls this for each page. The
server answers null where a row has no value, so a field that is absent altogether was left out by a
role, a proxy or a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from octane_flows.client import PageBytes
from octane_flows.client.response import capitalized
from octane_flows.errors import AccessError, AnswerError

FIRST_ROW: Final = re.compile(rb'"data"\s*:\s*\[\s*')
MAX_SHOWN: Final = 10  # names in a message


class AbsentFieldsError(AccessError):
    """Values are not readable though metadata says so; stored rows must not become null."""


def absent_fields(page: PageBytes, fields: Sequence[str]) -> list[str]:
    """The fields that no row of a page has; none for a page without rows or one that is no page."""
    if set(fields) <= _first_row(page.body).keys():
        return []
    try:
        rows = page.parse().rows
    except AnswerError:
        return []  # told by what decodes the page
    present = {name for row in rows for name in row}
    return [name for name in fields if name not in present] if rows else []


def require_fields(page: PageBytes, entity: str, fields: Sequence[str]) -> None:
    """Raise AbsentFieldsError when no row of a page has one of the fields."""
    absent = absent_fields(page, fields)
    if not absent:
        return
    more = f" and {len(absent) - MAX_SHOWN} more" if len(absent) > MAX_SHOWN else ""
    raise AbsentFieldsError(
        f"{capitalized(page.action)} gave no value, not even null, of "
        f"{', '.join(absent[:MAX_SHOWN])}{more}, which the metadata calls readable; ask for a role "
        "that reads these fields, and about proxies in between, or leave the entity type out with "
        f"--skip {entity}."
    )


def _first_row(body: bytes) -> dict[str, Any]:
    """The first row of a page, {} where it cannot be read alone."""
    start = FIRST_ROW.search(body)
    if start is None:
        return {}
    try:
        text = body[start.end() :].decode("utf-8")
        row, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
