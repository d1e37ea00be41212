"""Metadata, workspaces, versions and sign-ins that no server should send."""

from __future__ import annotations

from typing import Any

from tests.hostile.raw_server import answer
from tests.hostile.row_cases import nested
from tests.hostile.small_workspace import ENTITIES, FIELDS, Route, entity, field, page, reference


def as_is(body: Any) -> Route:
    return lambda _: answer(body)


def with_status(status: int) -> Route:
    return lambda _: answer({}, status)


def entities(*more: Any) -> dict[str, Route]:
    return {"entities": as_is(page([*ENTITIES, *more]))}


def fields(*more: Any) -> dict[str, Route]:
    return {"fields": as_is(page([*FIELDS, *more]))}


def changed(owner: str, name: str, **values: Any) -> dict[str, Route]:
    """The fields with other values in one of them."""
    listed = [
        {**entry, **values} if (entry["entity_name"], entry["name"]) == (owner, name) else entry
        for entry in FIELDS
    ]
    return {"fields": as_is(page(listed))}


BODIES: dict[str, Any] = {
    "null": b"null",
    "a list": [],
    "an empty object": {},
    "a text": "text",
    "data null": {"data": None},
    "data of null": {"data": [None, None]},
    "data of texts": {"data": ["defect"]},
    "deep": nested(100_000),
    "HTML": b"<html>",
    "cut": b'{"data":[{"name":"defect',
    "fewer than counted": {"total_count": 99, "data": ENTITIES},
}
ROUTES_WITH_BODIES = ("entities", "fields", "workspaces", "version")
#: Whether they are usable or not, nothing but a sentence may come of them.
CASES: dict[str, dict[str, Route]] = {
    **{
        f"{route}: {name}": {route: as_is(body)}
        for route in ROUTES_WITH_BODIES
        for name, body in BODIES.items()
    },
    "entity a path": entities(entity("../../x", "defects")),
    "entity absolute": entities(entity("/etc/cron.d/x", "defects")),
    "entity with a quote": entities(entity('a"; drop table x; --', "defects")),
    "entity with an asterisk": entities(entity("a*", "defects")),
    "entity in other letters": entities(entity("größe", "defects")),
    "entity of upper case": entities(entity("DEFECT", "defects")),
    "entity twice": entities(entity("defect", "defects")),
    "entity called con": entities(entity("con", "defects")),
    "entity like a link table": entities(entity("defect__tags", "defects")),
    "entity without a name": entities({"features": []}),
    "entity name a number": entities(entity("x", "defects") | {"name": 5}),
    "entity name an object": entities(entity("x", "defects") | {"name": {}}),
    "entity name of a surrogate": entities(entity("\ud83d", "defects")),
    "entity label an object": entities(entity("x", "defects") | {"label": {}}),
    "entity label of a surrogate": entities(entity("x", "defects") | {"label": "\ud83d"}),
    "features null": entities(entity("x", "defects") | {"features": None}),
    "features an object": entities(entity("x", "defects") | {"features": {}}),
    "features of null": entities(entity("x", "defects") | {"features": [None]}),
    "feature url a number": entities({"name": "x", "features": [{"name": "rest", "url": 5}]}),
    "feature url up": entities(
        {"name": "x", "features": [{"name": "rest", "url": "/..", "methods": ["GET"]}]}
    ),
    "feature methods a text": entities(
        {"name": "x", "features": [{"name": "rest", "url": "/defects", "methods": "GET"}]}
    ),
    "a subtype of itself": entities(
        {"name": "x", "features": [{"name": "subtype_of", "type": "x"}]}
    ),
    "subtypes in a circle": entities(
        entity("x", "defects")
        | {"features": [*ENTITIES[0]["features"], {"name": "subtypes", "types": ["y"]}]},
        entity("y", "defects")
        | {"features": [*ENTITIES[0]["features"], {"name": "subtypes", "types": ["x"]}]},
    ),
    "subtypes an object": entities(
        {"name": "x", "features": [{"name": "subtypes", "types": {"x": 1}}]}
    ),
    "field a path": fields(field("defect", "../../x")),
    "field with a comma": fields(field("defect", "a,b")),
    "field in other letters": fields(field("defect", "größe_udf")),
    "field with a quote": fields(field("defect", 'a"b')),
    "field with a percent sign": fields(field("defect", "a%2Cb&limit=0")),
    "field links in other letters": fields(
        field("defect", "größe_udf", "reference", **reference("list_node", multiple=True))
    ),
    "field links a path": fields(
        field("defect", "../../../x", "reference", **reference("list_node", multiple=True))
    ),
    "field name empty": fields(field("defect", "")),
    "field name a number": fields(field("defect", "x") | {"name": 5}),
    "field name long": fields(field("defect", "x" * 10_000)),
    "field name of a surrogate": fields(field("defect", "\ud83d")),
    "field label of a surrogate": fields(field("defect", "x", label="\ud83d")),
    "field label a list": fields(field("defect", "x", label=[])),
    "field label with zeros": fields(field("defect", "x", label="a\0b")),
    "field owner a list": fields(field("defect", "x") | {"entity_name": []}),
    "field type unknown": fields(field("defect", "x", "hologram")),
    "field type an object": fields(field("defect", "x") | {"field_type": {}}),
    "field type data a list": fields(field("defect", "x", "reference", field_type_data=[])),
    "field targets a text": fields(
        field("defect", "x", "reference", field_type_data={"targets": "list_node"})
    ),
    "field targets odd": fields(
        field("defect", "x", "reference", field_type_data={"targets": [None, {"type": {}}, 5]})
    ),
    "field length huge": fields(field("defect", "x", max_length=10**40)),
    "field is own column": fields(field("defect", "_deleted", "boolean")),
    "field called type": fields(field("defect", "type", "reference", **reference("list_node"))),
    "field and its reference column": fields(field("defect", "severity_id")),
    "fields that differ in case": fields(field("defect", "NAME"), field("defect", "Name")),
    "a thousand fields": fields(*(field("defect", f"some_field_{n}_udf") for n in range(1000))),
    "no fields of defects": {
        "fields": as_is(page([entry for entry in FIELDS if entry["entity_name"] != "defect"]))
    },
    "last_modified gone": {
        "fields": as_is(page([entry for entry in FIELDS if entry["name"] != "last_modified"]))
    },
    "last_modified not filterable": changed("defect", "last_modified", filterable=False),
    "last_modified a text": changed("defect", "last_modified", field_type="string"),
    "name not selectable": changed("defect", "name", selectable=False),
    "points a reference": changed("defect", "points", field_type="reference"),
    "tags single": changed("defect", "tags", field_type_data={"multiple": False, "targets": []}),
    "defects gone": {"entities": as_is(page(ENTITIES[1:]))},
    "everything gone": {"entities": as_is(page([entity("x", "x") | {"features": []}]))},
    "workspace id a path": {"workspaces": as_is(page([{"id": "../../x", "name": "x"}]))},
    "workspace id a number": {"workspaces": as_is(page([{"id": 2, "name": "Main"}]))},
    "workspace id huge": {"workspaces": as_is(page([{"id": "9" * 400, "name": "x"}]))},
    "workspace name an object": {"workspaces": as_is(page([{"id": "2", "name": {"a": "\ud83d"}}]))},
    "workspaces none": {"workspaces": as_is(page([]))},
    "workspaces without an end": {
        "workspaces": lambda request: answer(
            page(
                [{"id": f"{1 + int(request.parameters.get('offset', '0'))}", "name": "x"}],
                total_count=2 + 2 * int(request.parameters.get("offset", "0")),
            )
        )
    },
    "version a number": {"version": as_is({"version": 5})},
    "version long": {"version": as_is({"version": "1" * 100_000})},
    "version with escapes": {"version": as_is({"version": "\x1b[2J"})},
    "user odd": {"current_user": as_is({"id": {}, "name": "\ud83d"})},
    "user null": {"current_user": as_is(b"null")},
    "user deep": {"current_user": as_is(nested(100_000))},
    "sign-in without a cookie": {"sign_in": as_is({})},
    "sign-in a page": {"sign_in": lambda _: answer(b"<html>", kind="text/html")},
    "sign-in elsewhere": {"sign_in": lambda _: answer(b"", 302, "Location: https://sso.example")},
    "sign-in refused": {"sign_in": lambda _: answer({"errorCode": "NO"}, 401)},
    "sign-in fails": {"sign_in": lambda _: answer(b"", 500)},
    "sign-in cookie of bytes": {
        "sign_in": lambda _: answer({}, 200, "Set-Cookie: LWSSO_COOKIE_KEY=grö\x80ße")
    },
    "sign-in cookie empty": {"sign_in": lambda _: answer({}, 200, "Set-Cookie: LWSSO_COOKIE_KEY=")},
    "sign-in cookie odd": {
        "sign_in": lambda _: answer({}, 200, "Set-Cookie: =;=;;", "Set-Cookie:")
    },
    "sign-in cookie of a megabyte": {
        "sign_in": lambda _: answer({}, 200, "Set-Cookie: LWSSO_COOKIE_KEY=" + "x" * 1_000_000)
    },
    **{
        f"{route}: status {status}": {route: with_status(status)}
        for route in ("entities", "workspaces")
        for status in (204, 302, 401, 403, 404, 500)
    },
}
