"""Random values, texts and bytes that are odd, and random changes of what was right.

A random generator with a known seed comes in, so that each example can be run again alone.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

TEXTS = (
    "", " ", "0", "-1", "1e999", "nan", "inf", "true", "null", "None", "all", "*", "%", "%00",
    "%s{}", "../../x", "/", "/dev/null", "/proc/self/mem", "~", "~nobody-here/x", ".", "a,b", ",",
    ";", "'", '"', "a\tb", "a\nb", "a\x1b[2Jb", "größe", "年", "\u00a0", "１２", "٣", "\U0001f41e",
    "[bold]", ":bug:", "http://", "https://", "http://[::1", "http://127.0.0.1:99999",
    "http://a b", "https://x.invalid:0", "http://127.0.0.1:9", "https://user:pw@host", "s3://",
    "s3://bucket/../x", "redis://", "redis://x:y", "mon-fri 08:00-18:00", "25:00-26:00",
    "Europe/Berlin", "9" * 400, "x" * 5000, "[" * 5000, "1_000", "0x10", "1.5", "=1+1",
    "select 1", "\ufffd", "\u202e",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, "", "x", [], {}, [None], {"": None}, [[[]]], "1",
    "\ud83d", {"id": None}, {"type": 5, "id": []}, float("nan"), float("inf"), "x" * 10_000,
    ["a", 1, None],
)  # fmt: skip


def odd_text(random: Random) -> str:
    """A text of the list, or some characters of any kind."""
    if random.random() < 0.8:
        return random.choice(TEXTS)
    return "".join(
        chr(random.choice((random.randrange(1, 0xD7FF), 45, 47, 58, 46))) for _ in range(6)
    )


def changed_value(value: Any, random: Random) -> Any:
    """A JSON value with one place replaced, taken away, doubled or wrapped."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        rest = dict(value)
        match random.randrange(6):
            case 0:
                del rest[key]
            case 1:
                rest[odd_text(random)] = rest.pop(key)
            case _:
                rest[key] = changed_value(value[key], random)
        return rest
    if isinstance(value, list) and value and random.random() < 0.85:
        place = random.randrange(len(value))
        listed = list(value)
        match random.randrange(5):
            case 0:
                del listed[place]
            case 1:
                listed.insert(place, listed[place])
            case _:
                listed[place] = changed_value(value[place], random)
        return listed
    if random.random() < 0.3:
        return odd_text(random)
    return random.choice(VALUES)


def changed_bytes(body: bytes, random: Random) -> bytes:
    """Bytes with a cut, a flip, a hole, noise or nothing at all."""
    place = random.randrange(len(body) + 1)
    match random.randrange(6):
        case 0:
            return body[:place]
        case 1:
            return body[:place] + bytes([random.randrange(256)]) + body[place + 1 :]
        case 2:
            return body[:place] + body[place + random.randrange(1, 200) :]
        case 3:
            return body[:place] + random.randbytes(random.randrange(1, 50)) + body[place:]
        case 4:
            return random.choice((b"", b"null", b"{}", b"[]", b"\0" * 100, b"[" * 50_000))
        case _:
            return body + body


def changed_json(body: bytes, random: Random) -> bytes:
    """A JSON text that is still one, with up to three odd places."""
    try:
        value = json.loads(body)
    except ValueError:
        return changed_bytes(body, random)
    for _ in range(random.randrange(1, 4)):
        value = changed_value(value, random)
    return json.dumps(value).encode()
