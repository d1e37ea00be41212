"""Moments as text: any form that clients send, to the form that the server stores.

In: a date with or without time and zone. Out: ISO text in UTC. Called for queries and for values.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from octane_simulator.model.refusals import bad_query

__all__ = ["parse_moment"]

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
)


def parse_moment(text: str) -> tuple[str, bool]:
    """ISO text in UTC with whole seconds, and whether a fraction of a second was cut off."""
    match = _MOMENT.match(text)
    if match is None:
        raise bad_query(f"'{text}' is not a date")
    zone = (match[8] or "Z").replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(
            f"{match[1]}-{match[2]}-{match[3]}T{match[4] or '00'}:{match[5] or '00'}"
            f":{match[6] or '00'}{zone}"
        )
    except ValueError as error:
        raise bad_query(f"'{text}' is not a date") from error
    fraction = bool(match[7] and match[7].strip(".0"))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), fraction
