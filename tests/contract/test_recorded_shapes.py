"""Answers of real servers, as the vendor's repositories recorded them, and ours beside them.

Only keys and types are kept here, with the source of each. Ours may hold more keys, never fewer,
and a value is of the recorded type or null. Not compared: the CI SDK's pipeline contexts, which an
internal resource answers, and two keys of field metadata (`auto_generated`, `inBusinessRule`) that
the documentation no longer names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator

WS = "/api/shared_spaces/1001/workspaces/1002"
TEXT, WHOLE, FLAG = "text", 0, True
ENVELOPE = {"total_count": WHOLE, "exceeds_total_count": FLAG}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=datetime(2021, 1, 20, tzinfo=UTC))
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        transport=httpx.WSGITransport(app=simulator.wsgi),
        base_url="http://octane",
        auth=(simulator.auth.client_id, simulator.auth.client_secret),
        headers={"ALM-OCTANE-TECH-PREVIEW": "true"},
    ) as client:
        yield client


def differences(recorded: Any, ours: Any, at: str = "") -> list[str]:
    """Where ours lacks a key or holds another type; the first item of a list stands for all."""
    if recorded is None or ours is None:
        return []
    if isinstance(recorded, dict) and isinstance(ours, dict):
        missing = [f"{at}.{key} is missing" for key in recorded if key not in ours]
        inside = [
            difference
            for key in recorded
            if key in ours
            for difference in differences(recorded[key], ours[key], f"{at}.{key}")
        ]
        return missing + inside
    if isinstance(recorded, list) and isinstance(ours, list):
        if recorded and not ours:
            return [f"{at} is empty"]
        return [
            difference
            for item in ours
            for difference in differences(recorded[0], item, f"{at}[]")
            if recorded
        ]
    if type(recorded) is not type(ours):
        return [f"{at} is {ours!r}, recorded as {type(recorded).__name__}"]
    return []


def test_differences_are_found() -> None:
    assert differences({"a": 1, "b": [{"c": "x"}]}, {"a": "1", "b": [{}]}) == [
        ".a is '1', recorded as int",
        ".b[].c is missing",
    ]


def make(client: httpx.Client, collection: str, **values: Any) -> str:
    answer = client.post(f"{WS}/{collection}", json={"data": [values]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"][0]["id"])


def test_a_list_of_entities(client: httpx.Client) -> None:
    """octane-ci-java-sdk, entity_list.json."""
    make(client, "defects", name="def1")
    row = {"type": TEXT, "workspace_id": WHOLE, "logical_name": TEXT, "name": TEXT, "id": TEXT}
    fields = "workspace_id,logical_name,name"
    ours = client.get(f"{WS}/defects", params={"fields": fields}).json()
    assert differences({**ENVELOPE, "data": [row]}, ours) == []
    assert set(ours["data"][0]) == set(row)
    assert re.fullmatch(r"[a-z0-9]{25}", ours["data"][0]["logical_name"])


ERROR = {
    "error_code": TEXT, "correlation_id": TEXT, "description": TEXT,
    "description_translated": TEXT, "properties": None, "stack_trace": TEXT, "business_error": FLAG,
}  # fmt: skip


def test_a_bulk_error(client: httpx.Client) -> None:
    """octane-ci-java-sdk, error_bulk_unknown_field.json."""
    answer = client.post(f"{WS}/defects", json={"data": [{"name": "x", "sss": 1}]})
    properties = {"entity_type": TEXT, "field_name": TEXT}
    recorded = {**ENVELOPE, "data": [], "errors": [{**ERROR, "properties": properties}]}
    assert differences(recorded, answer.json()) == []
    (error,) = answer.json()["errors"]
    assert (error["error_code"], error["business_error"]) == ("platform.unknown_field", True)
    assert error["properties"] == {"entity_type": "defect", "field_name": "sss"}
    assert re.fullmatch(r"[a-z0-9]{25}", error["correlation_id"])


def test_an_unknown_path(client: httpx.Client) -> None:
    """octane-ci-java-sdk, error_single_404.json."""
    answer = client.get(f"{WS}/no_such_collection")
    ours = answer.json()
    assert (answer.status_code, differences(ERROR, ours)) == (404, [])
    assert (ours["error_code"], ours["description"], ours["description_translated"]) == (
        "platform.web_application",
        "HTTP 404 Not Found",
        "HTTP 404 Not Found",
    )
    assert (ours["properties"], ours["business_error"]) == (None, False)


def test_runs_with_their_steps(simulator: Simulator, client: httpx.Client) -> None:
    """octane-ci-java-sdk, runs_with_nested_run_steps.json, without a made-up object field."""
    test = make(client, "manual_tests", name="Login flow")
    run = make(client, "manual_runs", test={"type": "test_manual", "id": test}, name="x")
    normal = "list_node.manual_test_run_step_type.normal"
    step_type = (
        {"type": "list_node", "id": normal} if simulator.store.get("list_node", normal) else None
    )
    simulator.store.insert("run_step", {
        "description": "Open login page", "run": {"type": "run_manual", "id": run},
        "step_type": step_type, "index_in_report": "1", "index_in_script": 0,
        "activity_level": 0, "from_call_to_test": False,
    })  # fmt: skip
    named = {"type": TEXT, "id": TEXT, "name": TEXT}
    step = {
        "type": TEXT, "id": TEXT, "result": None,
        "attachments": {"total_count": WHOLE, "data": []}, "index_in_report": TEXT,
        "index_in_script": WHOLE, "description": TEXT, "actual": None, "activity_level": WHOLE,
        "from_call_to_test": FLAG, "step_type": named, "run": {**named, "activity_level": WHOLE},
    }  # fmt: skip
    row = {
        "type": TEXT, "workspace_id": WHOLE, "name": TEXT, "test_name": TEXT,
        "order_in_suite_run": WHOLE, "duration": None, "id": TEXT, "subtype": TEXT,
        "has_attachments": FLAG, "parent_suite": named,
        "run_steps": {"total_count": WHOLE, "data": [step]},
        "test": {**named, "subtype": TEXT, "activity_level": WHOLE},
        "native_status": named,
        "run_by": {"type": TEXT, "id": TEXT, "workspace_id": WHOLE, "full_name": TEXT,
                   "activity_level": WHOLE},
    }  # fmt: skip
    fields = (
        "workspace_id,name,test_name,order_in_suite_run,duration,subtype,has_attachments,"
        "parent_suite{name},test{name,subtype,activity_level},native_status{name},"
        "run_by{workspace_id,full_name,activity_level},run_steps{result,attachments,"
        "index_in_report,index_in_script,description,actual,activity_level,from_call_to_test,"
        "step_type{name},run{name,activity_level}}"
    )
    ours = client.get(f"{WS}/runs", params={"fields": fields, "query": f'"id={run}"'}).json()
    assert differences({"total_count": WHOLE, "data": [row]}, ours) == []
    assert ours["data"][0]["subtype"] == "run_manual"


@pytest.mark.parametrize(
    ("entity", "url", "parent"),
    [
        ("test_suite", "test_suites", "test"),
        ("taxonomy_item_node", "taxonomy_item_nodes", "taxonomy_node"),
        ("epic", "epics", "work_item"),
    ],
)
def test_metadata_of_entity_types(client: httpx.Client, entity: str, url: str, parent: str) -> None:
    """ALMOctaneJavaRESTSDK, metadata_entities.json (themes are epics since)."""
    row = {"name": TEXT, "label": TEXT, "type": TEXT, "can_modify_label": FLAG,
           "features": [{"name": TEXT}]}  # fmt: skip
    ours = client.get(f"{WS}/metadata/entities", params={"query": f"\"name EQ '{entity}'\""}).json()
    assert differences({"data": [row], "total_count": WHOLE}, ours) == []
    features = {feature["name"]: feature for feature in ours["data"][0]["features"]}
    assert features["rest"]["url"] == url
    assert {"POST", "GET", "PUT"} <= set(features["rest"]["methods"])
    assert features["subtype_of"]["type"] == parent
    if entity == "epic":
        tree = {"name": TEXT, "parent_types": [TEXT], "root": {"type": TEXT, "id": TEXT}}
        assert differences(tree, features["hierarchy"]) == []


def test_metadata_of_fields(client: httpx.Client) -> None:
    """ALMOctaneJavaRESTSDK, metadata_fields.json."""
    flags = ("filterable", "editable", "returned_by_default", "sortable", "is_user_defined",
             "required", "unique", "final", "groupable", "visible_in_ui")  # fmt: skip
    texts = ("entity_name", "description", "label", "type", "name", "field_type", "sanitization")
    row = {
        **dict.fromkeys(flags, FLAG),
        **dict.fromkeys(texts, TEXT),
        "field_features": [],
        "max_length": WHOLE,
    }
    query = "\"entity_name EQ 'pipeline'\""
    ours = client.get(f"{WS}/metadata/fields", params={"query": query}).json()
    assert differences({"data": [row], "total_count": WHOLE}, ours) == []
    fields = {field["name"]: field for field in ours["data"]}
    assert (fields["name"]["max_length"], fields["creation_time"]["max_length"]) == (255, None)
    stamp = fields["version_stamp"]
    assert (stamp["min_value"], stamp["max_value"]) == (-(2**63), 2**63 - 1)
    reference = {"multiple": FLAG, "targets": [{"type": TEXT}]}
    assert differences(reference, fields["current_release"]["field_type_data"]) == []


def test_an_epic_of_2017(client: httpx.Client) -> None:
    """ppm-octane-connector, epic_2017.json."""
    epic = make(client, "epics", name="x")
    feature = make(client, "features", name="y", parent={"type": "epic", "id": epic})
    recorded = {"type": TEXT, "path": TEXT, "logical_name": TEXT, "actual_story_points": None,
                "id": TEXT}  # fmt: skip
    fields = "path,logical_name,actual_story_points"
    ours = client.get(f"{WS}/epics/{epic}", params={"fields": fields}).json()
    assert differences(recorded, ours) == []
    assert set(ours) == set(recorded)
    assert re.fullmatch(r"000000[0-9A-Z]{6}", ours["path"])
    below = client.get(f"{WS}/features/{feature}", params={"fields": "path"}).json()["path"]
    assert re.fullmatch(ours["path"] + r"[0-9A-Z]{6}", below)
    query = f"\"path='{ours['path']}*'\""
    tree = client.get(f"{WS}/work_items", params={"query": query, "order_by": "id"}).json()
    assert [row["id"] for row in tree["data"]] == [epic, feature]


def test_phases_of_2017(simulator: Simulator, client: httpx.Client) -> None:
    """ppm-octane-connector, phases_done_2017.json: numeric ids."""
    recorded = {
        "type": TEXT, "creation_time": TEXT, "is_system": FLAG, "logical_name": TEXT,
        "version_stamp": WHOLE, "is_start_phase": FLAG, "is_hidden": FLAG, "color_hex": TEXT,
        "description": None, "index": WHOLE, "workspace_id": WHOLE, "name": TEXT, "id": TEXT,
        "metaphase": {"type": TEXT, "id": TEXT}, "last_modified": TEXT, "entity": TEXT,
    }  # fmt: skip
    simulator.faults.add("phase_ids", form="numeric")
    query = "\"metaphase={logical_name='metaphase.work_item.done'}\""
    params = {"fields": ",".join(sorted(recorded)), "query": query}
    ours = client.get(f"{WS}/phases", params=params).json()
    simulator.faults.clear()
    assert differences({**ENVELOPE, "data": [recorded]}, ours) == []
    assert set(ours["data"][0]) == set(recorded)
    assert all(row["id"].isdecimal() and row["metaphase"]["id"].isdecimal() for row in ours["data"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ours["data"][0]["creation_time"])
