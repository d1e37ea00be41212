"""What CI plug-ins call beside the public resources: `.../analytics/ci/...`.

In: requests below `/internal-api/shared_spaces/<id>`, and those of a workspace that end alike. Out:
answers, or None for a path that does not exist. Called by space_routes.py and workspace_routes.py.
A plug-in names its CI server, and the server names the workspace.
"""

from __future__ import annotations

import base64
import binascii
import re
from time import sleep
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http import result_routes
from octane_simulator.http.wire import body_of, object_response
from octane_simulator.model.refusals import (
    entity_not_found,
    illegal_value,
    method_not_allowed,
)
from octane_simulator.results.ci_events import apply_events, event_problem, server_of
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import Workspace

__all__ = ["plugin_route", "workspace_plugin_route"]

SDK_VERSION = "1.0.0"
# How long a request for tasks waits: there never are any.
LONG_POLL_S = 3.0
_SERVER_ID = re.compile(rb"<build\b[^>]*\bserver_id\s*=\s*[\"']([^\"']*)[\"']")
# What a plug-in says of itself when it asks for tasks, and the fields of its CI server.
_SELF = {
    "self-type": "server_type", "self-url": "url", "plugin-version": "plugin_version",
    "sdk-version": "sdk_version", "client-id": "client_id", "ci-server-user": "ci_server_user",
    "client-server-user": "ci_server_user", "api-version": "api_version",
}  # fmt: skip
_JOB_KEYS = {"name": "name", "jobCiId": "ci_id", "parameters": "parameters", "branchName": "branch"}
_PIPELINE_KEYS = {
    "name": "name",
    "multi_branch_type": "multi_branch_type",
    "multiBranchType": "multi_branch_type",
    "root_job_ci_id": "root_job_ci_id",
    "rootJobCiId": "root_job_ci_id",
    "root_job_name": "root_job_name",
}


def plugin_route(space: Space, request: Request, version: str, parts: list[str]) -> Response | None:
    """The answer to a path below `/internal-api/shared_spaces/<id>`."""
    if parts[:1] == ["workspaces"] and parts[2:4] == ["analytics", "ci"]:
        workspace = space.find_workspace(parts[1])
        return None if workspace is None else workspace_plugin_route(workspace, request, parts[4:])
    if parts[:2] != ["analytics", "ci"]:
        return None
    match parts[2:]:
        case ["servers", "connectivity", "status"] if request.method == "GET":
            return object_response({"supportedSdkVersion": SDK_VERSION, "octaneVersion": version})
        case ["events"]:
            return _events(space, request)
        case ["servers", server, "tasks"] if request.method == "GET":
            return _tasks(space, request, server)
        case ["servers", _, "tasks", _, "result"] if request.method == "PUT":
            return Response("", 204)
        case ["servers", server, "jobs", *job, "tests-result-preflight"]:
            return _preflight(space, request, server, "/".join(job))
        case ["test-results", *_]:
            return _results(space, request)
    return None


def _workspaces_of(space: Space, instance: str) -> list[Workspace]:
    """The workspaces that know a CI server; the first one where none does."""
    return [
        workspace
        for workspace in space.workspaces.values()
        if workspace.store.find("ci_server", instance_id=instance)
    ] or [space.first]


def _events(space: Space, request: Request) -> Response:
    if request.method != "PUT":
        raise method_not_allowed()
    body = body_of(request)
    if problem := event_problem(body):
        raise illegal_value(problem)
    for workspace in _workspaces_of(space, body["server"]["instanceId"]):
        apply_events(workspace.store, body)
    return object_response({})


def _tasks(space: Space, request: Request, instance: str) -> Response:
    """No task ever waits for a plug-in; what it says of itself is stored."""
    said = {field: request.args[key] for key, field in _SELF.items() if request.args.get(key)}
    if not said.get("api_version", "0").isdecimal():
        raise illegal_value("api-version is a whole number")
    values: dict[str, Any] = dict(said)
    if "api_version" in said:
        values["api_version"] = int(said["api_version"])
    for workspace in _workspaces_of(space, instance):
        store = workspace.store
        with store.transaction():
            server = server_of(store, {"instanceId": instance})
            store.update("ci_server", server["id"], values)
    seconds = space.faults.setting("long_poll", "seconds")
    sleep(LONG_POLL_S if seconds is None else seconds)
    return Response("", 204)


def _preflight(space: Space, request: Request, instance: str, job: str) -> Response:
    """Whether the results of a job are wanted: those of the jobs of pipelines are."""
    if request.method != "GET":
        raise method_not_allowed()
    if request.args.get("isBase64") == "true":
        try:
            job = base64.b64decode(job, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise illegal_value("The job is not base64") from error
    wanted = any(
        workspace.store.find("pipeline_node", ci_job=row["id"])
        for workspace in _workspaces_of(space, instance)
        for row in workspace.store.find("ci_job", ci_id=job)
    )
    return Response("true" if wanted else "false", 200, content_type="text/plain")


def _results(space: Space, request: Request) -> Response:
    """Test results go to the workspace of their CI server."""
    instance = request.args.get("instance-id", "")
    if not instance and (match := _SERVER_ID.search(request.get_data()[:10_000])):
        instance = match[1].decode(errors="replace")
    store = _workspaces_of(space, instance)[0].store
    return result_routes.answer(store, space.faults, request)


# -- one workspace ------------------------------------------------------------------------------


def workspace_plugin_route(
    workspace: Workspace, request: Request, parts: list[str]
) -> Response | None:
    """The answer to a path below `.../workspaces/<id>/analytics/ci`."""
    match parts:
        case ["ci_job_update"]:
            return _update(workspace, request, "ci_job", "jobId", _JOB_KEYS)
        case ["pipeline_update"]:
            return _update(workspace, request, "pipeline", "pipelineId", _PIPELINE_KEYS)
        case ["pull-requests"]:
            return _pull_requests(workspace, request)
        case [toggles] if toggles.endswith("_feature_toggles") and request.method == "GET":
            return object_response({})
    return None


def _update(
    workspace: Workspace, request: Request, kind: str, id_key: str, keys: dict[str, str]
) -> Response:
    """Change the jobs or pipelines that a list of objects, or a single one, names by id."""
    rows = _listed(request)
    store = workspace.store
    with store.transaction():
        for row in rows:
            identifier = str(row.get(id_key) or row.get("id") or "")
            if not identifier or store.type_of(kind, identifier) is None:
                raise entity_not_found(kind, identifier)
            values = {field: row[key] for key, field in keys.items() if key in row}
            server = row.get("ciServer") or row.get("ci_server")
            if isinstance(server, dict) and server.get("id"):
                if store.type_of("ci_server", server["id"]) is None:
                    raise entity_not_found("ci_server", server["id"])
                values["ci_server"] = {"type": "ci_server", "id": str(server["id"])}
            store.update(kind, identifier, values)
    return object_response({})


def _pull_requests(workspace: Workspace, request: Request) -> Response:
    """Pull requests, each by the id that its repository gives it."""
    rows = _listed(request)
    store = workspace.store
    with store.transaction():
        for row in rows:
            if not row.get("id") and not row.get("title"):
                raise illegal_value("A pull request needs its id and title")
            source, target = (
                row.get(key) or {} for key in ("sourceRepository", "targetRepository")
            )
            values = {
                "name": str(row.get("title") or row.get("id"))[:255],
                "external_id": str(row.get("id") or row.get("title")),
                "state": row.get("state"),
                "url": row.get("selfUrl"),
                "source_branch": source.get("branch"),
                "target_branch": target.get("branch"),
                "repository_url": target.get("url") or source.get("url"),
            }
            same = store.find(
                "pull_request",
                external_id=values["external_id"],
                repository_url=values["repository_url"],
            )
            if same:
                store.update("pull_request", same[0]["id"], values)
            else:
                store.insert("pull_request", values)
    return object_response({})


def _listed(request: Request) -> list[dict[str, Any]]:
    if request.method != "PUT":
        raise method_not_allowed()
    body = body_of(request)
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows):
        raise illegal_value("The body must be an object or a list of objects")
    return rows
