"""Events of CI plug-ins: which builds started and ended, with their jobs and pipelines.

In: the body of `PUT analytics/ci/events`. Out: jobs, pipelines, builds and commits in the store.
Called by http/ci_plugin_routes.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octane_simulator.results.ci_builds import BuildRow, Builds, builds_of, ref
from octane_simulator.rules.ci_jobs import add_jobs, job_of
from octane_simulator.store.entity_store import Store

__all__ = ["apply_events", "event_problem", "server_of"]

Row = Mapping[str, Any]
# The status of a build after an event; events of other types change no build.
_STATUSES = {"queued": "queued", "started": "running", "finished": "finished"}
_RESULTS = frozenset({"success", "failure", "unstable", "aborted", "unavailable"})
_NUMBERS = {"startTime": "start", "duration": "duration"}


def event_problem(body: Any) -> str | None:
    """What is wrong with a list of events, or None."""
    if not isinstance(body, dict) or not isinstance(body.get("events"), list):
        return 'The body must be {"server": {...}, "events": [...]}'
    server = body.get("server")
    if not isinstance(server, dict) or not isinstance(server.get("instanceId"), str):
        return "The server of the events needs its instanceId"
    for event in body["events"]:
        if not isinstance(event, dict) or not isinstance(event.get("project"), str):
            return "Each event needs the id of its job in project"
        if event.get("eventType") in _STATUSES and not event.get("buildCiId"):
            return f"An event {event['eventType']} needs its buildCiId"
        for key in (*_NUMBERS, "estimatedDuration"):
            value = event.get(key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                return f"{key} of an event is a whole number of milliseconds"
    return None


def server_of(store: Store, server: Row) -> dict[str, str]:
    """The CI server of a plug-in, registered when it is not, with what the plug-in says of it."""
    instance = server["instanceId"]
    rows = store.find("ci_server", instance_id=instance)
    said = {
        "url": server.get("url"),
        "server_type": server.get("type"),
        "plugin_version": server.get("version"),
    }
    said = {key: str(value)[:255] for key, value in said.items() if value}
    if not rows:
        values = {"name": instance[:255], "instance_id": instance, "is_connected": True, **said}
        return {"type": "ci_server", "id": store.insert("ci_server", values)}
    row = rows[0]
    changed = {key: value for key, value in said.items() if row[key] != value}
    if changed or not row["is_connected"]:
        store.update("ci_server", row["id"], {**changed, "is_connected": True})
    return {"type": "ci_server", "id": row["id"]}


def apply_events(store: Store, body: Row) -> None:
    """Do what the events say, in their order."""
    with store.transaction():
        server = server_of(store, body["server"])
        builds = builds_of(store)
        for event in body["events"]:
            _apply(store, builds, body["server"]["instanceId"], server, event)


def _apply(store: Store, builds: Builds, instance: str, server: dict[str, str], event: Row) -> None:
    job, kind = event["project"], event.get("eventType")
    name = str(event.get("projectDisplayName") or job)
    if kind == "renamed":
        reference = job_of(store, server, job, name)
        store.update("ci_job", reference["id"], {"name": name[:255]})
        return
    if not event.get("buildCiId"):
        return
    cause = _upstream(event)
    reference = job_of(store, server, job, name)
    parameters = event.get("parameters")
    values = {"parameters": parameters, "branch": event.get("branch")}
    given = {key: value for key, value in values.items() if value}
    if given:
        store.update("ci_job", reference["id"], given)
    if cause is None:
        _ensure_pipeline(store, server, event, name)
    number = str(event["buildCiId"])
    build = builds.find_or_create(
        instance,
        job,
        number,
        job_name=name,
        name=str(event.get("number") or number)[:255],
        cause=cause,
    )
    if kind in _STATUSES:
        _report(store, builds, build, event)
    _add_commits(store, build, event)


def _report(store: Store, builds: Builds, build: BuildRow, event: Row) -> None:
    changes: dict[str, Any] = {"status": _STATUSES[event["eventType"]]}
    if str(event.get("result")).lower() in _RESULTS:
        changes["result"] = str(event["result"]).lower()
    changes |= {name: event[key] for key, name in _NUMBERS.items() if event.get(key) is not None}
    builds.report(build, **changes)
    if event.get("estimatedDuration") is not None:
        store.update("ci_build", build.id, {"estimated_duration": event["estimatedDuration"]})


def _upstream(event: Row) -> tuple[str, str] | None:
    """The job and build that started this build, or None for a person, a timer or a commit."""
    for cause in event.get("causes") or ():
        if isinstance(cause, Mapping) and cause.get("project") and cause.get("buildCiId"):
            return str(cause["project"]), str(cause["buildCiId"])
    return None


def _ensure_pipeline(store: Store, server: dict[str, str], event: Row, name: str) -> None:
    """The pipeline whose root is the job of an event; a branch's pipeline has a parent."""
    job = event["project"]
    parent = event.get("parentCiId")
    if parent:
        for row in store.find("pipeline", root_job_ci_id=parent, ci_server=server["id"]):
            if row["multi_branch_type"] != "PARENT":
                store.update("pipeline", row["id"], {"multi_branch_type": "PARENT"})
    if store.find("pipeline", root_job_ci_id=job, ci_server=server["id"]):
        return
    unique, attempt = name[:240], 1
    while store.find("pipeline", name=unique):
        attempt += 1
        unique = f"{name[:240]} ({attempt})"
    pipeline = store.insert("pipeline", {
        "name": unique, "ci_server": server, "root_job_ci_id": job,
        "multi_branch_type": event.get("multiBranchType"),
        "server_ci_id": (store.get("ci_server", server["id"]) or {}).get("instance_id"),
        "jobs": [{"name": name, "jobCiId": job, "parameters": event.get("parameters") or []}],
    })  # fmt: skip
    add_jobs(store, pipeline)


def _add_commits(store: Store, build: BuildRow, event: Row) -> None:
    """The commits of an event belong to its build."""
    data = event.get("scmData")
    commits = data.get("commits") if isinstance(data, Mapping) else None
    references = []
    for commit in commits or ():
        revision = commit.get("revId") if isinstance(commit, Mapping) else None
        if not revision:
            continue
        rows = store.find("scm_commit", name=str(revision)[:255])
        identifier = rows[0]["id"] if rows else store.insert("scm_commit", {"name": str(revision)})
        references.append(ref("scm_commit", identifier))
    if references:
        current = (store.get("ci_build", build.id) or {}).get("commits") or []
        merged = {each["id"]: each for each in (*current, *references) if each is not None}
        store.update("ci_build", build.id, {"commits": list(merged.values())})
