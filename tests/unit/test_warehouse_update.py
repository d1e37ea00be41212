"""Updating the warehouse: only what is new is read, and the tables are those of a full rebuild."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from octane_flows.lake import Lake, Manifest
from octane_flows.models import macros
from octane_flows.warehouse import (
    build,
    connect,
    gaps_of_report,
    gaps_of_warehouse,
    load_models,
    model_creation,
)
from octane_flows.warehouse.incremental import table_changes
from octane_flows.warehouse.meta import field_table
from octane_simulator import Simulator
from tests.golden import kit
from tests.small import START, run_extract

# enough for what does not depend on the models: a build of all of them takes about a second
NAMES = (
    "er.releases",
    "er.sprints",
    "er.metaphases",
    "er.phases",
    "er.phase_periods",
    "check.certificate_adds_up",
)
FEW = [model for model in load_models() if model.name in NAMES]


def content(home: Path, schemas: tuple[str, ...] = ("octane", "past", "er")) -> dict[str, Any]:
    """Every table and view with columns, types, comments and rows in one order."""
    rows_by_table: dict[str, Any] = {}
    with connect(home) as connection:
        for name, columns in connection.execute(
            "select schema_name || '.' || table_name, "
            "list((column_name, data_type, comment) order by column_index) "
            "from duckdb_columns() where list_contains(?, schema_name) group by all order by all",
            [list(schemas)],
        ).fetchall():
            rows_by_table[name] = (
                columns,
                connection.execute(f"from {name} order by all").fetchall(),
            )
    return rows_by_table


def counted_relations(home: Path) -> list[Any]:
    with connect(home) as connection:
        return connection.execute("from meta.relations order by all").fetchall()


def assert_same_as_rebuilt(home: Path, scratch: Path, models: Any = None) -> None:
    updated = content(home)
    relations = counted_relations(home)
    shutil.copytree(home / "lake", scratch / "lake")
    build(scratch, models=models, full=True)
    rebuilt = content(scratch)
    assert relations == counted_relations(scratch)
    shutil.rmtree(scratch)
    assert updated.keys() == rebuilt.keys()
    for name, expected in rebuilt.items():
        assert updated[name] == expected, name


def how_built(home: Path) -> tuple[int | None, list[str]]:
    with connect(home) as connection:
        return connection.execute("select updated_from, changed_tables from meta.build").fetchall()[
            0
        ]


def changes(seed: int) -> list[dict[str, list[dict[str, Any]]]]:
    """Some generations of edits, deletions, returns and replaced link sets."""
    rng = random.Random(seed)
    generations = []
    for number in range(5):
        defects: list[dict[str, Any]] = []
        links: list[dict[str, Any]] = []
        for key in rng.sample(range(8), rng.randint(0, 5)):
            is_deleted = rng.random() < 0.25
            defect = {
                "id": str(key),
                "type": "defect",
                "name": f"{number}.{key}",
                "_deleted": is_deleted,
            }
            defects.append(
                {**defect, "phase_id": None if is_deleted else rng.choice(("new", "fixed"))}
            )
            targets = rng.sample(("a", "b", "c"), rng.randint(0, 3))
            links += [{"source_id": str(key), "target_id": target} for target in targets]
            if not targets:
                links.append({"source_id": str(key), "_deleted": True})
        rows = {"defect": defects, "defect__product_areas": links}
        if rng.random() < 0.3:
            rows["release"] = [{"id": "5", "type": "release", "name": f"r{number}"}]
        generations.append(rows)
    return generations


@pytest.mark.parametrize("seed", range(6))
def test_an_update_and_a_rebuild_give_the_same_tables(tmp_path: Path, seed: int) -> None:
    home = tmp_path / "home"
    for number, rows in enumerate(changes(seed)):
        kit.write_lake(home, rows)
        if number % 2 == 0:  # now and then two generations come at once
            build(home, models=FEW)

    assert how_built(home)[0] is not None
    assert_same_as_rebuilt(home, tmp_path / "scratch", FEW)


@pytest.mark.parametrize("is_another_deleted", [False, True])
def test_links_that_come_after_the_tombstone_of_their_owner_go(
    tmp_path: Path, is_another_deleted: bool
) -> None:
    home = tmp_path / "home"
    defects = [{"id": id, "type": "defect", "name": id, "phase_id": "new"} for id in "123"]
    links = [{"source_id": id, "target_id": "a"} for id in ("1", "2", "3", "without_row")]
    kit.write_lake(home, {"defect": defects, "defect__product_areas": links})
    build(home, models=FEW)
    kit.write_lake(home, {"defect": [{**defects[0], "_deleted": True}]})
    build(home, models=FEW)
    late = {"defect__product_areas": [{"source_id": "1", "target_id": "b"}]}
    deleted = {"defect": [{**defects[2], "_deleted": True}]} if is_another_deleted else {}
    kit.write_lake(home, {**late, **deleted})
    build(home, models=FEW)

    assert how_built(home)[0] is not None
    with connect(home) as connection:
        owners = connection.execute(
            "select source_id from octane.defect__product_areas order by all"
        ).fetchall()
    left = [("2",)] if is_another_deleted else [("2",), ("3",)]
    assert owners == [*left, ("without_row",)]
    assert_same_as_rebuilt(home, tmp_path / "scratch", FEW)


@pytest.mark.parametrize("seed", range(3))
def test_a_rebuild_holds_the_newest_of_each_workspace(tmp_path: Path, seed: int) -> None:
    """Expected is what plain Python keeps; the second workspace is first read later."""
    expected: dict[str, dict[tuple[str, str], Any]] = {"defect": {}, "defect__product_areas": {}}
    for here, elsewhere in zip(changes(seed), [{}, {}, *changes(seed + 10)], strict=False):
        rows: dict[str, list[dict[str, Any]]] = {
            table: [
                {**row, "_workspace_id": id}
                for id, part in (("1002", here), ("1003", elsewhere))
                for row in part.get(table, ())
            ]
            for table in expected
        }
        kit.write_lake(tmp_path, {table: some for table, some in rows.items() if some})
        for row in rows["defect"]:
            name = None if row["_deleted"] else row["name"]
            expected["defect"][row["_workspace_id"], row["id"]] = name
        sets: dict[tuple[str, str], set[str]] = {}
        for row in rows["defect__product_areas"]:
            targets = sets.setdefault((row["_workspace_id"], row["source_id"]), set())
            targets |= set() if row.get("_deleted") else {row["target_id"]}
        expected["defect__product_areas"] |= sets
    build(tmp_path, models=FEW, full=True)

    with connect(tmp_path) as connection:
        defects = connection.execute("select _workspace_id, id, name from octane.defect").fetchall()
        links = connection.execute(
            "select _workspace_id, source_id, target_id from octane.defect__product_areas"
        ).fetchall()
    there = {key: name for key, name in expected["defect"].items() if name is not None}
    assert sorted(defects) == sorted((*key, name) for key, name in there.items())
    assert sorted(links) == sorted(
        (*key, target)
        for key, targets in expected["defect__product_areas"].items()
        if key in there
        for target in targets
    )


def test_all_models_are_the_same_after_an_update(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = {
        "id": "1",
        "type": "run_automated",
        "name": "r",
        "started": kit.AS_OF.replace(tzinfo=None),
    }
    kit.write_lake(home, {"run_automated": [run]})
    build(home)
    kit.write_lake(home, {"run_automated": [{**run, "id": "2"}, {**run, "name": "later"}]})
    build(home)

    assert how_built(home) == (1, ["run_automated"])
    assert_same_as_rebuilt(home, tmp_path / "scratch")


def test_a_stored_model_follows_the_change_and_stays_when_nothing_did(tmp_path: Path) -> None:
    run = {"id": "1", "type": "run_automated", "status_id": "list_node.run_status.passed"}
    link = {"source_id": "7", "target_id": "1", "target_type": "run_automated"}
    kit.write_lake(tmp_path, {"run_automated": [run], "test_automated__last_runs": [link]})
    statuses: list[list[Any]] = []
    given: tuple[dict[str, Any], ...] = (
        {},
        {"release": [{"id": "5", "name": "r"}]},
        {"run_automated": [{**run, "status_id": "list_node.run_status.failed"}]},
        {"test_automated__last_runs": [{**link, "_deleted": True}]},
    )
    for change in given:
        if change:
            kit.write_lake(tmp_path, change)
        results = {row.name: row for row in build(tmp_path).models}
        assert results["er.last_runs"].kind == "table"
        with connect(tmp_path) as connection:
            statuses.append(connection.execute("select status_code from er.last_runs").fetchall())

    passed, failed = "list_node.run_status.passed", "list_node.run_status.failed"
    assert statuses == [[(passed,)], [(passed,)], [(failed,)], []]


def test_an_update_keeps_views_and_macros_until_a_table_gets_other_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Created again are none of them at first, and then all; either way they are as recorded."""
    wanted = {"er.list_items", "er.phases", "er.work_items", "metric.lead_times"}
    models = [model for model in load_models() if model.name in wanted]
    created: list[str] = []

    def create_statements(model: Any) -> list[str]:
        created.append(model.name)
        return macros.create_statements(model)

    monkeypatch.setattr(model_creation, "create_statements", create_statements)
    without = ("defect.description",)
    kit.write_lake(tmp_path, {"defect": [{"id": "1"}]}, without=without)
    build(tmp_path, models=models)
    first, recorded = list(created), definitions(tmp_path)
    created.clear()
    kit.write_lake(tmp_path, {"defect": [{"id": "2"}]}, without=without)
    report = build(tmp_path, models=models)
    kept, recorded_then = list(created), definitions(tmp_path)
    kit.write_lake(tmp_path, {"defect": [{"id": "3"}]})
    build(tmp_path, models=models)

    assert len(first) == len(models)
    assert kept == []
    assert recorded_then == recorded
    assert all(result.columns for result in report.models)
    assert set(created) == wanted


def definitions(home: Path) -> list[Any]:
    """Views, macros and what the warehouse tells of the columns of models."""
    with connect(home) as connection:
        return [
            connection.execute(sql).fetchall()
            for sql in (
                "select view_name, sql, comment from duckdb_views() "
                "where schema_name = 'er' order by all",
                "select function_name, macro_definition, comment from duckdb_functions() "
                "where schema_name = 'metric' order by all",
                "from meta.columns order by all",
            )
        ]


def test_what_is_loaded_is_not_read_again(tmp_path: Path) -> None:
    first = kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    build(tmp_path, models=FEW)
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "second"}]})
    Lake(tmp_path / "lake").resolve(first.tables["release"].files[0]).unlink()
    build(tmp_path, models=FEW)

    assert [row[2] for row in content(tmp_path)["er.releases"][1]] == ["first", "second"]


def test_checks_of_what_did_not_change_are_kept(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"sprint": [{"id": "1", "name": "s", "release_id": "99"}]})
    first = build(tmp_path)
    kit.write_lake(tmp_path, {"defect": [{"id": "1", "name": "d"}]})
    second = build(tmp_path)

    assert [check.name for check in second.checks] == [check.name for check in first.checks]
    unresolved = {check.name: check.passed for check in second.checks}
    assert unresolved["relation:er.sprints.release_id"] is False


def test_files_that_a_full_extract_dropped_rebuild_their_table(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5"}, {"id": "6"}], "defect": [{"id": "1"}]})
    build(tmp_path, models=FEW)
    kit.write_lake(tmp_path, {"release": [{"id": "5"}]}, restart=("release",))
    build(tmp_path, models=FEW)

    assert how_built(tmp_path) == (1, ["release"])
    assert [row[1] for row in content(tmp_path)["er.releases"][1]] == ["5"]


def test_a_new_column_rebuilds_its_table_alone(tmp_path: Path) -> None:
    without = ("release.start_date",)
    kit.write_lake(tmp_path, {"release": [{"id": "5"}]}, without=("release.description",))
    build(tmp_path, models=FEW)
    kit.write_lake(tmp_path, {"defect": [{"id": "1"}]}, without=without)
    build(tmp_path, models=FEW)

    assert how_built(tmp_path) == (1, ["defect", "release"])
    assert len(content(tmp_path)["octane.release"][1]) == 1


def test_a_warehouse_of_another_version_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5"}]})
    build(tmp_path, models=FEW)
    monkeypatch.setattr(table_changes, "__version__", "0.0.later")
    build(tmp_path, models=FEW)

    assert how_built(tmp_path)[0] is None


def test_filled_shares_are_counted_only_where_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    count = field_table.count_filled

    def noted(connection: Any, manifest: Manifest, entity: str) -> Any:
        counted.append(entity)
        return count(connection, manifest, entity)

    monkeypatch.setattr(field_table, "count_filled", noted)
    simulator = Simulator(clock=START)
    ids = [simulator.store.insert("defect", {"name": f"d{number}"}) for number in range(4)]
    simulator.store.insert("story", {"name": "s"})
    simulator.clock.advance(3 * 3600)
    statements = []
    for tag in (None, "t", None):
        if tag is not None:
            linked = simulator.store.insert("user_tag", {"name": tag})
            tags = [{"type": "user_tag", "id": linked}]
            simulator.store.update("defect", ids[0], {"user_tags": tags})
        counted.clear()
        run_extract(simulator, tmp_path)
        build(tmp_path, models=FEW)
        with connect(tmp_path) as connection:
            shares = connection.execute(
                "select filled_ratio from meta.fields where field = 'user_tags' order by entity"
            ).fetchall()
        statements.append((sorted(counted), [row[0] for row in shares]))

    assert statements == [
        (["defect", "story"], [0.0, 0.0]),
        (["defect"], [0.25, 0.0]),
        ([], [0.25, 0.0]),
    ]


def test_a_full_build_rebuilds(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5"}]})
    build(tmp_path, models=FEW)
    build(tmp_path, models=FEW, full=True)

    assert how_built(tmp_path)[0] is None


def test_other_models_take_the_place_of_the_former(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5"}]})
    build(tmp_path)
    build(tmp_path, models=FEW)

    assert set(content(tmp_path, ("er",))) == {model.name for model in FEW if model.schema == "er"}


def test_an_update_does_not_run_macros_again_and_says_so(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    build(tmp_path, count_questions=True)
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "second"}]})
    report = build(tmp_path)

    rows = {model.name: model.rows for model in report.models}
    assert rows["er.releases"] == 2
    assert rows["flow.planned_runs"] is None
    last_runs = {check.name: check.last_run_generation for check in report.checks if check.passed}
    assert last_runs["key:flow.planned_runs"] == 1
    assert last_runs["key:er.releases"] is None
    [gap] = gaps_of_report(report)
    assert "key:flow.planned_runs" in gap
    assert "er.releases" not in gap
    with connect(tmp_path) as connection:
        assert gaps_of_warehouse(connection) == [gap]
    kit.write_lake(tmp_path, {"release": [{"id": "7", "name": "third"}]})
    last_runs = {check.name: check.last_run_generation for check in build(tmp_path).checks}
    assert last_runs["key:flow.planned_runs"] == 1
    counted = build(tmp_path, count_questions=True)
    assert {model.rows is None for model in counted.models} == {False}
    assert {check.last_run_generation for check in counted.checks} == {None}
