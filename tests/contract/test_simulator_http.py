"""The simulator over real HTTP: reads, metadata and faults."""

from __future__ import annotations

import httpx
import pytest

from octane_simulator import Running
from tests.contract.contract_requests import PREVIEW, WS, get, make, refusal


def test_without_fields_only_the_minimal_set_comes(client: httpx.Client) -> None:
    defect = make(client, "defects", {"name": "d"})[0]
    row = get(client, f"defects/{defect}")
    assert set(row) == {"id", "type", "workspace_id", "logical_name", "subtype"}
    assert (row["id"], row["workspace_id"]) == ("1002", 1002)


def test_value_shapes(client: httpx.Client) -> None:
    text = 'Größe 漢字 🙂 "quoted" \\ back\n<p>html & more</p>'
    tag = make(client, "user_tags", {"name": "t"})[0]
    make(client, "defects", {
        "name": text, "description": text, "blocked": True, "story_points": 3,
        "severity": {"type": "list_node", "id": "list_node.severity.high"},
        "user_tags": {"data": [{"type": "user_tag", "id": tag}]},
    })  # fmt: skip
    names = (
        "name,description,blocked,story_points,severity,user_tags,owner,creation_time,has_comments,"
        "comments,remaining_hours"
    )
    page = get(client, "defects", fields=names)
    assert page == {
        "total_count": 1, "exceeds_total_count": False,
        "data": [{
            "type": "defect", "id": "1002", "name": text, "description": text, "blocked": True,
            "story_points": 3, "severity": {"type": "list_node", "id": "list_node.severity.high"},
            "user_tags": {"total_count": 1, "data": [{"type": "user_tag", "id": tag}]},
            "owner": None, "creation_time": "2021-01-20T21:00:00Z", "has_comments": False,
            "comments": {"total_count": 0, "data": []}, "remaining_hours": None,
        }],
    }  # fmt: skip


def test_every_selectable_field_of_the_metadata_can_be_read(client: httpx.Client) -> None:
    collections = {
        row["name"]: row["features"][0]["url"]
        for row in get(client, "metadata/entities")["data"]
        if row["features"][0]["name"] == "rest"  # processes are read in their aggregate alone
    }
    fields: dict[str, list[str]] = {}
    for row in get(client, "metadata/fields")["data"]:
        if row["selectable"]:
            fields.setdefault(row["entity_name"], []).append(row["name"])
    assert set(fields) - set(collections) == {
        "process_action",
        "process_auto_action",
        "process_quality_gate",
    }
    for name, collection in collections.items():
        page = get(client, collection, fields=",".join(fields[name]), limit="1")
        for row in page["data"]:
            assert set(row) == set(fields[name]) | {"id", "type"}


def test_expansion_nests_three_levels_and_no_more(client: httpx.Client) -> None:
    make(client, "defects", {"name": "d"})
    text = "phase{name,metaphase{name,phase{name}}},parent{},author{full_name}"
    row = get(client, "defects", fields=text)["data"][0]
    assert row["phase"]["metaphase"]["name"] == "New"
    assert "New" in {phase["name"] for phase in row["phase"]["metaphase"]["phase"]["data"]}
    assert row["parent"] == {"type": "work_item_root", "id": "1001"}
    assert row["author"]["full_name"] == "Sam Simulator"
    deep = client.get(f"{WS}/defects?fields=a{{b{{c{{d{{e}}}}}}}}", headers=PREVIEW)
    assert deep.status_code == 400


def test_pages_add_up_in_any_order(client: httpx.Client) -> None:
    make(client, "user_tags", *({"name": name} for name in ("b", "A", "c", "Ä", "B2")))
    for order in ("id", "-id", "name", "-name,id", ""):
        seen = []
        for offset in range(0, 6, 2):
            page = get(client, "user_tags", limit="2", offset=str(offset), order_by=order)
            seen += [row["id"] for row in page["data"]]
            assert page["total_count"] == 5
        assert len(set(seen)) == 5
    page = get(client, "user_tags", fields="name", order_by="name")
    assert [row["name"] for row in page["data"]] == ["A", "b", "B2", "c", "Ä"]
    assert len(get(client, "list_nodes", limit="50")["data"]) == 50
    assert len(get(client, "list_nodes", limit="5000")["data"]) > 200


def test_stray_parameters_and_raw_query_characters_are_taken(client: httpx.Client) -> None:
    make(client, "user_tags", {"name": "a b"}, {"name": "a+b & c#d"})
    raw = client.get(f'{WS}/user_tags?&offset=&query="name+EQ+^a+b^;id+GT+0"&limit=5')
    assert raw.json()["total_count"] == 1
    encoded = get(client, "user_tags", query='"name EQ ^a+b & c#d^"')
    assert encoded["total_count"] == 1


@pytest.mark.parametrize(
    ("mode", "headers", "shown"),
    [
        ("auto", PREVIEW, "defect"),
        ("auto", {}, "work_item"),
        ("concrete", {}, "defect"),
        ("aggregate", PREVIEW, "work_item"),
    ],
)
def test_rows_of_aggregates_show_their_type_in_both_ways(
    running: Running, client: httpx.Client, mode: str, headers: dict[str, str], shown: str
) -> None:
    running.simulator.reader.aggregate_rows = mode
    defect = make(client, "defects", {"name": "d"})[0]
    query = {"query": "\"subtype EQ 'defect'\"", "fields": "subtype"}
    rows = client.get(f"{WS}/work_items", params=query, headers=headers).json()["data"]
    assert rows == [{"type": shown, "id": defect, "subtype": "defect"}]


def test_application_modules_are_the_product_areas(client: httpx.Client) -> None:
    area = make(client, "product_areas", {"name": "Matrix"})[0]
    row = get(client, f"application_modules/{area}", fields="name,parent")
    assert row["type"] == "application_module"
    assert row["parent"] == {"type": "application_module", "id": "1001"}


def test_groups_count_by_reference_and_scalar(client: httpx.Client) -> None:
    high = {"type": "list_node", "id": "list_node.severity.high"}
    make(client, "defects", {"name": "a", "severity": high}, {"name": "b", "severity": high},
         {"name": "c"})  # fmt: skip
    body = get(client, "defects/groups", group_by="severity")
    assert body["groupsTotalCount"] == 2
    assert [(g["count"], (g["value"] or {}).get("name")) for g in body["groups"]] == [
        (2, "High"),
        (1, None),
    ]


def test_text_search_looks_into_names_and_descriptions(client: httpx.Client) -> None:
    make(client, "defects", {"name": "Login fails"}, {"name": "b", "description": "no LOGIN"},
         {"name": "c"})  # fmt: skip
    page = get(client, "defects", text_search='{"type":"global","text":"login"}')
    assert page["total_count"] == 2
    make(client, "defects", {"name": "Größe fehlt"})
    page = get(client, "defects", text_search='{"type":"global","text":"GRÖSSE"}')
    assert page["total_count"] == 1


def test_metadata_shows_collections_methods_and_subtypes(client: httpx.Client) -> None:
    rows = get(client, "metadata/entities", query="\"name IN 'story','work_item'\"")["data"]
    features = {row["name"]: {f["name"]: f for f in row["features"]} for row in rows}
    assert features["story"]["rest"]["url"] == "stories"
    assert set(features["story"]["rest"]["methods"]) == {"GET", "POST", "PUT", "DELETE"}
    assert features["story"]["subtype_of"]["type"] == "work_item"
    assert "defect" in features["work_item"]["subtypes"]["types"]


def test_field_metadata_can_be_filtered_and_has_targets(client: httpx.Client) -> None:
    query = "\"entity_name EQ 'defect' ; required EQ true\""
    rows = get(client, "metadata/fields", query=query)["data"]
    assert {row["name"] for row in rows} == {"name", "parent", "phase"}
    query = "\"entity_name EQ 'defect';name EQ 'severity'\""
    data = get(client, "metadata/fields", query=query)["data"][0]["field_type_data"]
    assert data == {
        "multiple": False,
        "targets": [{"type": "list_node", "logical_name": "list_node.severity"}],
    }
    either = client.get(f"{WS}/metadata/fields", params={"query": "\"name='a'||name='b'\""})
    assert refusal(either) == (400, "platform.invalid_query")


def test_new_and_removed_fields_show_between_two_calls(
    running: Running, client: httpx.Client
) -> None:
    make(client, "defects", {"name": "d"})
    assert client.get(f"{WS}/defects?fields=cost_udf").status_code == 400
    running.simulator.add_field("defect", "cost_udf", "float")
    assert get(client, "defects", fields="cost_udf")["data"][0]["cost_udf"] is None
    query = {"query": "\"is_user_defined EQ true;entity_name EQ 'defect'\""}
    assert get(client, "metadata/fields", **query)["data"][0]["name"] == "cost_udf"
    running.simulator.remove_field("defect", "cost_udf")
    assert client.get(f"{WS}/defects?fields=cost_udf").status_code == 400


def test_faults_come_and_go(running: Running, client: httpx.Client) -> None:
    switches = {
        "add": [
            {"kind": "unavailable", "times": 2, "path": "defects"},
            {"kind": "too_many_requests", "retry_after": 2},
            {"kind": "too_many_requests", "retry_after": 60, "as_date": True},
            {"kind": "too_many_requests"},
            {"kind": "error_500"},
            {"kind": "html_200"},
        ]
    }
    assert client.put("/simulator/faults", json=switches).status_code == 200
    for _ in range(2):
        answer = client.get(f"{WS}/defects")
        assert (answer.status_code, "<html>" in answer.text) == (503, True)
    assert client.get(f"{WS}/defects").status_code == 500
    waits = [client.get(f"{WS}/defects").headers.get("Retry-After") for _ in range(3)]
    assert waits == ["2", "Wed, 20 Jan 2021 21:01:00 GMT", None]
    html = client.get(f"{WS}/defects")
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html")
    assert client.get(f"{WS}/defects").json()["total_count"] == 0
    assert client.get("/simulator/state").json()["faults_served"]["unavailable"] == 2
    assert client.put("/simulator/faults", json={"nonsense": 1}).status_code == 400


def test_a_cut_body_breaks_the_connection(running: Running, client: httpx.Client) -> None:
    running.simulator.faults.add("cut_body")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/current_user")
    assert client.get("/api/current_user").status_code == 200


def test_pages_can_be_spoilt(running: Running, client: httpx.Client) -> None:
    faults = running.simulator.faults
    ids = make(client, "user_tags", *({"name": str(n)} for n in range(6)))

    def page(offset: int) -> list[str]:
        body = get(client, "user_tags", limit="2", offset=str(offset))
        return [row["id"] for row in body["data"]]

    assert page(0) == ids[:2]
    faults.add("repeated_page")
    assert page(2) == ids[:2]
    faults.add("short_page")
    assert page(2) == ids[2:3]
    faults.add("duplicate_row")
    assert page(2) == [ids[2], *ids[2:4]]
    faults.add("low_total")
    body = get(client, "user_tags")
    assert (body["total_count"], body["exceeds_total_count"]) == (5, True)
    faults.add("count_cap", max=5)
    capped = client.get(f"{WS}/user_tags")
    assert refusal(capped) == (400, "platform.exceeds_max_total_count")


def test_entities_can_be_refused_and_metadata_can_be_odd(
    running: Running, client: httpx.Client
) -> None:
    switches = {
        "add": [
            {"kind": "refuse", "entity": "defect"},
            {"kind": "odd_type", "field": "story.name"},
            {"kind": "missing_targets", "field": "story.owner"},
        ]
    }
    client.put("/simulator/faults", json=switches)
    assert refusal(client.get(f"{WS}/defects")) == (403, "platform.not_authorized")
    assert client.get(f"{WS}/stories").status_code == 200
    query = "\"entity_name EQ 'story';name IN 'name','owner'\""
    rows = {row["name"]: row for row in get(client, "metadata/fields", query=query)["data"]}
    assert rows["name"]["field_type"] == "matrix"
    assert rows["owner"]["field_type_data"]["targets"] is None
    client.put("/simulator/faults", json={"clear": True})
    assert client.get(f"{WS}/defects").status_code == 200
