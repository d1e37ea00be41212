"""Build reports of CI servers: `PUT analytics/ci/builds`.

In: a report as JSON. Out: the build created or changed, and the answer. Called by
workspace_routes.py.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http.wire import object_response
from octane_simulator.model.refusals import entity_not_found, illegal_value, method_not_allowed
from octane_simulator.model.strict_json import json_value
from octane_simulator.results.ci_builds import builds_of
from octane_simulator.store.entity_store import Store

__all__ = ["answer"]

_STATUSES = ("queued", "running", "finished")
_RESULTS = ("success", "failure", "unstable", "aborted", "unavailable")
# The keys of a report that change a build, and the attributes of a BuildRow.
_CHANGES = {"status": "status", "result": "result", "startTime": "start", "duration": "duration"}


def answer(store: Store, request: Request) -> Response:
    """Create the build, or change its status, result, start or duration."""
    if request.method != "PUT":
        raise method_not_allowed()
    try:
        body = json_value(request.get_data())
    except ValueError:
        body = None
    if problem := _problem(body):
        raise illegal_value(problem)
    server, job, number = body["serverCiId"], body["jobCiId"], body["buildCiId"]
    if not store.find("ci_server", instance_id=server):
        raise entity_not_found("ci_server", server)
    with store.transaction():
        builds = builds_of(store)
        cause = next(iter(body.get("causes") or ()), None)
        build = builds.find_or_create(
            server,
            job,
            number,
            job_name=job,
            name=body.get("buildName") or number,
            cause=(cause["jobCiId"], cause["buildCiId"]) if cause else None,
        )
        changes = {name: body[key] for key, name in _CHANGES.items() if key in body}
        builds.report(build, **changes)
    return object_response(body)


def _problem(body: Any) -> str | None:
    """What is wrong with a build report, or None."""
    if not isinstance(body, dict):
        return "The body must be one JSON object."
    for name in ("serverCiId", "jobCiId", "buildCiId"):
        if not isinstance(body.get(name), str) or not body[name]:
            return f"{name!r} must be a text that is not empty."
    if not isinstance(body.get("buildName") or "", str):
        return "'buildName' must be a text."
    causes = body.get("causes") or []
    if not isinstance(causes, list) or not all(_is_cause(cause) for cause in causes):
        return "'causes' must be a list of objects with 'jobCiId' and 'buildCiId'."
    for name, allowed in (("status", _STATUSES), ("result", _RESULTS)):
        if body.get(name) is not None and str(body[name]) not in allowed:
            return f"{name!r} must be one of {', '.join(allowed)}."
    for name in ("startTime", "duration"):
        value = body.get(name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and 0 <= value < 2**53):
            return f"{name!r} must be a whole number of milliseconds."
    return None


def _is_cause(cause: Any) -> bool:
    return isinstance(cause, dict) and all(
        isinstance(cause.get(name), str) for name in ("jobCiId", "buildCiId")
    )
