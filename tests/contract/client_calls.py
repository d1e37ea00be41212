"""The calls of each kind of client, as data: test_client_calls.py sends them in their order.

The README of the simulator shows them. `{name}` in a path or body stands for the id of a row that
an earlier call with `keep` made or read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CLIENTS", "Call", "ClientKind"]

WS = "/api/shared_spaces/1001/workspaces/1002"
SPACE = "/api/shared_spaces/1001"
CI = "/internal-api/shared_spaces/1001/analytics/ci"
CI_WS = "/internal-api/shared_spaces/1001/workspaces/1002/analytics/ci"
KEY = {"client_id": "simulator_client", "client_secret": "simulator_secret"}
SIGN_IN_PATH = "/authentication/sign_in"
RESULTS = (
    '<test_result><build server_id="server-1" job_id="main" build_id="7"/><test_runs>'
    '<test_run name="t" class="C" duration="1" status="Passed" started="1611176400000"/>'
    "</test_runs></test_result>"
)


@dataclass(frozen=True)
class Call:
    """One request and what its answer must be: the status, and a key that its body has."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    keep: str | None = None
    has: str | None = None
    content_type: str = "application/json"


@dataclass(frozen=True)
class ClientKind:
    """A kind of client: what it is, the headers of all its requests, its calls."""

    name: str
    text: str
    calls: tuple[Call, ...]
    headers: dict[str, str] = field(default_factory=dict)


def _create(collection: str, keep: str | None = None, fields: str = "", **row: Any) -> Call:
    path = f"{WS}/{collection}" + (f"?fields={fields}" if fields else "")
    return Call("POST", path, {"data": [row]}, 201, keep)


def _read(path: str, keep: str | None = None, has: str | None = "data") -> Call:
    return Call("GET", f"{WS}/{path}", keep=keep, has=has)


_SIGN_IN = Call("POST", SIGN_IN_PATH, KEY)
_SERVER = {"type": "ci_server", "id": "{server}"}
_EVENT = {"eventType": "started", "project": "main", "projectDisplayName": "Main", "buildCiId": "7",
          "number": "7", "startTime": 1611176400000}  # fmt: skip
_PLUGIN = {"instanceId": "server-1", "type": "jenkins", "url": "http://ci", "version": "9.1"}
_EVENTS = {"server": _PLUGIN, "events": [_EVENT]}
_ME = {"type": "workspace_user", "id": "1001"}
_PREVIEW = {"ALM-OCTANE-TECH-PREVIEW": "true"}

CLIENTS: tuple[ClientKind, ...] = (
    ClientKind("curl and scripts", "Any program that sends HTTP.", (
        Call("GET", "/admin/server/version", has="display_version"),
        _SIGN_IN,
        Call("GET", "/api/current_user", has="full_name"),
        Call("GET", "/api/shared_spaces?fields=id,name", has="data"),
        Call("GET", f"{SPACE}/workspaces?fields=id,name&query=\"activity_level EQ 0\"", has="data"),
        _read("metadata/fields?query=\"entity_name EQ 'defect'\""),
        _create("defects", keep="defect", fields="name", name="Login fails"),
        _read("defects?fields=name,phase&order_by=id&limit=100&query=\"phase EQ "
              "{logical_name EQ ^phase.defect.new^}\""),
        Call("PUT", f"{WS}/defects/{{defect}}", {"name": "Login fails often"}),
        _read("work_items/groups?group_by=severity", has="groups"),
        _read('work_items?text_search={"type":"global","text":"login"}&limit=10'),
        _read("defects/{defect}", has="id"),
        Call("DELETE", f"{WS}/defects/{{defect}}"),
        Call("POST", "/authentication/sign_out"),
    )),
    ClientKind(
        "SDKs (Java, C#, JavaScript)",
        "The JavaScript SDK itself runs in the tests; these are requests like those that the live "
        "tests of the others send.", (
        _SIGN_IN,
        _read("list_nodes?order_by=name"), _read("phases?order_by=name"), _read("metaphases"),
        _create("releases", keep="release", name="R", start_date="2021-01-01T00:00:00Z",
                end_date="2021-02-01T00:00:00Z", sprint_duration=14),
        _read("releases/{release}?fields=num_of_sprints", has="num_of_sprints"),
        _create("teams", keep="team", name="T", team_lead=_ME),
        _read("teams/{team}?fields=number_of_members", has="number_of_members"),
        _create("defects", keep="defect", name="D"),
        Call("POST", f"{WS}/attachments?fields=owner_work_item&name=a.txt&owner_work_item="
             "{defect}", "bytes", 201, content_type="application/octet-stream"),
        _read("work_items?fields=name&query=\"subtype IN 'defect','story'\""),
        _read("defects/groups?group_by=severity&use_numeric_id=true", has="groups"),
        Call("PUT", f"{WS}/defects", {"data": [{"id": "{defect}", "name": "E"}]}),
        Call("DELETE", f"{WS}/defects?query=\"id EQ {{defect}}\""),
    ), _PREVIEW),
    ClientKind("IDE plug-ins", "My Work, labels, forms and commit patterns.", (
        Call("GET", "/admin/server/version", has="display_version"),
        Call("GET", "/authentication/grant_tool_token", has="authentication_url"),
        _SIGN_IN,
        Call("GET", "/api/current_user", has="id"),
        _create("stories", keep="story", name="S"),
        _create("user_items", keep="item", origin=1, entity_type="work_item", reason=None,
                is_new=True, user=_ME,
                my_follow_items_work_item={"type": "story", "id": "{story}"}),
        _read("work_items?fields=name,phase{name}&query=\"user_item EQ {user EQ {id EQ 1001}}\""),
        _read("user_items?fields=origin,is_new,reason,entity_type,my_follow_items_work_item"),
        _read("comments?fields=text,author{full_name}&query=\"mention_user EQ {id EQ 1001}\""),
        _read("scm_commit_patterns"),
        _read("entity_labels?query=\"language='lang.en'\""), _read("form_layouts"),
        _read("transitions?fields=source_phase,target_phase&query=\"entity='story'\""),
        _read("runs?fields=name&query=\"test EQ {covered_manual_test EQ {id EQ 1}}\""),
        Call("DELETE", f"{WS}/user_items/{{item}}"),
    ), {"HPECLIENTTYPE": "OCTANE_IDE_PLUGIN"}),
    ClientKind("CI plug-ins", "Jenkins, TeamCity, Bamboo and whoever uses the same SDK.", (
        _SIGN_IN,
        Call("GET", f"{CI}/servers/connectivity/status", has="octaneVersion"),
        Call("PUT", f"{CI}/events", _EVENTS),
        Call("GET", f"{CI}/servers/server-1/tasks?self-type=jenkins&api-version=1", status=204),
        Call("PUT", f"{CI}/servers/server-1/tasks/1/result", {"status": 200}, 204),
        Call("GET", f"{CI}/servers/server-1/jobs/main/tests-result-preflight"),
        Call("POST", f"{CI}/test-results?skip-errors=true", RESULTS, 202, "task",
             content_type="application/xml"),
        Call("GET", f"{CI}/test-results/{{task}}", has="until"),
        _read("ci_builds?fields=build_ci_id,status,ci_job{ci_id},pipeline_run"),
    ), {"HPECLIENTTYPE": "HPE_CI_CLIENT"}),
    ClientKind("The GitHub integration", "In the order of a first workflow run.", (
        _SIGN_IN,
        Call("GET", f"{CI}/servers/connectivity/status", has="octaneVersion"),
        Call("GET", f"{CI_WS}/github_feature_toggles"),
        Call("GET", "/api/shared_spaces?fields=name&query=\"id EQ 1001\"", has="data"),
        _read("ci_servers?fields=instance_id,plugin_version,url&query="
              "\"instance_id EQ ^server-1^\""),
        _create("ci_servers", keep="server", fields="instance_id", name="repo",
                instance_id="server-1", server_type="github_actions", url="http://repo"),
        Call("GET", f"{CI}/servers/server-1/tasks?self-type=github_actions&api-version=1"
             "&sdk-version=&plugin-version=25.2.1&self-url=http%3A%2F%2Frepo&client-id=c"
             "&client-server-user=",
             status=204),
        _read("pipelines?fields=name,ci_server&query=\"name EQ ^CI^;"
              "ci_server EQ {id EQ {server}}\""),
        _create("pipelines", keep="pipeline", name="CI", ci_server=_SERVER, root_job_ci_id="main",
                jobs=[{"name": "build", "jobCiId": "main/build"},
                      {"name": "CI", "jobCiId": "main", "parameters": []}]),
        _read("pipelines?fields=name,ci_server{instance_id}&query=\"root_job EQ {ci_id EQ ^main^};"
              "ci_server EQ {id EQ {server}}\""),
        _read("pipelines?fields=name,ci_server{instance_id},multi_branch_type&query="
              "\"name EQ ^CI^\""),
        Call("PUT", f"{WS}/pipelines/{{pipeline}}", {"id": "{pipeline}", "name": "CI 2"}),
        Call("PUT", f"{CI_WS}/pipeline_update",
             {"id": "{pipeline}", "multi_branch_type": "PARENT"}),
        _read("pipeline_nodes?fields=ci_job{ci_id}&query=\"pipeline EQ {id EQ {pipeline}}\""),
        _create("ci_jobs", keep="job", name="runner", ci_id="runner", ci_server=_SERVER,
                parameters=[], branch="main"),
        _read("ci_jobs?fields=id,ci_id,name,ci_server{name,instance_id}&query=\"ci_id EQ ^runner^;"
              "ci_server EQ {id EQ {server}}\""),
        _create("executors", name="runner", subtype="test_runner", ci_server=_SERVER,
                ci_job={"type": "ci_job", "id": "{job}"}),
        _read("ci_jobs?fields=ci_id,name,ci_server{name,instance_id},executor{name,subtype}&query="
              "\"id EQ {job};ci_server EQ {id EQ {server}};!executor EQ {null}\""),
        Call("PUT", f"{CI_WS}/ci_job_update?ci-server-id={{server}}",
             [{"jobId": "{job}", "name": "runner", "jobCiId": "runner", "ciServer": _SERVER}]),
        Call("PUT", f"{CI}/events", _EVENTS),
        Call("POST", f"{CI}/test-results?skip-errors=true&instance-id=server-1&job-ci-id=main"
             "&build-ci-id=7", RESULTS, 202, content_type="application/xml"),
        _read("ci_builds?fields=start_time,build_ci_id&query=\"ci_job EQ {ci_id EQ ^main^}\""),
        Call("PUT", f"{WS}/analytics/ci/pull-requests", [{"id": "1", "title": "Fix"}]),
    ), {**_PREVIEW, "ALM-OCTANE-PRIVATE": "true"}),
    ClientKind("Tools that report results", "The vendor's collection tool and its like.", (
        Call("POST", SIGN_IN_PATH, {"user": "sam.simulator", "password": "simulator"}),
        Call("POST", f"{WS}/test-results?skip-errors=false", RESULTS, 202, "task",
             content_type="application/xml"),
        Call("GET", f"{WS}/test-results/{{task}}", has="until"),
        Call("GET", f"{WS}/test-results/{{task}}/log"),
        _read("automated_runs?fields=name,status,test"),
    ), {"HPECLIENTTYPE": "HPE_CI_CLIENT"}),
    ClientKind("Readers of the change history", "Time in phase and who moved what.", (
        _SIGN_IN,
        _create("defects", keep="defect", name="D"),
        _read("history_logs?query=\"(entity_id='{defect}';entity_type='defect')\""
              "&order_by=-timestamp&limit=10000&offset=0"),
        _read("history_logs?query=\"(entity_id IN '{defect}','2';entity_type='defect';"
              "timestamp>='2020-01-01T00:00:00Z')\""),
        _read("history_logs?query=\"timestamp>=^2020-01-01T00:00:00Z^;timestamp<=^2030-01-01T"
              "00:00:00Z^;entity_type=^defect^;action=^update^;field_name=^phase^\"&limit=5000"),
        Call("GET", f"{SPACE}/history_logs", status=403),
    ), _PREVIEW),
    ClientKind("Administrators' tools", "Users, workspaces and roles of the space.", (
        _SIGN_IN,
        Call("GET", f"{SPACE}/users?fields=name,email,is_api_key", has="data"),
        Call("GET", f"{SPACE}/roles", has="data"),
        Call("GET", f"{SPACE}/workspace_roles?fields=role,workspace", has="data"),
        Call("POST", f"{SPACE}/users", {"data": [{"email": "new@x.y", "first_name": "N",
             "last_name": "U"}]}, 201),
        Call("POST", f"{SPACE}/workspaces", {"data": [{"name": "Second"}]}, 201),
        Call("GET", f"{SPACE}/metadata/entities", has="data"),
        Call("GET", f"{SPACE}/tenant_licenses", has="data"),
        Call("GET", f"{SPACE}/timesheet?login_names=sam.simulator", has="data"),
        Call("GET", f"{SPACE}/products", has="data"),
        Call("GET", f"{SPACE}/audits?limit=10", has="data"),
    ), _PREVIEW),
)  # fmt: skip
