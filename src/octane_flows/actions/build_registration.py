"""Registering a build before its results: the CI server, the pipeline and the build itself.

A workspace and the ids of a CI system in, one record for each of the three out; `report-results
--register` calls it. Steps 1 to 3 of flow 15: what is there already is not written again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from octane_flows.actions.audit_log import REFUSALS, AuditLog
from octane_flows.actions.sending_lock import sending_lock
from octane_flows.client import Id, Query, Workspace
from octane_flows.client import field as on
from octane_flows.errors import UsageError

SERVER_TYPE = "ci_server"  # the word of the vendor's page, for servers of no known product
RESULTS = ("success", "failure", "unstable", "aborted", "unavailable")

WAIT_S = 120.0  # a registration takes a few seconds, an apply of a large plan minutes

Outcome = Literal["missing", "already", "done", "refused", "differs"]


@dataclass(frozen=True)
class Build:
    """A build of a job as the CI system names them; times are epoch milliseconds."""

    server_id: str
    job_id: str
    build_id: str
    server_name: str
    server_url: str | None
    pipeline_name: str
    job_name: str
    build_name: str
    result: str
    started_ms: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True)
class Registered:
    """One of the three: what it is, whether it is there, and the server's id or words."""

    kind: Literal["ci_server", "pipeline", "ci_build"]
    name: str
    outcome: Outcome
    entity_id: str | None = None
    detail: str = ""
    body: dict[str, Any] = field(default_factory=dict)


def look_up(workspace: Workspace, build: Build) -> list[Registered]:
    """Which of the three are there; writes nothing. Raises UsageError, ServerError."""
    _check(build)
    steps: list[Registered] = []
    for find in FINDERS:
        steps.append(find(workspace, build, steps))
    return steps


def register(
    workspace: Workspace, build: Build, audit: AuditLog, *, wait_s: float = WAIT_S
) -> list[Registered]:
    """Create what is missing, in order, and read it again; stops at the first refusal.

    One at a time for a data folder, so that jobs of one build do not register it twice; another one
    is waited for.
    """
    _check(build)
    with sending_lock(audit.path.parent, wait_s=wait_s):
        return _register(workspace, build, audit)


def _register(workspace: Workspace, build: Build, audit: AuditLog) -> list[Registered]:
    steps: list[Registered] = []
    for find in FINDERS:
        step = find(workspace, build, steps)
        if step.outcome == "missing":
            facts = {"slug": "report_results", "workspace_id": workspace.id}
            try:
                with audit.sending({**facts, **asdict(step)}):
                    _send(workspace, step)
                    step = _read_again(step, find(workspace, build, steps))
                audit.append({"event": "verdict", **facts, **asdict(step)})
            except REFUSALS as error:
                step = replace(step, outcome="refused", detail=str(error))
        steps.append(step)
        if step.outcome not in ("already", "done"):
            break
    return steps


def _check(build: Build) -> None:
    if build.result not in RESULTS:
        raise UsageError(f"'{build.result}' is no result of a build; use {', '.join(RESULTS)}.")


def _send(workspace: Workspace, wanted: Registered) -> None:
    if wanted.kind == "ci_build":
        workspace.report_build(wanted.body)
    else:
        workspace.create(f"{wanted.kind}s", [wanted.body])


def _read_again(sent: Registered, again: Registered) -> Registered:
    if again.outcome == "already":
        return replace(again, outcome="done")
    return replace(sent, outcome="differs", detail="it was taken, but is not found again")


def _find_server(workspace: Workspace, build: Build, _: list[Registered]) -> Registered:
    row = _first(workspace, "ci_servers", on("instance_id").eq(build.server_id))
    return _registered("ci_server", build.server_name, row, _server(build))


def _find_pipeline(workspace: Workspace, build: Build, before: list[Registered]) -> Registered:
    """By its name, which is unique: its other fields cannot be filtered by."""
    server = {"type": "ci_server", "id": before[0].entity_id}
    row = _first(
        workspace, "pipelines", on("name").eq(build.pipeline_name), "ci_server", "root_job_ci_id"
    )
    pipeline = _registered("pipeline", build.pipeline_name, row, _pipeline(build, server))
    if row is None:
        return pipeline
    owner = (row.get("ci_server") or {}).get("id")
    if (str(owner), row.get("root_job_ci_id")) == (server["id"], build.job_id):
        return pipeline
    detail = f"it is that of server {owner} and root job {row.get('root_job_ci_id')}"
    return replace(pipeline, outcome="differs", detail=f"{detail}; give another --pipeline-name")


def _find_build(workspace: Workspace, build: Build, before: list[Registered]) -> Registered:
    row = None
    if before[1].entity_id is not None:
        pipeline = on("pipeline").eq(on("id").eq(Id(before[1].entity_id)))
        row = _first(workspace, "pipeline_runs", pipeline & on("name").eq(build.build_id))
    return _registered("ci_build", build.build_name, row, _report(build))


FINDERS = (_find_server, _find_pipeline, _find_build)  # in the order in which they are created


def _registered(
    kind: Any, name: str, row: dict[str, Any] | None, body: dict[str, Any]
) -> Registered:
    if row is None:
        return Registered(kind, name, "missing", body=body)
    return Registered(kind, str(row.get("name") or name), "already", str(row["id"]))


def _first(
    workspace: Workspace, collection: str, query: Query, *fields: str
) -> dict[str, Any] | None:
    rows = workspace.page(collection, fields=["id", "name", *fields], query=query, limit=1).rows
    return rows[0] if rows else None


def _server(build: Build) -> dict[str, Any]:
    own = {"name": build.server_name, "instance_id": build.server_id, "server_type": SERVER_TYPE}
    return own if build.server_url is None else {**own, "url": build.server_url}


def _pipeline(build: Build, server: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": build.pipeline_name,
        "ci_server": server,
        "root_job_ci_id": build.job_id,
        "jobs": [{"name": build.job_name, "jobCiId": build.job_id}],
    }


def _report(build: Build) -> dict[str, Any]:
    times = {"startTime": build.started_ms, "duration": build.duration_ms}
    return {
        "serverCiId": build.server_id,
        "jobCiId": build.job_id,
        "buildCiId": build.build_id,
        "buildName": build.build_name,
        "status": "finished",
        "result": build.result,
        **{name: value for name, value in times.items() if value is not None},
    }
