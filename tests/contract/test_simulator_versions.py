"""What differs between versions of the server: order, ids of phases, types of rows."""

from __future__ import annotations

import httpx

from tests.contract.contract_requests import WS, get, make, switch


def test_the_default_order_follows_the_version(client: httpx.Client) -> None:
    ids = make(client, "user_tags", {"name": "b"}, {"name": "a"})
    switch(client, "default_order", by="name")
    assert [row["id"] for row in get(client, "user_tags")["data"]] == ids[::-1]
    client.put("/simulator/faults", json={"remove": ["default_order"]})
    assert [row["id"] for row in get(client, "user_tags")["data"]] == ids


def test_ids_of_phases_can_be_numeric_as_they_once_were(client: httpx.Client) -> None:
    (old,) = make(client, "defects", {"name": "old"})
    switch(client, "phase_ids", form="numeric")
    phase = get(client, f"defects/{old}", fields="phase")["phase"]
    assert phase["id"].isdecimal()
    row = get(client, f"phases/{phase['id']}", fields="logical_name,metaphase")
    assert row["logical_name"] == "phase.defect.new"
    assert row["metaphase"]["id"].isdecimal()
    answer = get(client, "defects", query=f'"phase EQ {{id EQ {phase["id"]}}}"')
    assert [row["id"] for row in answer["data"]] == [old]
    fixed = get(client, "phases", query='"logical_name EQ ^phase.defect.fixed^"')["data"][0]
    body = {"phase": {"type": "phase", "id": fixed["id"]}}
    client.put(f"{WS}/defects/{old}", json=body).raise_for_status()
    (new,) = make(client, "defects", {"name": "new"})
    client.delete("/simulator/faults")
    rows = get(client, "defects", fields="phase,fixed_on", order_by="id")["data"]
    assert [row["phase"]["id"] for row in rows] == ["phase.defect.fixed", "phase.defect.new"]
    assert (rows[0]["fixed_on"], rows[1]["id"]) == ("2021-01-20T21:00:00Z", new)


def test_rows_of_aggregates_show_either_type(client: httpx.Client) -> None:
    make(client, "defects", {"name": "x"})
    types = {}
    for form in ("concrete", "aggregate"):
        switch(client, "aggregate_type", form=form)
        query = '"subtype EQ ^defect^"'
        (row,) = get(client, "work_items", query=query, fields="subtype")["data"]
        types[form] = (row["type"], row["subtype"])
    assert types == {"concrete": ("defect", "defect"), "aggregate": ("work_item", "defect")}
