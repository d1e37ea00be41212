"""The default extract reads the entity types and fields that live servers have beyond the model."""

from __future__ import annotations

from pathlib import Path

from octane_simulator import Simulator
from tests.small import run_extract, small, stored_links, stored_rows
from tests.wsgi import WsgiTransport

__all__ = ["small"]

SERVER = {"name": "S", "instance_id": "s", "server_type": "jenkins", "url": "http://ci"}


def test_jobs_models_processes_and_roles_are_read_like_all_others(
    small: Simulator, tmp_path: Path
) -> None:
    feeder = small.feeder()
    (server,) = feeder.create("ci_servers", [SERVER])
    (pipeline,) = feeder.create("pipelines", [{
        "name": "P", "ci_server": {"type": "ci_server", "id": server}, "root_job_ci_id": "root",
        "jobs": [{"name": "P", "jobCiId": "root"}, {"name": "Step", "jobCiId": "step"}],
    }])  # fmt: skip
    (unit,) = feeder.create("units", [{"name": "Log in"}])
    action = small.store.insert("process_action", {"name": "Approve"})
    (release,) = feeder.create("releases", [{
        "name": "R", "start_date": "2021-01-01T00:00:00Z", "end_date": "2021-02-01T00:00:00Z",
        "sprint_duration": 14,
    }])  # fmt: skip
    user = {"type": "workspace_user", "id": "1001"}
    (comment,) = feeder.create("comments", [{
        "text": "x", "owner_pipeline": {"type": "pipeline", "id": pipeline},
        "mention_user": {"data": [user]},
    }])  # fmt: skip
    transport = WsgiTransport(small)
    run_extract(small, tmp_path, transport, page_size=1000, only=())
    jobs = stored_rows(tmp_path, "ci_job", "ci_id", "name", "ci_server_id")
    assert set(jobs.values()) == {("root", "P", server), ("step", "Step", server)}
    (row,) = stored_rows(tmp_path, "pipeline", "root_job_id", "root_job_name").values()
    assert (jobs[row[0]][0], row[1]) == ("root", "P")
    nodes = stored_rows(tmp_path, "pipeline_node", "ci_job_id")
    assert {job for (job,) in nodes.values()} == set(jobs)
    assert stored_rows(tmp_path, "unit", "name") == {unit: ("Log in",)}
    assert stored_rows(tmp_path, "process", "name") == {action: ("Approve",)}
    assert stored_rows(tmp_path, "release", "num_of_sprints") == {release: (3,)}
    assert len(stored_rows(tmp_path, "role", "logical_name")) == 5
    assert stored_links(tmp_path, "comment", "mention_user") == {comment: ["1001"]}
    targets = transport.targets
    assert not any("/user_roles" in url or "/form_layouts" in url for url in targets)
