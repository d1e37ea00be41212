"""CI jobs and pipeline nodes: what a new pipeline, a build report or an event makes of job ids.

In: a CI server's own job ids. Out: rows of `ci_job` and `pipeline_node`, and the fields of a
pipeline that point at its root. Called by write_effects.py, results/ci_builds.py and
results/ci_events.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octane_simulator.store.entity_store import Store

__all__ = ["add_jobs", "find_job", "job_of", "node_of", "set_executor"]

Ref = dict[str, str]


def find_job(store: Store, server: Ref | None, ci_id: str) -> str | None:
    """The id of the job that a CI server calls by this id, or None."""
    jobs = store.find("ci_job", ci_id=ci_id, ci_server=server["id"] if server else None)
    return str(jobs[0]["id"]) if jobs else None


def job_of(store: Store, server: Ref | None, ci_id: str, name: str | None = None) -> Ref:
    """The job of a CI server, which is made when it is not there yet."""
    identifier = find_job(store, server, ci_id)
    if identifier is None:
        values = {"name": (name or ci_id)[:255], "ci_id": ci_id, "ci_server": server}
        identifier = store.insert("ci_job", values)
    return {"type": "ci_job", "id": identifier}


def node_of(store: Store, pipeline: str, job: Ref) -> str:
    """The id of the pipeline's node for a job, which is made when it is not there yet."""
    nodes = store.find("pipeline_node", pipeline=pipeline, ci_job=job["id"])
    if nodes:
        return str(nodes[0]["id"])
    row = store.get("ci_job", job["id"]) or {}
    reference = {"type": "pipeline", "id": pipeline}
    values = {"name": row.get("name"), "pipeline": reference, "ci_job": job}
    return store.insert("pipeline_node", values)


def add_jobs(store: Store, pipeline: str) -> None:
    """Make the jobs and nodes of a new pipeline, and name its root."""
    row = store.get("pipeline", pipeline) or {}
    server, root = row.get("ci_server"), row.get("root_job_ci_id")
    values: dict[str, Any] = {}
    for entry in row.get("jobs") or []:
        ci_id = entry.get("jobCiId")
        if not isinstance(ci_id, str):
            continue
        name = entry["name"] if isinstance(entry.get("name"), str) else None
        job = job_of(store, server, ci_id, name)
        if entry.get("parameters"):
            store.update("ci_job", job["id"], {"parameters": entry["parameters"]})
        node = node_of(store, pipeline, job)
        if ci_id == root:
            values = {
                "root_job": job,
                "root_node": {"type": "pipeline_node", "id": node},
                "root_job_name": name or ci_id,
            }
    if values:
        stamps = {key: row[key] for key in ("last_modified", "version_stamp", "client_lock_stamp")}
        store.update("pipeline", pipeline, {**values, **stamps})


def set_executor(store: Store, kind: str, executor: str, values: Mapping[str, Any]) -> None:
    """A job knows the executor that names it."""
    if values.get("ci_job"):
        reference = {"type": kind, "id": executor}
        store.update("ci_job", values["ci_job"]["id"], {"executor": reference})
