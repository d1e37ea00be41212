"""Fields and lists that are added, removed, retyped or relabelled between two extracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.errors import ExtractError
from octane_flows.warehouse.warehouse_build import Warehouse
from octane_simulator import Simulator
from tests.small import run_extract, stored_links, stored_rows
from tests.small_defects import ids_of


def test_a_new_field_has_its_values_from_the_first_day(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    id = ids_of(simulator)[3]
    simulator.add_field("defect", "team_udf", "string", label="Team")
    stamp = (simulator.store.get("defect", id) or {})["last_modified"]
    simulator.store.update("defect", id, {"team_udf": "blue", "last_modified": stamp})
    simulator.clock.advance(3600)

    report = run_extract(simulator, tmp_path)

    assert stored_rows(tmp_path, "defect", "team_udf")[id] == ("blue",)
    changes = [
        (change.entity, change.field, change.change) for change in report.manifest.schema_changes
    ]
    assert ("defect", "team_udf", "added") in changes
    assert report.rows_written == 1


def test_a_field_that_was_added_while_its_type_was_refused_is_read_afterwards(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    simulator.add_field("defect", "team_udf", "string")
    first = simulator.store.find("defect")[0]
    stamps = {name: first[name] for name in ("last_modified", "version_stamp")}
    simulator.store.update("defect", first["id"], {"team_udf": "red", **stamps})
    simulator.clock.advance(3 * 3600)
    simulator.faults.refuse("defect")
    refused = run_extract(simulator, tmp_path).manifest
    simulator.faults.allow()

    report = run_extract(simulator, tmp_path)

    assert stored_rows(tmp_path, "defect", "team_udf")[first["id"]] == ("red",)
    assert not refused.schema_changes
    assert [change.field for change in report.manifest.schema_changes] == ["team_udf"]


def test_a_removed_field_is_one_schema_change(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "team_udf", "string")
    run_extract(simulator, tmp_path)
    simulator.remove_field("defect", "team_udf")

    run_extract(simulator, tmp_path)
    report = run_extract(simulator, tmp_path)

    changes = report.manifest.schema_changes
    assert [change.change for change in changes if change.field == "team_udf"] == ["removed"]
    assert "team_udf" in {column.name for column in report.manifest.tables["defect"].columns}


def set_unseen(simulator: Simulator, id: str, **values: Any) -> None:
    """Change values without a new stamp, as a new field gets its values."""
    row = simulator.store.get("defect", id) or {}
    stamps = {name: row[name] for name in ("last_modified", "version_stamp")}
    simulator.store.update("defect", id, {**values, **stamps})


@pytest.mark.parametrize("seen_between", [True, False])
def test_a_field_that_is_made_again_has_the_servers_values(
    simulator: Simulator, tmp_path: Path, seen_between: bool
) -> None:
    first, second, third, *_ = ids_of(simulator)
    simulator.add_field("defect", "team_udf", "string")
    for id in (first, second, third):
        set_unseen(simulator, id, team_udf="old")
    run_extract(simulator, tmp_path)
    load_warehouse(tmp_path)
    simulator.remove_field("defect", "team_udf")
    simulator.clock.advance(3600)
    simulator.store.update("defect", first, {"name": "changed"})

    report = run_extract(simulator, tmp_path)

    assert set(stored_rows(tmp_path, "defect", "team_udf").values()) == {(None,)}
    assert any("is no longer on the server" in str(it) for it in report.manifest.findings)
    if seen_between:
        load_warehouse(tmp_path)
        assert warehouse_values(tmp_path) == {}

    simulator.add_field("defect", "team_udf", "string")
    set_unseen(simulator, second, team_udf="new")
    simulator.clock.advance(3600)
    report = run_extract(simulator, tmp_path)

    values = stored_rows(tmp_path, "defect", "team_udf")
    assert {id: value for id, (value,) in values.items() if value} == {second: "new"}
    load_warehouse(tmp_path)
    assert warehouse_values(tmp_path) == {second: "new"}
    changes = [change for change in report.manifest.schema_changes if change.field == "team_udf"]
    assert [change.change for change in changes] == ["removed", "returned"]
    assert any("is on the server again" in str(it) for it in report.manifest.findings)
    set_unseen(simulator, third, team_udf="old")
    simulator.store.update("defect", third, {"name": "changed"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    assert stored_rows(tmp_path, "defect", "team_udf")[third] == ("old",)


def load_warehouse(home: Path) -> None:
    with Warehouse(home, models=[]) as warehouse:
        warehouse.load()
        warehouse.publish()


def warehouse_values(home: Path) -> dict[str, str]:
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as connection:
        return dict(
            connection.execute(
                "select id, team_udf from octane.defect where team_udf is not null"
            ).fetchall()
        )


def test_links_of_a_field_that_is_made_again_are_the_servers(
    simulator: Simulator, tmp_path: Path
) -> None:
    first, second, *_ = ids_of(simulator)
    tags = [{"type": "user_tag", "id": row["id"]} for row in simulator.store.find("user_tag")]

    def add_labels() -> None:
        simulator.add_field(
            "defect", "labels_udf", "reference", multiple=True, targets=("user_tag",)
        )

    add_labels()
    for id in (first, second):
        set_unseen(simulator, id, labels_udf=tags)
    run_extract(simulator, tmp_path)
    simulator.remove_field("defect", "labels_udf")
    run_extract(simulator, tmp_path)
    assert stored_links(tmp_path, "defect", "labels_udf") == {}

    add_labels()
    set_unseen(simulator, first, labels_udf=tags[:1])
    set_unseen(simulator, second, labels_udf=[])
    run_extract(simulator, tmp_path)
    assert stored_links(tmp_path, "defect", "labels_udf") == {first: [tags[0]["id"]]}

    set_unseen(simulator, second, labels_udf=tags)
    run_extract(simulator, tmp_path, sweep=True, sweep_share=1.0)
    links = stored_links(tmp_path, "defect", "labels_udf")
    assert links[second] == [tag["id"] for tag in tags]


def test_a_retyped_field_must_be_accepted(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "size_udf", "string")
    run_extract(simulator, tmp_path)
    simulator.retype_field("defect", "size_udf", "integer")
    simulator.store.update("defect", ids_of(simulator)[0], {"size_udf": 9})

    with pytest.raises(ExtractError, match=r"size_udf \(string to integer\).*--accept-retyped"):
        run_extract(simulator, tmp_path)

    report = run_extract(simulator, tmp_path, accept_retyped=("defect.size_udf",))
    kinds = {column.name: column.type for column in report.manifest.tables["defect"].columns}
    assert kinds["size_udf"] == "BIGINT"
    assert stored_rows(tmp_path, "defect", "size_udf")[ids_of(simulator)[0]] == (9,)


def test_a_relabelled_field_is_a_schema_change(simulator: Simulator, tmp_path: Path) -> None:
    simulator.add_field("defect", "team_udf", "string", label="Team")
    run_extract(simulator, tmp_path)
    simulator.add_field("defect", "team_udf", "string", label="Crew")

    report = run_extract(simulator, tmp_path)

    changes = [(change.change, change.detail) for change in report.manifest.schema_changes]
    assert ("relabelled", "Team to Crew") in changes


def test_added_and_removed_lists_are_schema_changes(simulator: Simulator, tmp_path: Path) -> None:
    choices: dict[str, Any] = {"only": ("list_node",), "page_size": 1000}
    simulator.store.insert("list_node", {"name": "Old"}, id="list_node.old")
    run_extract(simulator, tmp_path, **choices)
    simulator.store.insert("list_node", {"name": "New"}, id="list_node.new")
    simulator.store.delete("list_node", "list_node.old")

    report = run_extract(simulator, tmp_path, **choices)

    changes = {(change.field, change.change) for change in report.manifest.schema_changes}
    assert changes == {("list_node.new", "list_added"), ("list_node.old", "list_removed")}
    assert "list_node.old" not in stored_rows(tmp_path, "list_node")
