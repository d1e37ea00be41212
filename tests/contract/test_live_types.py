"""Entity types, fields and effects that programs use on live servers; resources of the space."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.contract_requests import WS, get, make

SPACE = "/api/shared_spaces/1001"
USER = {"type": "workspace_user", "id": "1001"}
COLLECTIONS = (
    "model_items", "units", "models", "model_folders", "processes", "bdd_specs",
    "suite_run_schedulers", "suite_run_scheduler_runs", "entity_labels", "form_layouts",
    "scm_commit_patterns", "user_roles", "roles", "workspace_roles", "ci_jobs", "scm_repositories",
    "scm_repository_roots", "scm_resource_files", "vulnerabilities", "test_data_tables",
)  # fmt: skip


@pytest.fixture(name="client")
def _client(preview: httpx.Client) -> httpx.Client:
    return preview


def ids(client: httpx.Client, collection: str, query: str) -> list[str]:
    return [row["id"] for row in get(client, collection, query=f'"{query}"')["data"]]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_collections_that_vendor_tools_ask_answer(client: httpx.Client, collection: str) -> None:
    page = get(client, collection)
    assert page["total_count"] == len(page["data"])


def test_what_a_collection_holds_can_be_made_and_is_described(client: httpx.Client) -> None:
    (folder,) = make(client, "model_folders", {"name": "Folder"})
    parent = {"type": "model_folder", "id": folder}
    (unit,) = make(client, "units", {"name": "Log in", "parent": parent})
    row = get(client, "model_items", query=f'"id={unit}"', fields="name,parent")["data"][0]
    assert (row["type"], row["subtype"], row["parent"]) == ("unit", "unit", parent)
    (spec,) = make(client, "bdd_specs", {"name": "Feature file"})
    assert get(client, f"bdd_specs/{spec}", fields="phase")["phase"]["type"] == "phase"
    listed = {row["name"] for row in get(client, "metadata/entities")["data"]}
    assert {"ci_job", "unit", "process", "bdd_spec", "vulnerability", "role"} <= listed


def test_ide_plugins_read_commit_patterns_with_the_names_of_their_types(
    client: httpx.Client,
) -> None:
    client.headers["HPECLIENTTYPE"] = "HPE_MQM_UI"
    rows = client.get(f"{WS}/scm_commit_patterns").json()["data"]
    patterns = {row["entity_type"]["name"]: row["pattern"] for row in rows}
    assert {"Defect", "User story", "Quality story"} <= set(patterns)


def test_labels_of_entity_types_come_in_a_language(client: httpx.Client) -> None:
    query = {
        "query": "\"language='lang.en';entity_type='defect'\"",
        "fields": "name,initials,plural_capitalized",
    }
    (label,) = get(client, "entity_labels", **query)["data"]
    assert (label["name"], label["plural_capitalized"]) == ("Defect", "Defects")


# -- releases, teams, tests, My Work ------------------------------------------------------------


def test_a_release_made_with_a_sprint_duration_gets_its_sprints_at_once(
    client: httpx.Client,
) -> None:
    (release,) = make(client, "releases", {
        "name": "R", "start_date": "2021-01-01T00:00:00Z", "end_date": "2021-02-05T00:00:00Z",
        "sprint_duration": 14,
    })  # fmt: skip
    sprints = get(client, "sprints", query=f'"release={{id={release}}}"', order_by="start_date",
                  fields="start_date,end_date")["data"]  # fmt: skip
    assert [row["start_date"][:10] for row in sprints] == ["2021-01-01", "2021-01-15", "2021-01-29"]
    assert sprints[-1]["end_date"] == "2021-02-05T00:00:00Z"
    assert get(client, f"releases/{release}", fields="num_of_sprints")["num_of_sprints"] == 3


def test_the_members_of_a_team_count_its_lead(client: httpx.Client) -> None:
    (team,) = make(client, "teams", {"name": "T", "team_lead": USER})
    path = f"teams/{team}"
    assert get(client, path, fields="number_of_members")["number_of_members"] == 1
    (guest,) = make(
        client,
        "workspace_users",
        {"email": "g@x.y", "first_name": "G", "last_name": "H", "phone1": ""},
    )
    members = {"data": [USER, {"type": "workspace_user", "id": guest}]}
    client.put(f"{WS}/{path}", json={"members": members}).raise_for_status()
    assert get(client, path, fields="number_of_members")["number_of_members"] == 2


def test_runs_are_searched_by_the_manual_test_that_their_test_covers(
    client: httpx.Client, simulator: Simulator
) -> None:
    (manual,) = make(client, "manual_tests", {"name": "By hand"})
    (automated,) = make(client, "automated_tests", {"name": "By machine"})
    reference = {"type": "test_automated", "id": automated}
    client.put(f"{WS}/manual_tests/{manual}", json={"covering_automated_test": reference})
    run = simulator.store.insert("run_automated", {"name": "r", "test": reference})
    query = f"test EQ {{covered_manual_test EQ {{id EQ {manual}}}}}"
    assert ids(client, "runs", query) == [run]
    covered = get(client, f"automated_tests/{automated}", fields="covered_manual_test")
    assert covered["covered_manual_test"]["data"] == [{"type": "test_manual", "id": manual}]


@pytest.mark.parametrize(
    ("collection", "family"),
    [("work_items", "work_item"), ("tests", "test"), ("runs", "run"),
     ("requirements", "requirement"), ("tasks", "task")],
)  # fmt: skip
def test_items_are_searched_by_the_user_item_that_follows_them(
    client: httpx.Client, collection: str, family: str
) -> None:
    (defect,) = make(client, "defects", {"name": "D"})
    (test,) = make(client, "manual_tests", {"name": "T"})
    targets: dict[str, tuple[str, dict[str, Any]]] = {
        "work_item": ("stories", {"name": "S"}),
        "test": ("manual_tests", {"name": "U"}),
        "run": ("manual_runs", {"name": "R", "test": {"type": "test_manual", "id": test}}),
        "requirement": ("requirement_documents", {"name": "Q"}),
        "task": ("tasks", {"name": "K", "story": {"type": "defect", "id": defect}}),
    }
    (made,) = make(client, targets[family][0], targets[family][1])
    kind = get(client, f"{collection}/{made}")["type"]
    (item,) = make(client, "user_items", {
        "origin": 1, "entity_type": family, "reason": None, "is_new": True,
        "user": {"type": "workspace_user", "id": 1001},
        f"my_follow_items_{family}": {"type": kind, "id": int(made)},
    })  # fmt: skip
    assert ids(client, collection, "user_item EQ {user EQ {id EQ 1001}}") == [made]
    query = f"(my_follow_items_{family} EQ {{id EQ {made}}});origin EQ 1;entity_type EQ '{family}'"
    assert ids(client, "user_items", query) == [item]
    answer = client.delete(f"{WS}/user_items", params={"query": f'"{query}"'})
    assert answer.status_code == 200
    assert ids(client, collection, "user_item EQ {user EQ {id EQ 1001}}") == []


def test_comments_are_searched_by_the_user_they_mention(client: httpx.Client) -> None:
    (defect,) = make(client, "defects", {"name": "D"})
    owner = {"type": "defect", "id": defect}
    plain = {"text": "a", "owner_work_item": owner}
    made = make(client, "comments", plain, {**plain, "mention_user": {"data": [USER]}})
    assert ids(client, "comments", "mention_user={(id=1001)}") == [made[1]]


# -- recorded fields ----------------------------------------------------------------------------


def test_the_fields_of_recorded_pipelines_and_metaphases_exist(client: httpx.Client) -> None:
    query = {"query": "\"entity_name IN 'pipeline','metaphase','defect'\""}
    fields = {
        (row["entity_name"], row["name"]): row
        for row in get(client, "metadata/fields", **query)["data"]
    }
    recorded = {
        "pipeline": ("root_job", "root_job_name", "root_job_ci_id", "root_node", "current_model",
                     "pipeline_model", "run", "multi_branch_type"),
        "metaphase": ("is_hidden",),
        "defect": ("time_in_current_phase", "phase_to_time_in_phase", "last_runs",
                   "is_deleted_entity"),
    }  # fmt: skip
    for entity, names in recorded.items():
        for name in names:
            assert (entity, name) in fields, (entity, name)
    assert fields[("pipeline", "ci_server")]["required"] is True
    assert fields[("pipeline", "run")]["selectable"] is False  # but it can be searched by
    assert ids(client, "pipelines", "run EQ {id EQ 1}") == []
    assert fields[("pipeline", "root_job")]["field_type_data"]["targets"] == [{"type": "ci_job"}]


def test_a_pipeline_knows_its_jobs_nodes_and_root(client: httpx.Client) -> None:
    (server,) = make(
        client,
        "ci_servers",
        {"name": "S", "instance_id": "s", "server_type": "x", "url": "http://ci"},
    )
    reference = {"type": "ci_server", "id": server}
    (pipeline,) = make(client, "pipelines", {
        "name": "P", "ci_server": reference, "root_job_ci_id": "root",
        "jobs": [{"name": "Build", "jobCiId": "root/build"}, {"name": "P", "jobCiId": "root"}],
    })  # fmt: skip
    nodes = get(
        client,
        "pipeline_nodes",
        query=f'"pipeline={{id={pipeline}}}"',
        fields="ci_job{ci_id,name,ci_server}",
    )["data"]
    jobs = {node["ci_job"]["ci_id"]: node["ci_job"] for node in nodes}
    assert {ci_id: job["name"] for ci_id, job in jobs.items()} == {
        "root/build": "Build",
        "root": "P",
    }
    row = get(client, f"pipelines/{pipeline}", fields="root_job,root_job_name,root_node,nodes")
    assert (row["root_job"]["id"], row["root_job_name"]) == (jobs["root"]["id"], "P")
    assert row["root_node"] in row["nodes"]["data"]
    query = f"root_job EQ {{ci_id EQ ^root^}};ci_server EQ {{id EQ {server}}}"
    assert ids(client, "pipelines", query) == [pipeline]


def test_a_ci_job_is_made_and_knows_its_executor(client: httpx.Client) -> None:
    (server,) = make(
        client,
        "ci_servers",
        {"name": "S", "instance_id": "s", "server_type": "x", "url": "http://ci"},
    )
    reference = {"type": "ci_server", "id": server}
    (job,) = make(client, "ci_jobs", {"name": "J", "ci_id": "j", "ci_server": reference,
                  "branch": "main", "parameters": [{"name": "p", "type": "string"}]})  # fmt: skip
    query = f"id EQ {job};ci_server EQ {{id EQ {server}}};!executor EQ {{null}}"
    assert ids(client, "ci_jobs", query) == []
    (runner,) = make(client, "executors", {"name": "X", "subtype": "test_runner",
                     "ci_server": reference, "ci_job": {"type": "ci_job", "id": job}})  # fmt: skip
    (row,) = get(client, "ci_jobs", query=f'"{query}"', fields="executor{name,subtype}")["data"]
    assert row["executor"] == {
        "type": "test_runner",
        "id": runner,
        "name": "X",
        "subtype": "test_runner",
    }


# -- the space ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["users", "workspaces", "workspace_roles", "roles", "products", "timesheet",
             "tenant_licenses", "metadata/entities", "metadata/fields"],
)  # fmt: skip
def test_resources_of_the_space_answer(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{SPACE}/{path}")
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json()["data"], list)


def test_a_user_of_the_space_is_made_for_the_workspaces_of_its_roles(client: httpx.Client) -> None:
    role = client.get(f"{SPACE}/workspace_roles", params={"fields": "role,workspace"}).json()
    first = role["data"][0]
    assert (first["workspace"]["id"], first["role"]["type"]) == ("1002", "role")
    roles = {"data": [{"type": "workspace_role", "id": first["id"]}]}
    row = {"email": "new@x.y", "first_name": "New", "last_name": "User", "workspace_roles": roles}
    answer = client.post(f"{SPACE}/users", json={"data": [row]})
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"][0]
    assert made["type"] == "sharedspace_user"
    assert get(client, f"workspace_users/{made['id']}", fields="email")["email"] == "new@x.y"
    answer = client.post(f"{SPACE}/users", json={"data": [row]})
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["error_code"]) == (409, "platform.duplicate_entity_error")


def test_a_workspace_is_made_and_answers_like_the_first(client: httpx.Client) -> None:
    answer = client.post(f"{SPACE}/workspaces", json={"data": [{"name": "Second"}]})
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"][0]["id"]
    rows = client.get(f"{SPACE}/workspaces", params={"fields": "name"}).json()["data"]
    assert {row["id"]: row["name"] for row in rows}[made] == "Second"
    path = f"{SPACE}/workspaces/{made}/defects"
    assert client.post(path, json={"data": [{"name": "D"}]}).status_code == 201
    assert get(client, "defects")["total_count"] == 0
    assert client.post(f"{SPACE}/workspaces", json={"data": [{}]}).status_code == 400
