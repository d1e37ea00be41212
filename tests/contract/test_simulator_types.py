"""The rules of every entity type in the field model: methods, fields, targets, lists, phases.

The expectations are read from the packaged field model; the requests go through the simulator's
WSGI application.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator

WS = "/api/shared_spaces/1001/workspaces/1002"
Row = dict[str, Any]
MODEL = json.loads(
    (resources.files("octane_simulator") / "data" / "field_model.json").read_text("utf-8")
)
TYPES: dict[str, Row] = MODEL["entities"]
SUBTYPE = {
    "work_item": "defect",
    "test": "test_manual",
    "requirement": "requirement_document",
    "taxonomy_node": "taxonomy_category_node",
    "test_suite_link_to_test": "test_suite_link_to_manual",
}
MADE = [name for name, raw in TYPES.items() if "CREATE" in raw["methods"]]
# Required by the field model, but filled by the server or left out by the vendor's own clients.
FILLED = {
    "phase", "parent", "business_impact", "native_status", "release", "phone1", "order",
    "include_in_next_run",
}  # fmt: skip
# Written by IDE plug-ins and CI integrations, although the field model says GET alone.
WRITABLE = {"user_item", "executor", "test_runner", "uft_test_runner"}
METHODS = {"GET": "GET", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}
SCALARS: Row = {
    "integer": 3,
    "boolean": True,
    "float": 1.5,
    "date_time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01T00:00:00Z",
    "object": {},
}
WRONG: Row = {
    "integer": "three",
    "boolean": "yes",
    "float": "much",
    "date_time": "soon",
    "date": "soon",
    "string": 7,
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    simulator = Simulator()
    for kind in ("run_automated", "gherkin_automated_run"):
        simulator.store.insert(kind, {"name": "automated"})
    with httpx.Client(
        transport=httpx.WSGITransport(app=simulator.wsgi),
        base_url=f"http://simulator{WS}",
        auth=httpx.BasicAuth(simulator.auth.client_id, simulator.auth.client_secret),
        headers={"ALM-OCTANE-TECH-PREVIEW": "true", "Accept": "application/json"},
    ) as client:
        yield client
    simulator.close()


def concrete(name: str) -> str:
    return SUBTYPE.get(name, name)


def value_of(client: httpx.Client, entity: str, name: str, number: int) -> Any:
    """A value that the field takes; rows that it refers to are read or created."""
    raw = TYPES[entity]["fields"][name]
    if raw["field_type"] != "reference":
        return SCALARS.get(raw["field_type"], f"{entity} {name} {number}")
    if raw.get("list_root"):
        value = {"type": "list_node", "id": MODEL["list_nodes"][raw["list_root"]][0]}
    elif "phase" in raw["targets"]:
        value = {"type": "phase", "id": MODEL["phases"][f"phase.{entity}"][0]}
    else:
        value = row_of(client, raw["targets"][0])
    return {"data": [value]} if raw.get("multiple") else value


def row_of(client: httpx.Client, target: str) -> Row:
    """A reference to a row of a type: the first stored row, or a new one."""
    kind = concrete(target)
    answer = client.get(f"/{TYPES[kind]['collection']}", params={"limit": "1"})
    stored = answer.json()["data"]
    if stored and kind not in {"test_automated", "requirement_folder"}:
        return {"type": kind, "id": stored[0]["id"]}
    return {"type": kind, "id": make(client, kind)}


COUNTER = iter(range(1, 10_000))


def body_of(client: httpx.Client, entity: str) -> Row:
    """The least that a create request needs."""
    kind, number = concrete(entity), next(COUNTER)
    raw = TYPES[kind]["fields"]
    names = [
        name
        for name, field in raw.items()
        if field.get("required") and name not in {"subtype", "parent"}
    ]
    body = {name: value_of(client, kind, name, number) for name in names}
    if kind == "comment":
        body |= {"text": "x", "owner_work_item": {"type": "work_item", "id": "1001"}}
    if kind == "attachment":
        body["owner_work_item"] = {"type": "work_item", "id": "1001"}
    if kind == "phase":
        body |= {
            "entity": "defect",
            "metaphase": {"type": "metaphase", "id": "metaphase.work_item.new"},
        }
    if kind == "pipeline":
        body |= {
            "ci_server": row_of(client, "ci_server"),
            "root_job_ci_id": "root",
            "jobs": [{"jobCiId": "root"}],
        }
    if entity in SUBTYPE:
        body["subtype"] = kind
    return body


def make(client: httpx.Client, entity: str) -> str:
    body = {"data": [body_of(client, entity)]}
    answer = client.post(f"/{TYPES[entity]['collection']}", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["data"][0]["id"]
    return made


def refusal(answer: httpx.Response) -> tuple[str, Row]:
    body = answer.json()
    error = body["errors"][0] if "errors" in body else body
    return error["error_code"], error["properties"] or {}


@pytest.mark.parametrize("entity", TYPES)
def test_only_the_methods_of_the_model_are_allowed(client: httpx.Client, entity: str) -> None:
    raw = TYPES[entity]
    path = f"/{raw['collection']}"
    methods = set(METHODS.values()) if entity in WRITABLE else set(raw["methods"])
    for verb, method in METHODS.items():
        if (entity, verb) == ("run", "POST"):
            continue  # the vendor's CI client posts runs with a subtype
        answer = client.request(verb, path, json={"data": []} if verb in {"POST", "PUT"} else None)
        allowed = method in methods
        assert (answer.status_code == 405) != allowed, (verb, answer.text)
    described = client.get("/metadata/entities", params={"query": f"\"name EQ '{entity}'\""})
    rest = described.json()["data"][0]["features"][0]
    assert {METHODS[method] for method in rest["methods"]} == methods


@pytest.mark.parametrize("entity", MADE)
def test_a_row_needs_its_required_fields_and_nothing_else(
    client: httpx.Client, entity: str
) -> None:
    path, body = f"/{TYPES[entity]['collection']}", body_of(client, entity)
    for name in body:
        raw = TYPES[concrete(entity)]["fields"].get(name, {})
        of_test = name == "name" and "run_" in entity  # a run without a name takes its test's
        if name in FILLED or of_test or not raw.get("required"):
            continue
        lacking = {key: value for key, value in body.items() if key != name}
        answer = client.post(path, json={"data": [lacking]})
        assert answer.status_code == 400, (name, answer.text)
        assert refusal(answer)[1].get("field_name") == name
    answer = client.post(path, json={"data": [body]})
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"][0]["id"]
    assert client.get(f"{path}/{made}").json()["id"] == made


@pytest.mark.parametrize("entity", MADE)
def test_fields_refuse_what_they_do_not_take(client: httpx.Client, entity: str) -> None:
    kind, path = concrete(entity), f"/{TYPES[entity]['collection']}"
    body = body_of(client, entity)
    for name, raw in TYPES[kind]["fields"].items():
        if not raw.get("editable"):
            if name in {"subtype", "logical_name"}:
                continue
            answer = client.post(path, json={"data": [{**body, name: None}]})
            assert refusal(answer)[0] == "platform.modify_non_editable_field", name
            assert answer.status_code == 403, name
            continue
        if name == "client_lock_stamp":
            continue  # echoed by clients, never a value of a new row
        wrong = WRONG.get(raw["field_type"], {"type": "nothing", "id": "1001"})
        if raw["field_type"] == "object" or name == "jobs":
            continue  # free structure
        values = [wrong]
        if raw.get("list_root"):
            root = raw["list_root"]
            other = next(name for name in MODEL["list_nodes"] if name != root)
            values.append({"type": "list_node", "id": MODEL["list_nodes"][other][0]})
            values.append({"type": "list_node", "id": f"{root}.nothing"})
        elif raw["field_type"] == "reference" and name == "phase":
            other = next(name for name in MODEL["phases"] if name != f"phase.{kind}")
            values.append({"type": "phase", "id": MODEL["phases"][other][0]})
        elif raw["field_type"] == "reference":
            values.append({"type": concrete(raw["targets"][0]), "id": "999999"})
        if raw.get("max_length"):
            values.append("x" * (raw["max_length"] + 1))
        for value in values:
            sent = {"data": [value]} if raw.get("multiple") else value
            answer = client.post(path, json={"data": [{**body, name: sent}]})
            assert answer.status_code in {400, 409}, (name, value, answer.text)
            assert refusal(answer)[0] in {
                "platform.illegal_field_value",
                "platform.entity_not_found",
            }, (name, value)


@pytest.mark.parametrize(
    "entity", [name for name in MADE if "UPDATE" in TYPES[name]["methods"] and name != "phase"]
)
def test_every_editable_field_is_written_and_comes_back(client: httpx.Client, entity: str) -> None:
    kind, path = concrete(entity), f"/{TYPES[concrete(entity)]['collection']}"
    made = make(client, entity)
    for name, raw in TYPES[kind]["fields"].items():
        skipped = name in {"client_lock_stamp", "phase", "parent", "children", "subtype"}
        if not raw.get("editable") or skipped or name.startswith("owner_"):
            continue
        if raw["field_type"] == "reference" and not raw.get("list_root"):
            target = raw["targets"][0]
            if "CREATE" not in TYPES[concrete(target)]["methods"] or target == "phase":
                continue  # filled by reports of other resources
        value = value_of(client, kind, name, next(COUNTER))
        answer = client.put(f"{path}/{made}", json={name: value})
        assert answer.status_code == 200, (name, answer.text)
        shown = client.get(f"{path}/{made}", params={"fields": name}).json()[name]
        if raw.get("multiple"):
            assert [row["id"] for row in shown["data"]] == [row["id"] for row in value["data"]]
        elif raw["field_type"] == "reference":
            assert shown["id"] == value["id"], name
        else:
            assert shown == value, name


@pytest.mark.parametrize("entity", [name for name in MADE if "DELETE" in TYPES[name]["methods"]])
def test_a_deleted_row_is_gone(client: httpx.Client, entity: str) -> None:
    path, made = f"/{TYPES[entity]['collection']}", make(client, entity)
    assert client.delete(f"{path}/{made}").status_code == 200
    for answer in (client.get(f"{path}/{made}"), client.delete(f"{path}/{made}")):
        assert (answer.status_code, refusal(answer)[0]) == (404, "platform.entity_not_found")


def test_all_61_types_are_walked() -> None:
    assert (len(TYPES), len(MADE)) == (
        61,
        len([n for n in TYPES if "CREATE" in TYPES[n]["methods"]]),
    )
