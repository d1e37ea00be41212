"""Every field has columns of its own, whatever the other fields are called."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octane_flows.client import EntityType, Field, Metadata
from octane_flows.client.transport import Request, Response
from octane_flows.extract.extract_plan import Plan, make_plan
from octane_flows.lake import Lake
from octane_flows.warehouse.warehouse_build import Warehouse
from octane_simulator import Simulator
from tests.small import FIELDS, START, SmallTransport, loaded, run_extract, stored_rows
from tests.small_defects import ids_of

names = st.sampled_from([
    "x", "X", "x_id", "x_type", "x_ID", "x_id_text", "x_text", "x_text_2", "type_", "Type", "ID",
    "_deleted", "_generation", "_workspace_id", "_Extracted_at", "_deleted_reason",
])  # fmt: skip
kinds = st.sampled_from(["string", "integer", "reference", "references", "date_time", "object"])


def a_field(name: str, kind: str) -> Field:
    is_reference = kind.startswith("reference")
    return Field(
        name,
        name,
        "reference" if is_reference else kind,
        is_reference=is_reference,
        multiple=kind == "references",
        is_user_defined=name.endswith("_udf"),
    )


def planned(*workspaces: Iterable[Field]) -> Plan:
    metadata = {}
    for number, fields in enumerate(workspaces):
        by_name = {field.name: field for field in fields}
        entity = EntityType("defect", "Defect", "defects", frozenset({"GET"}), fields=by_name)
        metadata[str(1002 + number)] = Metadata({"defect": entity}, [])
    return make_plan(metadata)


@given(st.lists(st.dictionaries(names, kinds, max_size=8), min_size=1, max_size=3))
def test_no_two_columns_or_tables_have_one_name(workspaces: list[dict[str, str]]) -> None:
    fields = [[a_field(*entry) for entry in workspace.items()] for workspace in workspaces]

    plan = planned(*fields)

    table = plan.tables["defect"]
    columns = [column.name.casefold() for column in table.columns]
    assert len(set(columns)) == len(columns)
    assert len({name.casefold() for name in plan.tables}) == len(plan.tables)
    types = {column.name: (column.field, column.type) for column in table.columns}
    for entity in plan.entities:
        for scalar in entity.scalars:
            for name in table.names_of(scalar):
                kind = {"integer": "BIGINT", "date_time": "TIMESTAMP"}.get(
                    scalar.field_type, "VARCHAR"
                )
                assert types[name] == (scalar.name, kind)
        assert len({entity.link_table(link) for link in entity.links}) == len(entity.links)


def test_a_field_keeps_its_usual_column_where_nothing_else_has_it() -> None:
    plan = planned([a_field("x", "reference"), a_field("y", "string"), a_field("z", "references")])

    assert [column.name for column in plan.tables["defect"].columns[2:5]] == ["x_id", "x_type", "y"]
    assert set(plan.tables) == {"defect", "defect__z"}
    assert plan.findings == ()


def test_fields_with_other_columns_are_told() -> None:
    plan = planned(
        [a_field("x", "reference"), a_field("x_id", "string"), a_field("_deleted", "boolean")],
        [a_field("x", "integer")],
        [a_field("x", "string")],
    )

    assert sorted(map(str, plan.findings)) == [
        "workspace 1002: the field _deleted of defect is in the column _deleted_boolean, because "
        "_deleted holds other values",
        "workspace 1002: the field x_id of defect is in the column x_id_text, because x_id holds "
        "other values",
        "workspace 1004: the field x of defect is in the column x_text, because x holds other "
        "values",
    ]


class MoreFields(SmallTransport):
    """A server with more fields of defects, whose rows have the values given."""

    fields = FIELDS

    def __init__(self, simulator: Simulator, more: dict[str, tuple[str, Any]]) -> None:
        super().__init__(simulator)
        self.more = more

    def send(self, request: Request) -> Response:
        """Answer one request."""
        url = request.url
        for name in self.more:  # the simulator does not know them
            url = url.replace(f"{name},", "").replace(f",{name}&", "&")
        answer = super().send(replace(request, url=url))
        if answer.status != 200 or not answer.body.startswith(b"{"):
            return answer
        body = json.loads(answer.body)
        if "/metadata/fields" in request.url:
            base = next(field for field in body["data"] if field["entity_name"] == "defect")
            for name, (kind, _) in self.more.items():
                body["data"].append(
                    {
                        **base,
                        "name": name,
                        "label": name,
                        "field_type": kind,
                        "field_type_data": {"targets": [{"type": "user_tag"}]},
                    }
                )
            body["total_count"] = len(body["data"])
        elif "/defects?" in request.url:
            for row in body["data"]:
                row |= {name: value for name, (_, value) in self.more.items()}
        return replace(answer, body=json.dumps(body).encode())


def test_fields_that_want_the_same_column_all_have_their_values(
    simulator: Simulator, tmp_path: Path
) -> None:
    fields = {
        "x": ("reference", {"type": "user_tag", "id": "7"}),
        "x_id": ("string", "plain"),
        "X_ID": ("integer", 5),
        "_deleted": ("boolean", True),
        "_generation": ("integer", 99),
    }

    run_extract(simulator, tmp_path, MoreFields(simulator, fields))

    columns = ("x_id", "x_type", "x_id_text", "X_ID_integer", "_deleted_boolean")
    rows = stored_rows(tmp_path, "defect", *columns, "_generation_integer", "_deleted")
    assert set(rows.values()) == {("7", "user_tag", "plain", 5, True, 99, False)}
    assert sorted(rows) == sorted(ids_of(simulator))
    with Warehouse(tmp_path, models=[]) as warehouse:
        warehouse.load()
        stored_in = dict(
            warehouse.connection.execute(
                "select field, stored_in from meta.fields where entity = 'defect'"
            ).fetchall()
        )
    assert stored_in["x"] == ["x_id", "x_type"]
    assert stored_in["x_id"] == ["x_id_text"]
    assert stored_in["_deleted"] == ["_deleted_boolean"]
    assert stored_in["user_tags"] == ["defect__user_tags"]


def test_a_field_keeps_its_column_when_another_one_wants_it(
    simulator: Simulator, tmp_path: Path
) -> None:
    first = {"x_id": ("string", "plain")}
    run_extract(simulator, tmp_path, MoreFields(simulator, first))
    both = {"x": ("reference", {"type": "user_tag", "id": "7"}), **first}

    run_extract(simulator, tmp_path, MoreFields(simulator, both), full=True)

    rows = stored_rows(tmp_path, "defect", "x_id", "x_reference_id", "x_reference_type")
    assert set(rows.values()) == {("plain", "7", "user_tag")}


@pytest.mark.parametrize("together", [True, False])
def test_a_field_with_two_types_in_two_workspaces_stops_nobody(
    tmp_path: Path, together: bool
) -> None:
    simulator = Simulator(clock=START, workspaces=["1002", "1003"])
    other = simulator.workspaces["1003"]
    for workspace in simulator.workspaces.values():
        workspace.store.insert("defect", {"name": "d"})
    simulator.add_field("defect", "size_udf", "string")
    other.store.retype_field("defect", "size_udf", "integer")
    simulator.store.update("defect", ids_of(simulator)[0], {"size_udf": "large"})
    (row,) = other.store.find("defect")
    other.store.update("defect", row["id"], {"size_udf": 9})

    both = (simulator.workspace, "1003")
    for workspaces in [both] if together else [(simulator.workspace,), ("1003",)]:
        report = run_extract(simulator, tmp_path, workspaces=workspaces)

    with loaded(tmp_path) as connection:
        values = connection.execute(
            "select _workspace_id, size_udf, size_udf_integer from octane.defect "
            "where size_udf is not null or size_udf_integer is not null order by all"
        ).fetchall()
    assert values == [(simulator.workspace, "large", None), ("1003", None, 9)]
    assert any("size_udf_integer" in str(finding) for finding in report.manifest.findings)
    manifest = Lake(tmp_path / "lake").current()
    assert manifest is not None
    assert {row.status for row in manifest.certificate} <= {"complete", "carried"}
