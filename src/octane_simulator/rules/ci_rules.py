"""What the server requires of a new CI server or pipeline.

In: the values of a row about to be created. Out: the values completed, or a refusal. Called by
writer.py.
"""

from __future__ import annotations

from typing import Any

from octane_simulator.model.refusals import (
    duplicate,
    entity_not_found,
    illegal_value,
    missing_field,
)
from octane_simulator.store.entity_store import Store
from octane_simulator.store.generated_names import opaque_name

__all__ = ["CI_KINDS", "check_ci"]

CI_KINDS = frozenset({"ci_server", "pipeline"})


def check_ci(store: Store, kind: str, values: dict[str, Any]) -> None:
    """A server gets an instance id; a pipeline needs a server that exists, and its root job."""
    if kind == "ci_server":
        values["instance_id"] = values.get("instance_id") or opaque_name(
            "ci_server", values.get("name"), len(store.find("ci_server"))
        )
        return
    _find_server(store, values)
    _check_jobs(values)
    if store.find("pipeline", name=values["name"]):
        problem = f"There is already a pipeline named '{values['name']}'"
        raise duplicate("pipeline", "name", problem)


def _find_server(store: Store, values: dict[str, Any]) -> None:
    """The pipeline names its server by reference or instance id; the row has both."""
    server = values.get("ci_server")
    if server is not None:
        stored_server = store.get("ci_server", server["id"]) or {}
        values["server_ci_id"] = values.get("server_ci_id") or stored_server.get("instance_id")
        return
    instance_id = values.get("server_ci_id")
    if not instance_id:
        raise missing_field("pipeline", "server_ci_id")
    servers = store.find("ci_server", instance_id=instance_id)
    if not servers:
        raise entity_not_found("ci_server", instance_id)
    values["ci_server"] = {"type": "ci_server", "id": servers[0]["id"]}


def _check_jobs(values: dict[str, Any]) -> None:
    root = values.get("root_job_ci_id")
    if not root:
        raise missing_field("pipeline", "root_job_ci_id")
    jobs = values.get("jobs")
    if not jobs:
        raise missing_field("pipeline", "jobs")
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise illegal_value("The field 'jobs' of 'pipeline' takes a list of objects")
    if not any(job.get("jobCiId") == root for job in jobs):
        raise illegal_value(f"The root job '{root}' is not among the pipeline's jobs")
