"""What CI plug-ins call on live servers: connectivity, events, tasks, results, updates."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.contract_requests import NOW, WS, client_of, get, make, switch

INTERNAL = "/internal-api/shared_spaces/1001/analytics/ci"
SERVER = {"instanceId": "jenkins-1", "type": "jenkins", "url": "http://ci", "version": "9.1",
          "sendingTime": 1611176400000}  # fmt: skip
STARTED = 1611176400000


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW, workspaces=["1002", "1003"])
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with client_of(simulator) as client:
        switch(client, "long_poll", seconds=0)
        yield client


def event(kind: str, job: str, build: str, **more: Any) -> dict[str, Any]:
    return {"eventType": kind, "project": job, "projectDisplayName": job.title(),
            "buildCiId": build, "number": build, "startTime": STARTED, **more}  # fmt: skip


def send(client: httpx.Client, *events: dict[str, Any]) -> None:
    answer = client.put(f"{INTERNAL}/events", json={"server": SERVER, "events": events})
    assert answer.status_code == 200, answer.text


def rows(client: httpx.Client, collection: str, fields: str, query: str = "id GE 0") -> list[Any]:
    data: list[Any] = get(client, collection, fields=fields, query=f'"{query}"', order_by="id")[
        "data"
    ]
    return data


def test_connectivity_gives_the_version_of_octane(client: httpx.Client) -> None:
    answer = client.get(f"{INTERNAL}/servers/connectivity/status")
    assert answer.status_code == 200
    assert answer.json()["octaneVersion"] == client.get("/admin/server/version").json()["version"]
    wrong = client.get(f"{INTERNAL.replace('1001', '1009')}/servers/connectivity/status")
    assert wrong.status_code == 404
    client.cookies.clear()
    assert client.get(f"{INTERNAL}/servers/connectivity/status").status_code == 401


def test_events_make_the_server_the_pipeline_its_jobs_and_builds(client: httpx.Client) -> None:
    upstream = {"type": "upstream", "project": "main", "buildCiId": "7"}
    send(client, event("queued", "main", "7"), event("started", "main", "7"))
    send(client, event("started", "unit tests", "31", causes=[upstream]))
    send(
        client,
        event("finished", "unit tests", "31", causes=[upstream], result="unstable", duration=900),
        event("finished", "main", "7", result="success", duration=1500, estimatedDuration=1400),
    )
    (server,) = rows(client, "ci_servers", "instance_id,url,server_type,plugin_version")
    assert (
        server["instance_id"],
        server["url"],
        server["server_type"],
        server["plugin_version"],
    ) == ("jenkins-1", "http://ci", "jenkins", "9.1")
    (pipeline,) = rows(client, "pipelines", "name,root_job{ci_id}")
    assert (pipeline["name"], pipeline["root_job"]["ci_id"]) == ("Main", "main")
    jobs = rows(client, "ci_jobs", "ci_id,name")
    assert [(job["ci_id"], job["name"]) for job in jobs] == [
        ("main", "Main"),
        ("unit tests", "Unit Tests"),
    ]
    fields = "build_ci_id,status,result,start_time,duration,estimated_duration,pipeline_run"
    builds = rows(client, "ci_builds", f"{fields},ci_job{{ci_id}}")
    assert [(b["ci_job"]["ci_id"], b["build_ci_id"], b["status"], b["result"], b["start_time"],
             b["duration"], b["estimated_duration"]) for b in builds] == [
        ("main", "7", "finished", "success", STARTED, 1500, 1400),
        ("unit tests", "31", "finished", "unstable", STARTED, 900, None),
    ]  # fmt: skip
    (run,) = rows(client, "pipeline_runs", "pipeline,status")
    assert [b["pipeline_run"]["data"] for b in builds] == [
        [{"type": "pipeline_run", "id": run["id"]}]
    ] * 2
    assert run["status"]["id"] == "list_node.pipeline_run_status.success"
    nodes = rows(client, "pipeline_nodes", "ci_job{ci_id}")
    assert [node["ci_job"]["ci_id"] for node in nodes] == ["main", "unit tests"]
    of_main = rows(client, "ci_builds", "start_time,build_ci_id", "ci_job EQ {ci_id EQ ^main^}")
    assert [build["build_ci_id"] for build in of_main] == ["7"]


def test_events_go_to_the_pipeline_that_was_made_before(client: httpx.Client) -> None:
    (server,) = make(client, "ci_servers", {"name": "GitHub", "instance_id": "jenkins-1",
                     "server_type": "github_actions", "url": "http://ci"})  # fmt: skip
    (pipeline,) = make(client, "pipelines", {
        "name": "CI", "ci_server": {"type": "ci_server", "id": server}, "root_job_ci_id": "main",
        "jobs": [{"name": "CI", "jobCiId": "main"}],
    })  # fmt: skip
    send(client, event("started", "main", "1"))
    assert [row["id"] for row in rows(client, "pipelines", "name")] == [pipeline]
    (run,) = rows(client, "pipeline_runs", "pipeline")
    assert run["pipeline"]["id"] == pipeline


def test_a_branch_gets_a_pipeline_of_its_own_and_the_other_becomes_its_parent(
    client: httpx.Client,
) -> None:
    send(client, event("started", "main", "1"))
    send(
        client,
        event("started", "main/dev", "1", multiBranchType="CHILD", parentCiId="main", branch="dev"),
    )
    pipelines = rows(client, "pipelines", "multi_branch_type,root_job{ci_id,branch}")
    kinds = [
        (row["root_job"]["ci_id"], row["root_job"]["branch"], row["multi_branch_type"])
        for row in pipelines
    ]
    assert kinds == [("main", None, "PARENT"), ("main/dev", "dev", "CHILD")]


def test_events_bring_the_parameters_and_commits_of_a_build(client: httpx.Client) -> None:
    commits = {"commits": [{"revId": "abc", "user": "u", "comment": "c"}, {"revId": "def"}]}
    parameters = [{"name": "level", "type": "string", "value": "1"}]
    send(client, event("started", "main", "1", parameters=parameters))
    send(client, event("scm", "main", "1", scmData=commits))
    (job,) = rows(client, "ci_jobs", "parameters")
    assert job["parameters"] == parameters
    (build,) = rows(client, "ci_builds", "commits,status")
    assert (build["status"], build["commits"]["total_count"]) == ("running", 2)
    assert [row["name"] for row in rows(client, "scm_commits", "name")] == ["abc", "def"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"events": []},
        {"server": SERVER, "events": [{"eventType": "started"}]},
        {"server": SERVER, "events": [{"eventType": "started", "project": "j"}]},
        {"server": SERVER, "events": [event("started", "j", "1", duration="x")]},
    ],
)
def test_events_that_say_too_little_are_refused_and_change_nothing(
    client: httpx.Client, body: Any
) -> None:
    assert client.put(f"{INTERNAL}/events", json=body).status_code == 400
    assert rows(client, "ci_jobs", "name") == []


def test_a_request_for_tasks_waits_and_comes_back_empty(client: httpx.Client) -> None:
    params = {"self-type": "github_actions", "api-version": "1", "sdk-version": "",
              "plugin-version": "25.2.1", "self-url": "http://repo", "client-id": "c",
              "client-server-user": ""}  # fmt: skip
    answer = client.get(f"{INTERNAL}/servers/gh-1/tasks", params=params)
    assert (answer.status_code, answer.content) == (204, b"")
    names = ("plugin_version", "server_type", "url", "is_connected")
    (server,) = rows(client, "ci_servers", ",".join(names))
    said = [server[name] for name in names]
    assert said == ["25.2.1", "github_actions", "http://repo", True]
    answer = client.put(f"{INTERNAL}/servers/gh-1/tasks/1/result", json={"status": 200})
    assert answer.status_code == 204


def test_results_are_wanted_of_the_jobs_of_pipelines(client: httpx.Client) -> None:
    send(client, event("started", "a/b", "1"))
    path = f"{INTERNAL}/servers/jenkins-1/jobs"
    assert client.get(f"{path}/a%2Fb/tests-result-preflight").text == "true"
    assert client.get(f"{path}/other/tests-result-preflight").text == "false"
    encoded = base64.b64encode(b"a/b").decode()
    answer = client.get(f"{path}/{encoded}/tests-result-preflight", params={"isBase64": "true"})
    assert answer.text == "true"


def test_results_reach_the_workspace_of_their_server(client: httpx.Client) -> None:
    path = WS.replace("1002", "1003")
    server = {"name": "S", "instance_id": "there", "server_type": "x", "url": "http://ci"}
    client.post(f"{path}/ci_servers", json={"data": [server]}).raise_for_status()
    document = (
        '<test_result><build server_id="there" job_id="j" build_id="1"/><test_runs>'
        '<test_run name="t" class="C" duration="1" status="Passed" started="1430919295889"/>'
        "</test_runs></test_result>"
    )
    for number, params in enumerate(({"instance-id": "there", "job-ci-id": "j"}, {})):
        answer = client.post(
            f"{INTERNAL}/test-results",
            params={"skip-errors": "true", **params},
            content=document.replace('name="t"', f'name="t{number}"'),
            headers={"Content-Type": "application/xml"},
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["status"] == "queued"
    assert get(client, "automated_runs")["total_count"] == 0
    assert client.get(f"{path}/automated_runs").json()["total_count"] == 2


@pytest.mark.parametrize("prefix", ["/internal-api", "/api"])
def test_jobs_and_pipelines_are_updated(client: httpx.Client, prefix: str) -> None:
    send(client, event("started", "main", "1"))
    base = f"{prefix}/shared_spaces/1001/workspaces/1002/analytics/ci"
    (server,) = rows(client, "ci_servers", "id")
    (job,) = rows(client, "ci_jobs", "id")
    new = make(
        client,
        "ci_servers",
        {"name": "N", "instance_id": "n", "server_type": "x", "url": "http://n"},
    )[0]
    update = [{"jobId": job["id"], "name": "Renamed", "jobCiId": "main2", "ciServer": {"id": new}}]
    answer = client.put(f"{base}/ci_job_update", params={"ci-server-id": server["id"]}, json=update)
    assert answer.status_code == 200, answer.text
    (changed,) = rows(client, "ci_jobs", "name,ci_id,ci_server")
    assert (changed["name"], changed["ci_id"], changed["ci_server"]["id"]) == (
        "Renamed",
        "main2",
        new,
    )
    (pipeline,) = rows(client, "pipelines", "id")
    body = {"id": pipeline["id"], "name": "P2", "multi_branch_type": "PARENT"}
    assert client.put(f"{base}/pipeline_update", json=body).status_code == 200
    (changed,) = rows(client, "pipelines", "name,multi_branch_type")
    assert (changed["name"], changed["multi_branch_type"]) == ("P2", "PARENT")
    missing = client.put(f"{base}/ci_job_update", json=[{"jobId": "9"}])
    assert missing.status_code == 404


def test_pull_requests_are_taken_once_by_their_id(client: httpx.Client) -> None:
    path = "/api/shared_spaces/1001/workspaces/1002/analytics/ci/pull-requests"
    request = {
        "id": "12",
        "title": "Fix",
        "state": "open",
        "targetRepository": {"url": "http://repo", "branch": "main"},
        "sourceRepository": {"url": "http://repo", "branch": "fix"},
    }
    for state in ("open", "closed"):
        answer = client.put(path, json=[{**request, "state": state}])
        assert answer.status_code == 200, answer.text
    (row,) = rows(client, "pull_requests", "name,state,source_branch,target_branch")
    assert (row["name"], row["state"], row["source_branch"], row["target_branch"]) == (
        "Fix",
        "closed",
        "fix",
        "main",
    )


def test_feature_toggles_are_an_object(client: httpx.Client) -> None:
    path = "/internal-api/shared_spaces/1001/workspaces/1002/analytics/ci/github_feature_toggles"
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, {})
