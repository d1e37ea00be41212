"""A workspace of two entity types as a correct server answers it; cases replace single routes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.hostile.raw_server import Answer, RawRequest, answer

Route = Callable[[RawRequest], Answer]
SESSION = "canary-session"


def feature(collection: str) -> list[dict[str, Any]]:
    return [{"name": "rest", "url": f"/api/shared_spaces/1/workspaces/2/{collection}",
             "methods": ["GET", "POST", "PUT"]}]  # fmt: skip


def entity(name: str, collection: str, **more: Any) -> dict[str, Any]:
    return {"type": "entity_metadata", "name": name, "label": name.title(),
            "features": feature(collection), **more}  # fmt: skip


def field(owner: str, name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"type": "field_metadata", "entity_name": owner, "name": name, "label": name.title(),
            "field_type": kind, "filterable": True, "sortable": True, **more}  # fmt: skip


def reference(*targets: str, multiple: bool = False) -> dict[str, Any]:
    listed = [{"type": target} for target in targets]
    return {"field_type_data": {"multiple": multiple, "targets": listed}}


ENTITIES = [entity("defect", "defects"), entity("list_node", "list_nodes")]
FIELDS = [
    field("defect", "id", "integer"),
    field("defect", "name"),
    field("defect", "description", "memo"),
    field("defect", "points", "integer"),
    field("defect", "effort", "float"),
    field("defect", "blocked", "boolean"),
    field("defect", "last_modified", "date_time"),
    field("defect", "due", "date"),
    field("defect", "other", "object"),
    field("defect", "severity", "reference", **reference("list_node")),
    field("defect", "tags", "reference", **reference("list_node", multiple=True)),
    field("list_node", "id"),
    field("list_node", "name"),
]


def defect(id: Any = "1001", **more: Any) -> dict[str, Any]:
    return {
        "type": "defect",
        "id": id,
        "name": "A defect",
        "description": "<p>text</p>",
        "points": 3,
        "effort": 1.5,
        "blocked": False,
        "last_modified": "2026-01-02T03:04:05Z",
        "due": "2026-02-01",
        "other": None,
        "severity": {"type": "list_node", "id": "list_node.severity.high"},
        "tags": {
            "total_count": 1,
            "data": [{"type": "list_node", "id": "list_node.severity.high"}],
        },
        **more,
    }


NODES = [
    {"type": "list_node", "id": "list_node.severity.high", "name": "High"},
    {"type": "list_node", "id": "list_node.severity.low", "name": "Low"},
]


def page(rows: list[Any], **more: Any) -> dict[str, Any]:
    return {"total_count": len(rows), "data": rows, "exceeds_total_count": False, **more}


def paged(rows: list[Any], request: RawRequest) -> dict[str, Any]:
    """The rows that a request for a page gets; queries are not read, as all rows match."""
    limit, offset = (int(request.parameters.get(key, "0")) for key in ("limit", "offset"))
    names = {"id", "type", *request.parameters.get("fields", "").split(",")}
    cut = [{key: row[key] for key in row if key in names} for row in rows[offset:][:limit]]
    return page(cut, total_count=len(rows))


def now() -> str:
    return "Date: " + format_datetime(datetime.now(UTC), usegmt=True)


def sign_in(_: RawRequest) -> bytes:
    return answer({}, 200, f"Set-Cookie: LWSSO_COOKIE_KEY={SESSION}; Path=/; HttpOnly")


def version(_: RawRequest) -> bytes:
    return answer({"version": "16.0.208.40", "display_version": "16.0.208.40"}, 200, now())


def user(_: RawRequest) -> bytes:
    return answer({"type": "workspace_user", "id": "7", "name": "reader"})


def workspaces(request: RawRequest) -> bytes:
    return answer(paged([{"type": "workspace", "id": "2", "name": "Main"}], request))


def entities(_: RawRequest) -> bytes:
    return answer(page(ENTITIES))


def fields(_: RawRequest) -> bytes:
    return answer(page(FIELDS))


def defects(request: RawRequest) -> bytes:
    return answer(paged([defect("1001"), defect("1002"), defect("1003")], request))


def list_nodes(request: RawRequest) -> bytes:
    return answer(paged(NODES, request))


ROUTES: dict[str, Route] = {
    "sign_in": sign_in,
    "version": version,
    "current_user": user,
    "workspaces": workspaces,
    "entities": entities,
    "fields": fields,
    "defects": defects,
    "list_nodes": list_nodes,
}


def respond_with(**replaced: Route) -> Route:
    """A server of this workspace with other answers on some routes."""
    routes = {**ROUTES, **replaced}

    def respond(request: RawRequest) -> Answer:
        route = routes.get(request.path.rpartition("/")[2])
        return route(request) if route is not None else answer({"error_code": "none"}, 404)

    return respond
