"""What Spark builds from a lake with a history: the current state, published whole."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from octane_flows import spark as on_spark
from octane_flows import warehouse
from octane_flows.errors import CheckError, OctaneFlowsError, UsageError
from octane_flows.lake import ColumnEntry, Lake
from octane_flows.spark import read_published, spark_folder
from octane_flows.spark.current_tables import current_tables
from octane_flows.spark.spark_build import Build
from octane_flows.spark.spark_publication import new_build_folder
from octane_flows.spark.spark_session import MEANING
from octane_flows.warehouse import Model, load_models
from octane_flows.warehouse.phase_versions import TABLE as PHASES
from octane_simulator import Simulator
from tests.golden import kit
from tests.small import START, run_extract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FEW = ("er.defects", "er.phases", "er.list_items", "er.metaphases", "er.defect_modules")


def few_models() -> list[Model]:
    return [model for model in load_models() if model.name in FEW]


def defect(id: str, name: str, **more: str) -> dict[str, Any]:
    return {"id": id, "type": "defect", "phase_id": "phase.defect.new", "name": name, **more}


def write_history(home: Path) -> None:
    """Three generations: changed, deleted and restored defects, and link sets replaced whole."""
    kit.write_lake(
        home,
        {
            "defect": [
                defect("1", "first"),
                defect("2", "second"),
                defect("3", "third"),
                defect("1", "of another workspace", _workspace_id="1003"),
            ],
            "defect__product_areas": [
                {"source_id": "1", "target_id": "11", "target_type": "product_area"},
                {"source_id": "1", "target_id": "12", "target_type": "product_area"},
                {"source_id": "2", "target_id": "12", "target_type": "product_area"},
                {"source_id": "3", "target_id": "13", "target_type": "product_area"},
            ],
        },
    )
    kit.write_lake(
        home,
        {
            "defect": [
                defect("1", "first, renamed"),
                {"id": "2", "_deleted": True},
                {"id": "3", "_deleted": True},
            ],
            "defect__product_areas": [
                {"source_id": "1", "target_id": "14", "target_type": "product_area"},
            ],
        },
    )
    kit.write_lake(
        home,
        {
            "defect": [defect("3", "third again")],
            "defect__product_areas": [{"source_id": "1", "_deleted": True}],
        },
    )


def rows_of(path: Path) -> Counter[Any]:
    return Counter(tuple(row.items()) for row in pq.read_table(path).to_pylist())


def test_the_current_state_is_that_of_duckdb(spark: SparkSession, tmp_path: Path) -> None:
    write_history(tmp_path)
    built = on_spark.build(tmp_path, spark, models=few_models())
    warehouse.build(tmp_path)

    with warehouse.connect(tmp_path) as connection:
        for name in [f"octane.{table}" for table in built.tables] + [*FEW, PHASES]:
            there = connection.sql(f"select * from {name}").to_arrow_table().to_pylist()
            assert rows_of(built.path(name)) == Counter(tuple(row.items()) for row in there), name
    duckdb_tables = {
        (row["_workspace_id"], row["id"]): row["name"]
        for row in pq.read_table(built.path("octane.defect")).to_pylist()
    }
    assert duckdb_tables == {
        ("1002", "1"): "first, renamed",
        ("1002", "3"): "third again",
        ("1003", "1"): "of another workspace",
    }
    assert [
        row["target_id"]
        for row in pq.read_table(built.path("octane.defect__product_areas")).to_pylist()
    ] == ["13"]


def test_values_from_before_a_field_was_made_again_do_not_count(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_history(tmp_path)
    lake = Lake(tmp_path / "lake")
    manifest = lake.current()
    assert manifest is not None
    defects, areas = manifest.tables["defect"], manifest.tables["defect__product_areas"]
    columns = tuple(replace(column, field=column.name) for column in defects.columns)
    entries = {
        "defect": replace(defects, columns=columns, values_since={"name": {"1002": 3}}),
        areas.name: replace(areas, values_since={"product_areas": {"1002": 2}}),
    }

    frames = current_tables(spark, lake, entries)

    assert {
        (row["_workspace_id"], row["id"]): row["name"] for row in frames["defect"].collect()
    } == {("1002", "1"): None, ("1002", "3"): "third again", ("1003", "1"): "of another workspace"}
    assert frames[areas.name].collect() == []


def test_a_build_of_one_workspace_keeps_to_it(spark: SparkSession, tmp_path: Path) -> None:
    simulator = Simulator(clock=START, workspaces=["1002", "1003"])
    for workspace_id in ("1002", "1003"):
        simulator.feeder(workspace_id).create("defects", [{"name": f"of {workspace_id}"}])
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path, workspaces=("1002", "1003"))

    def names(workspaces: list[str] | None) -> list[str]:
        built = on_spark.build(tmp_path, spark, workspaces=workspaces, models=few_models())
        return sorted(pq.read_table(built.path("octane.defect"))["name"].to_pylist())

    assert names(None) == ["of 1002", "of 1003"]
    assert names(["1003"]) == names(None) == ["of 1003"]
    assert names(["all"]) == ["of 1002", "of 1003"]


def test_a_folder_of_any_name_is_read_and_written(spark: SparkSession, tmp_path: Path) -> None:
    home = tmp_path / "data [of] {all},* 100%20 ?"
    write_history(home)

    built = on_spark.build(home, spark, models=few_models())

    assert built.models["er.defects"].rows == 3
    assert built.path("er.defects").is_dir()


def test_a_repeated_key_is_not_published(spark: SparkSession, tmp_path: Path) -> None:
    kit.write_lake(
        tmp_path,
        {
            "defect__product_areas": [
                {"source_id": "1", "target_id": "11", "target_type": "product_area"},
                {"source_id": "1", "target_id": "11", "target_type": "product_area"},
            ],
        },
    )

    with pytest.raises(CheckError, match=r"repeated in er.defect_modules \(1\)"):
        on_spark.build(tmp_path, spark, models=few_models())

    assert not (spark_folder(tmp_path) / "current.json").exists()


def test_a_session_that_means_something_else_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    other = spark.newSession()
    other.conf.set("spark.sql.session.timeZone", "Europe/Berlin")

    with pytest.raises(UsageError, match=r"timeZone = Europe/Berlin, and the models need UTC"):
        on_spark.build(tmp_path, other)


def test_a_cluster_that_lets_go_of_the_session_is_told_in_a_sentence(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The context is there by then, and is stopped before the session is made of it."""
    from py4j.protocol import Py4JError

    class Context:
        _gateway = spark.sparkContext  # a gateway is there too

        def __init__(self, **_: object) -> None:
            pass

    def stopped(_: object) -> None:
        raise Py4JError("Cannot call methods on a stopped SparkContext")

    monkeypatch.setattr("pyspark.SparkContext", Context)
    monkeypatch.setattr("pyspark.sql.SparkSession", stopped)

    with (
        pytest.raises(UsageError, match=r"could not be started on spark://host:7077 .*check the"),
        on_spark.open_session("spark://host:7077", tmp_path / "spark.log"),
    ):
        pass


def test_a_lake_in_a_bucket_is_refused_where_workers_cannot_see_its_copies(tmp_path: Path) -> None:
    session: Any = SimpleNamespace(
        conf=MEANING, sparkContext=SimpleNamespace(master="spark://host:7077")
    )
    lake: Any = SimpleNamespace(
        current=lambda: object(), storage=SimpleNamespace(describe=lambda: "s3://bucket/lake")
    )

    with pytest.raises(UsageError, match=r"s3://bucket/lake is a bucket.*--master local"):
        on_spark.build(tmp_path, session, lake=lake)


def test_a_build_takes_the_place_of_the_former_one_whole(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_history(tmp_path)
    first = on_spark.build(tmp_path, spark, models=few_models())
    second = on_spark.build(tmp_path, spark, models=few_models())
    third = on_spark.build(tmp_path, spark, models=few_models())

    assert read_published(tmp_path).folder == third.folder
    assert [first.folder.exists(), second.folder.exists()] == [False, True]
    assert sorted(path.name for path in spark_folder(tmp_path).iterdir()) == [
        "current.json",
        second.folder.name,
        third.folder.name,
    ]


def test_a_failed_build_leaves_the_former_one(spark: SparkSession, tmp_path: Path) -> None:
    write_history(tmp_path)
    built = on_spark.build(tmp_path, spark, models=few_models())
    lake = Lake(tmp_path / "lake")
    manifest = lake.current()
    assert manifest is not None
    lake.resolve(manifest.tables["defect"].files[0]).unlink()

    with pytest.raises(OctaneFlowsError, match="is named by the manifest but is not there"):
        on_spark.build(tmp_path, spark, models=few_models())

    assert read_published(tmp_path).folder == built.folder
    assert not list(spark_folder(tmp_path).glob(".building-*"))


def test_a_refused_model_is_named_with_its_reason_and_so_are_its_readers(
    spark: SparkSession, tmp_path: Path
) -> None:
    kit.write_lake(tmp_path, {"defect": [{"id": "1", "name": "first"}]})
    sql = tmp_path / "sql"
    for schema, name, text in (
        ("er", "hashes", HASHES),
        ("flow", "hashed", HASHED),
    ):
        (sql / schema).mkdir(parents=True, exist_ok=True)
        (sql / schema / f"{name}.sql").write_text(text, encoding="utf-8")
    lake = Lake(tmp_path / "lake")
    manifest = lake.current()
    assert manifest is not None
    built = Build(spark, lake, manifest, new_build_folder(tmp_path), load_models(sql)).run()

    assert built.models["er.hashes"].status == built.models["flow.hashed"].status == "refused"
    assert "it uses SHA256(defect.name)" in (built.models["er.hashes"].reason or "")
    assert (built.models["flow.hashed"].reason or "").startswith(
        "it reads er.hashes: it uses SHA256"
    )
    with pytest.raises(OctaneFlowsError, match=r"flow.hashed is not answered by Spark: it reads"):
        on_spark.answer(spark, built, "flow.hashed")


def test_user_defined_fractions_take_their_flow_away_and_nothing_else(
    spark: SparkSession, tmp_path: Path
) -> None:
    kit.write_lake(tmp_path, {"defect": [defect("1", "first")]})
    lake = Lake(tmp_path / "lake")
    manifest = lake.current()
    assert manifest is not None
    entry = manifest.tables["defect"]
    costs = ColumnEntry("costs_udf", "DOUBLE", "costs_udf", "float", "Costs", (), True)
    tables = {**manifest.tables, "defect": replace(entry, columns=(*entry.columns, costs))}
    wanted = ("flow.user_defined_field_values", "er.users", "er.releases", "er.teams", *FEW)
    models = [model for model in load_models() if model.name in wanted]

    built = Build(
        spark, lake, replace(manifest, tables=tables), new_build_folder(tmp_path), models
    ).run()

    refused = {
        name: state.reason for name, state in built.models.items() if state.status == "refused"
    }
    assert list(refused) == ["flow.user_defined_field_values"]
    assert "octane.defect.costs_udf holds fractions" in str(refused.popitem()[1])


def test_what_is_not_built_or_damaged_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="octane-flows build --engine spark --master URL"):
        read_published(tmp_path)

    spark_folder(tmp_path).mkdir()
    (spark_folder(tmp_path) / "current.json").write_text(json.dumps({"folder": "gone"}))
    with pytest.raises(OctaneFlowsError, match="cannot be read"):
        read_published(tmp_path)


HASHES = """-- Which hash does each defect's name have?
-- source: octane.defect
-- grain: one defect
-- key: workspace_id, defect_id
select
    defect._workspace_id as workspace_id, -- workspace that the row belongs to
    defect.id as defect_id, -- id of the defect
    sha256(defect.name) as name_hash -- hash of its name
from octane.defect as defect
"""
HASHED = """-- Which hashes are there?
-- flow: 99 Hashes
-- source: https://example.com
-- grain: one defect
-- key: workspace_id, defect_id
-- order: workspace_id, defect_id
select
    hashes.workspace_id, -- workspace that the row belongs to
    hashes.defect_id, -- id of the defect
    hashes.name_hash -- hash of its name
from er.hashes as hashes
"""
