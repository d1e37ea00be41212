"""Mistakes in result files: of their bytes, of their values, and of their structure.

The bytes of a file and random values in, damaged bytes out. Most damage of bytes ends in a refusal;
damage of the structure leaves a file that parses and says something odd.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from random import Random
from typing import Any

SNIPPETS = (
    b"<", b">", b'"', b"&", b"]]>", b"<![CDATA[", b"&#0;", b"&#27;", b"\x00", b"\x1b", b"\xff\xfe",
    b"NaN", b"Infinity", b"-1", b"1e999", b"null", b"[]", b"{}", b'"x"', b"\xc3", b"9" * 400,
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>", b"true", b"\n" * 9, b"\\ud800", "\u202e".encode(),
    b"&#" + b"9" * 5000 + b";", b"[" * 3000, b"\\", b"<a>" * 700,
)  # fmt: skip
TEXTS = (
    "", " ", "x", "NaN", "nan", "Infinity", "-inf", "-1", "0", "1e400", "1e300", "9" * 400,
    "9" * 5000, "1,250", "1.234,56", "00:00:01.5", "9" * 400 + ":00:01", "\u00b2" * 10, "\u0661",
    "1793527200", "1793527200000", "2026-11-01T10:00:00+01:00", "2026-13-45T99:99:99Z",
    "2026-11-01T10:00:00 XYZ/..", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "true", "false",
    "FAILED", "passed", "skipped", "undefined", "PENDING", "NOTRUN", "weird", "SKIP", "unexpected",
    "\ud800", "\u202eabc", "a" * 300, "[/x]", "\u0000", "\u001b[31m", "\ufffe", "()", ".", "::",
)  # fmt: skip
NAMES = (
    "testcase", "testsuite", "failure", "error", "skipped", "flakyFailure", "rerunFailure",
    "properties", "test", "suite", "status", "kw", "test-method", "test-case", "x", "system-out",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e300, 10**400, 2**63, float("nan"), float("inf"), [], {}, [[]],
    [None], {"x": [{}]}, [[["x"]]], "",
)  # fmt: skip
ENCODINGS = ("utf-16", "latin-1", "cp1252", "gb18030", "shift_jis", "base64", "utf-7", "rot13", "x")


def damaged(data: bytes, random: Random) -> bytes:
    """A file with one to six mistakes of one kind, and sometimes of bytes too."""
    changed = None
    kind = random.random()
    if kind < 0.3:
        changed = _json_structure(data, random)
    if changed is None and kind < 0.7:
        changed = _json_structure(data, random) or _xml_structure(data, random)
    if changed is None or random.random() < 0.1:
        changed = _bytes(data if changed is None else changed, random)
    if random.random() < 0.05:
        name = random.choice(ENCODINGS)
        changed = re.sub(rb"encoding=.[\w-]+", f'encoding="{name}'.encode(), changed, count=1)
    return changed


def _bytes(data: bytes, random: Random) -> bytes:
    for _ in range(random.randint(1, 6)):
        if not data:
            return data
        start = random.randrange(len(data))
        end = min(len(data), start + random.choice((1, 1, 5, 40, 400)))
        snippet = random.choice(SNIPPETS)
        match random.randrange(7):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                data = data[:start] + data[start:end] * 2 + data[end:]
            case 2:
                data = data[:start]
            case 3:
                data = data[:start] + snippet + data[end:]
            case 4:
                data = data[:start] + snippet + data[start:]
            case 5:
                data = _with_other(data, rb'(?<=")[^"<>]{0,60}(?=")', snippet, random)
            case _:
                data = _with_other(data, rb"\d+(\.\d+)?", snippet, random)
    return data


def _with_other(data: bytes, pattern: bytes, other: bytes, random: Random) -> bytes:
    """One value that matches becomes another one."""
    matches = list(re.finditer(pattern, data))
    if not matches:
        return data
    value = random.choice(matches)
    return data[: value.start()] + other + data[value.end() :]


def _xml_structure(data: bytes, random: Random) -> bytes | None:
    try:
        root = ET.fromstring(data)
    except (ET.ParseError, ValueError, LookupError):
        return None
    for _ in range(random.randint(1, 6)):
        element = random.choice(list(root.iter()))
        text = random.choice(TEXTS)
        match random.randrange(8):
            case 0 | 1 | 2 if element.attrib:
                element.set(random.choice(list(element.attrib)), text)
            case 3 if element.attrib:
                del element.attrib[random.choice(list(element.attrib))]
            case 4:
                element.text = text
            case 5 if len(element):
                child = random.choice(list(element))
                random.choice((element.remove, element.append))(child)
            case 6:
                element.tag = random.choice(NAMES)
            case _:
                ET.SubElement(element, random.choice(NAMES), {"name": text, "time": text})
    return ET.tostring(root, encoding="unicode").encode("utf-8", "surrogatepass")


def _json_structure(data: bytes, random: Random) -> bytes | None:
    if data[:1] not in (b"[", b"{"):
        return None
    try:
        values = [json.loads(line) for line in data.splitlines()]
        is_whole = False
    except ValueError:
        try:
            values, is_whole = [json.loads(data)], True
        except ValueError:
            return None
    for _ in range(random.randint(1, 6)):
        _change(random.choice(values), random)
    lines = [json.dumps(each, indent=1 if is_whole else None) for each in values]
    return "\n".join(lines).encode()


def _change(value: Any, random: Random) -> None:
    """Go down at random and put something odd in the place of a part."""
    while isinstance(value, dict | list) and value:
        key: Any = random.choice(list(value)) if isinstance(value, dict) else None
        key = random.randrange(len(value)) if isinstance(value, list) else key
        part = value[key]
        if isinstance(part, dict | list) and part and random.random() < 0.85:
            value = part
            continue
        match random.randrange(4):
            case 0:
                value[key] = random.choice(VALUES)
            case 1 if isinstance(value, list):
                value.append(part)
            case 1:
                del value[key]
            case _:
                value[key] = random.choice(TEXTS)
        return
