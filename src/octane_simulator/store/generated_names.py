"""Names that the server makes up: opaque logical names and the paths of trees.

In: the parts that identify a row. Out: text. Called by entity_store.py and ci_rules.py.
"""

from __future__ import annotations

import hashlib

__all__ = ["ROOT_PATH", "opaque_name", "path_segment"]

ROOT_PATH = "000000"
_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def opaque_name(*parts: object) -> str:
    """A stable 25-character lower-case name, as the server gives to rows without a dotted one."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return "".join(_LETTERS[byte % 36] for byte in digest[:25])


def path_segment(key: int | str) -> str:
    """Six characters in base 36, as paths of trees have them: `0001OT`."""
    number, digits = int(key), ""
    for _ in range(6):
        number, digit = divmod(number, 36)
        digits = _BASE_36[digit] + digits
    return digits
