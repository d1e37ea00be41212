"""JSON text to Python values, as strict as a server in another language is.

In: a body or a parameter. Out: the value, or ValueError. Called wherever JSON comes in.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["json_value"]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def json_value(text: str | bytes) -> Any:
    """A JSON value; ValueError also for NaN, endless nesting and halves of surrogate pairs."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
        if _SURROGATE.search(text if isinstance(text, bytes) else text.encode()):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("The JSON text nests too deep") from error
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
