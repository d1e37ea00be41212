"""Bodies of pages and rows that no server should send, by what is odd about them."""

from __future__ import annotations

import json
from typing import Any

from tests.hostile.raw_server import answer
from tests.hostile.small_workspace import Route, defect, page

REFERENCE = {"type": "list_node", "id": "list_node.severity.high"}


def rows(*listed: Any, **more: Any) -> bytes:
    """A page of these rows as it is written."""
    return json.dumps(page(list(listed), **more)).encode()


def without(key: str) -> dict[str, Any]:
    row = defect()
    del row[key]
    return row


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return opening * depth + closing * depth


GOOD = rows(defect())
#: Bodies that are no page, or whose rows cannot be told apart: nothing of them may be published.
UNUSABLE: dict[str, bytes] = {
    "null": b"null",
    "null after spaces": b" \r\n\t null",
    "null after a mark": b"\xef\xbb\xbfnull",
    "null and a page": b"null" + GOOD,
    "a page and null": GOOD + b"null",
    "two pages": GOOD + GOOD,
    "true": b"true",
    "a number": b"17",
    "a text": b'"text"',
    "an empty list": b"[]",
    "a list of null": b"[null]",
    "NaN": b"NaN",
    "nothing": b"",
    "spaces": b"   ",
    "an empty object": b"{}",
    "zeros": b"\0" * 100,
    "text": b"Service is starting",
    "HTML": b"<html><title>Sign in</title></html>",
    "JavaScript": b"while(1);" + GOOD,
    "cut": GOOD[:-10],
    "cut within a character": rows(defect(name="grö")).replace(b"\\u00f6", b"\xc3"),
    "Latin-1": rows(defect()).replace(b"A defect", "größe".encode("latin-1")),
    "deep list": nested(100_000),
    "deep object": nested(100_000, b'{"data":', b"}"),
    "deep value in a row": GOOD.replace(b'"A defect"', nested(100_000)),
    "data null": b'{"total_count":1,"data":null}',
    "data an object": b'{"total_count":1,"data":{}}',
    "data a text": b'{"total_count":1,"data":"x"}',
    "no data": b'{"total_count":1}',
    "no count": b'{"data":[]}',
    "count a text": rows(defect(), total_count="1"),
    "count negative": rows(defect(), total_count=-1),
    "count with a fraction": rows(defect(), total_count=1.5),
    "count too small": rows(defect("1"), defect("2"), total_count=1),
    "count of thousands of digits": GOOD.replace(b": 1", b": " + b"9" * 5000, 1),
    "count infinite": GOOD.replace(b'"total_count": 1', b'"total_count": 1e999'),
    "count far too large": rows(defect(), total_count=10**15),
    "rows null": rows(None, None),
    "rows texts": rows("1001"),
    "rows lists": rows([]),
    "rows numbers": rows(1, 2),
    "more rows than asked": rows(*(defect(str(id)) for id in range(1, 1_500))),
    "id null": rows(defect(None)),
    "id missing": rows(without("id")),
    "id empty": rows(defect("")),
    "id true": rows(defect(True)),
    "id a list": rows(defect([1])),
    "id an object": rows(defect({})),
    "id with a fraction": rows(defect(1.5)),
    "an id twice": rows(defect("1"), defect("1")),
    "ids that fall": rows(defect("2"), defect("1")),
    "an error with status 200": b'{"error_code":"platform.x","description":"It failed."}',
    "an old error with status 200": b'{"errorCode":"X","accumulatedMessage":"It failed."}',
}
#: Values that do not fit their field; the rest of the page may be taken.
VALUES: dict[str, bytes] = {
    "id a number": rows(defect(1001)),
    "id of thirty digits": rows(defect("9" * 30)),
    "id of thousands of digits": GOOD.replace(b'"1001"', b"9" * 5000),
    "id in other digits": rows(defect("１００１")),
    "id a path": rows(defect("../../x")),
    "id with a zero": rows(defect("1\0")),
    "id with a surrogate": rows(defect("\ud83d")),
    "id with a quote": rows(defect("1' or '1'='1")),
    "type a number": rows(defect(type=7)),
    "type an object": rows(defect(type={})),
    "type a list": rows(defect(type=["defect"])),
    "type null": rows(defect(type=None)),
    "type missing": rows(without("type")),
    "type a path": rows(defect(type="../x")),
    "subtype an object": rows(defect(subtype={})),
    "subtype a number": rows(defect(subtype=1)),
    "reference a text": rows(defect(severity="high")),
    "reference a number": rows(defect(severity=5)),
    "reference true": rows(defect(severity=True)),
    "reference a list": rows(defect(severity=[REFERENCE])),
    "reference empty": rows(defect(severity={})),
    "reference id null": rows(defect(severity={**REFERENCE, "id": None})),
    "reference id a list": rows(defect(severity={**REFERENCE, "id": []})),
    "reference id an object": rows(defect(severity={**REFERENCE, "id": {}})),
    "reference id true": rows(defect(severity={**REFERENCE, "id": True})),
    "reference type an object": rows(defect(severity={**REFERENCE, "type": {}})),
    "reference type a number": rows(defect(severity={**REFERENCE, "type": 4})),
    "links a text": rows(defect(tags="x")),
    "links a number": rows(defect(tags=3)),
    "links null": rows(defect(tags=None)),
    "links bare": rows(defect(tags=[REFERENCE])),
    "links data null": rows(defect(tags={"total_count": 1, "data": None})),
    "links of null": rows(defect(tags={"total_count": 1, "data": [None]})),
    "links of texts": rows(defect(tags={"total_count": 1, "data": ["x"]})),
    "links without ids": rows(defect(tags={"total_count": 1, "data": [{}]})),
    "links with odd ids": rows(defect(tags={"total_count": 1, "data": [{"id": []}]})),
    "links with odd types": rows(
        defect(tags={"total_count": 1, "data": [{"id": "1", "type": []}]})
    ),
    "links twice": rows(defect(tags={"total_count": 2, "data": [REFERENCE, REFERENCE]})),
    "links count a text": rows(defect(tags={"total_count": "many", "data": []})),
    "links count huge": rows(defect(tags={"total_count": 10**30, "data": []})),
    "name a number": rows(defect(name=1)),
    "name an object": rows(defect(name={})),
    "name a list": rows(defect(name=[])),
    "name true": rows(defect(name=True)),
    "name with a surrogate": rows(defect(name="half \ud83d")),
    "name with zeros": rows(defect(name="a\0b")),
    "name with escapes": rows(defect(name="\x1b[2J\x07\x9b")),
    "name of a megabyte": rows(defect(name="x" * 1_000_000)),
    "integer a text": rows(defect(points="5")),
    "integer with a fraction": rows(defect(points=1.5)),
    "integer huge": rows(defect(points=10**30)),
    "integer a list": rows(defect(points=[])),
    "integer true": rows(defect(points=True)),
    "float infinite": GOOD.replace(b"1.5", b"1e999"),
    "float NaN": GOOD.replace(b"1.5", b"NaN"),
    "float Infinity": GOOD.replace(b"1.5", b"-Infinity"),
    "float a text": rows(defect(effort="much")),
    "float of thousands of digits": GOOD.replace(b"1.5", b"1" * 5000),
    "boolean a text": rows(defect(blocked="yes")),
    "boolean a number": rows(defect(blocked=1)),
    "time empty": rows(defect(last_modified="")),
    "time a date": rows(defect(last_modified="2026-01-02")),
    "time of nine digits": rows(defect(last_modified="2026-01-02T03:04:05.123456789Z")),
    "time without a zone": rows(defect(last_modified="2026-01-02T03:04:05")),
    "time of another zone": rows(defect(last_modified="2026-01-02T03:04:05+14:00")),
    "time impossible": rows(defect(last_modified="2026-02-31T25:61:61Z")),
    "time in the year 0": rows(defect(last_modified="0000-01-01T00:00:00Z")),
    "time in the year 99999": rows(defect(last_modified="99999-01-01T00:00:00Z")),
    "time a number": rows(defect(last_modified=1_700_000_000_000)),
    "time an object": rows(defect(last_modified={})),
    "time text": rows(defect(last_modified="yesterday")),
    "date a time": rows(defect(due="2026-02-01T00:00:00Z")),
    "date impossible": rows(defect(due="2026-13-01")),
    "date a number": rows(defect(due=20260201)),
    "date a list": rows(defect(due=[])),
    "object with a surrogate": rows(defect(other={"a": "\ud83d"})),
    "object deep": rows(defect(other=json.loads(nested(400)))),
    "object infinite": GOOD.replace(b'"other": null', b'"other": 1e999'),
    "a key twice": GOOD.replace(b'"points": 3', b'"points": 3, "points": 4'),
    "unknown keys": rows(defect(**{"_deleted": True, "": 1, "a b": 2, "constructor": None})),
    "only the id": rows({"id": "1001"}),
    "no field of those asked": rows({"type": "defect", "id": "1001"}),
    "a mark before it": b"\xef\xbb\xbf" + GOOD,
    "spaces around it": b" \r\n" + GOOD + b"\n\n",
    "UTF-16": GOOD.decode().encode("utf-16"),
}


def route(body: bytes) -> dict[str, Route]:
    """The routes of a case: the body is the answer for every page of defects."""
    return {"defects": lambda _: answer(body)}
