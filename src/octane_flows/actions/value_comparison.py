"""Values of the REST API compared as a reader would: references by id, moments as moments.

Two values in, whether they are the same out; and values as words. `apply_plan` and the makers of
plans call it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SHOWN = 200  # characters of a value in a verdict: a script has many
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


def differences(wanted: Mapping[str, Any], item: Mapping[str, Any]) -> list[str]:
    """Fields whose value is not the wanted one, as 'name is value'; `type` is the server's."""
    return [
        f"{name} is {shown(item.get(name))}"
        for name, value in wanted.items()
        if name != "type" and not same(value, item.get(name))
    ]


def same(value: Any, other: Any) -> bool:
    """Whether two values of a field are one, whatever else the server adds to references."""
    return bool(_plain(value) == _plain(other))


def bare(value: Any) -> Any:
    """A value as it is sent: of references their type and id alone."""
    if isinstance(value, Mapping) and "data" in value:
        return {"data": [bare(reference) for reference in value["data"]]}
    if isinstance(value, Mapping) and "id" in value:
        return {name: str(value[name]) for name in ("type", "id") if name in value}
    return value


def shown(value: Any) -> str:
    """A value in a sentence; a reference is its id."""
    plain = _plain(value)
    if plain is None:
        return "empty"
    text = ", ".join(plain) if isinstance(plain, list) else str(plain)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _plain(value: Any) -> Any:
    """A value to compare: ids of references, a list without any as nothing, moments in UTC."""
    if isinstance(value, Mapping):
        if "data" in value:
            return sorted(str(reference["id"]) for reference in value["data"]) or None
        return str(value["id"]) if "id" in value else dict(value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    return value
