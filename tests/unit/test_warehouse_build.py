"""Building the warehouse: current state, checks, and that a failure leaves the former one whole."""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.errors import CheckError, LakeError, UsageError
from octane_flows.lake import CertificateRow, Lake
from octane_flows.lake.key_columns import LINK_KEY_NAMES
from octane_flows.warehouse import build, connect, list_checks, load_models, warehouse_path
from octane_flows.warehouse.duckdb_file import CONFIG
from tests.golden import kit

RELEASE = {"id": "5", "type": "release", "name": "2.8"}
# enough for what does not depend on the models: a build of all of them takes about a second
NAMES = ("er.releases", "er.sprints", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]


def ask(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect(home) as connection:
        return connection.execute(sql).fetchall()


def certificate(entity: str, total: int, read: int, status: Any = "complete") -> CertificateRow:
    return CertificateRow("1002", entity, f"{entity}s", total, read, 1, 10, status, rows_held=total)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    kit.write_lake(tmp_path, {"release": [RELEASE]}, certificate=[certificate("release", 1, 1)])
    return tmp_path


def test_a_warehouse_is_built_and_tells_of_itself(home: Path) -> None:
    lines: list[str] = []
    report = build(home, progress=lines.append)

    assert report.tables["release"] == 1
    assert {model.status for model in report.models} == {"available"}
    assert [check.name for check in report.checks if not check.passed] == []
    assert ask(home, "select release_id, release_name from er.releases") == [("5", "2.8")]
    assert ask(home, "select as_of from meta.generation") == [(kit.AS_OF.replace(tzinfo=None),)]
    assert ask(home, "select is_complete, rows_loaded from meta.completeness") == [(True, 1)]
    flows = {model.slug for model in load_models() if model.schema == "flow"}
    assert {row[0] for row in ask(home, "select slug from meta.flows")} == flows
    assert any("er.releases" in line for line in lines)


def test_columns_and_tables_carry_their_meaning(home: Path) -> None:
    build(home)
    comments = "select comment from duckdb_columns() where schema_name = 'er' and comment is null"

    assert ask(home, comments) == []
    assert ask(home, "select comment from duckdb_views() where view_name = 'releases'") == [
        ("Which releases are there?",)
    ]


def test_the_newest_version_counts_and_tombstones_hide_rows(home: Path) -> None:
    kit.write_lake(
        home,
        {
            "release": [{**RELEASE, "name": "2.8 final"}, {**RELEASE, "id": "6", "name": "3"}],
            "defect__product_areas": [{"source_id": "1", "target_id": "7"}],
        },
    )
    kit.write_lake(
        home,
        {
            "release": [{**RELEASE, "id": "6", "_deleted": True}],
            "defect__product_areas": [
                {"source_id": "1", "target_id": "8"},
                {"source_id": "1", "target_id": "9"},
            ],
        },
    )
    build(home, models=FEW)

    assert ask(home, "select id, name from octane.release") == [("5", "2.8 final")]
    links = "select target_id from octane.defect__product_areas order by target_id"
    assert ask(home, links) == [("8",), ("9",)]


def test_a_table_that_the_server_lacks_is_empty_and_said(tmp_path: Path) -> None:
    manual = {"id": "8", "type": "run_manual", "name": "by hand"}
    kit.write_lake(
        tmp_path, {"run_manual": [manual]}, without=("run_history", "gherkin_automated_run")
    )
    report = build(tmp_path)

    reasons = {model.name: model.reason for model in report.models if model.status != "available"}
    assert {model.status for model in report.models} == {"available", "partial"}
    assert reasons["er.runs"] == "the lake has no octane.gherkin_automated_run"
    assert "octane.run_history" in (reasons["flow.failed_previous_runs"] or "")
    assert "er.releases" not in reasons
    assert ask(tmp_path, "select run_id from er.runs") == [("8",)]
    assert ask(tmp_path, "select * from flow.planned_runs()") == []
    recorded = "select model from meta.models where status = 'partial'"
    assert {row[0] for row in ask(tmp_path, recorded)} == set(reasons)
    columns = (
        "select models from meta.missing where table_name = 'run_history' and column_name is null"
    )
    assert ask(tmp_path, columns) == [(["er.previous_runs"],)]
    assert len(ask(tmp_path, "from meta.findings where finding like 'octane.run_history is not%'"))


def test_a_field_that_the_server_lacks_is_null_and_said(tmp_path: Path) -> None:
    build_7 = {"id": "7", "type": "ci_build", "name": "7"}
    kit.write_lake(tmp_path, {"ci_build": [build_7]}, without=("ci_build.result",))
    results = {row.name: row for row in build(tmp_path).models}

    assert results["er.builds"].status == "partial"
    assert results["er.builds"].reason == "the lake has no octane.ci_build.result"
    assert results["flow.recent_failed_automated_tests"].status == "partial"
    assert results["flow.planned_runs"].status == "available"
    rows = ask(tmp_path, "select build_name, build_result_label from er.builds")
    assert rows == [("7", None)]


def test_everything_that_a_server_can_lack_makes_models_partial_and_no_error(
    tmp_path: Path,
) -> None:
    """Models write the columns so that each of them is known when the server does not list it."""
    needed = ("id", "_workspace_id", "_generation", "_extracted_at", "_deleted", *LINK_KEY_NAMES)
    without = tuple(
        f"{table}.{column}"
        for table, columns in kit.tables().items()
        for column in columns
        if column not in needed
    )
    kit.write_lake(tmp_path, {}, without=without)
    report = build(tmp_path)

    assert len([check for check in report.checks if check.passed]) == len(report.checks)
    assert len(report.checks) == len(list_checks(load_models()))
    partial = {model.name for model in report.models if model.status == "partial"}
    assert {"er.runs", "er.tests", "flow.planned_runs"} <= partial


def test_a_blocking_check_keeps_the_former_warehouse(home: Path) -> None:
    build(home, models=FEW)
    kit.write_lake(
        home,
        {"release": [{**RELEASE, "id": "6", "name": "bad"}]},
        certificate=[certificate("release", 3, 3)],
    )

    with pytest.raises(CheckError, match="certificate_adds_up"):
        build(home, models=FEW)

    assert ask(home, "select name from octane.release") == [("2.8",)]
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_an_id_that_comes_twice_blocks(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [RELEASE, RELEASE]})

    with pytest.raises(CheckError, match=r"key:er.releases .*release_id=5 row_count=2"):
        build(tmp_path, models=FEW)
    assert not warehouse_path(tmp_path).exists()


def test_a_reference_to_nothing_is_recorded_only(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"sprint": [{"id": "1", "name": "s", "release_id": "99"}]})
    failed = [check for check in build(tmp_path, models=FEW).checks if not check.passed]

    assert [(check.name, check.severity) for check in failed] == [
        ("relation:er.sprints.release_id", "warn")
    ]
    assert "unresolved=99" in failed[0].detail


def test_refused_entities_do_not_block(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {}, certificate=[certificate("comment", 0, 0, "refused")])
    build(tmp_path, models=FEW)

    assert ask(tmp_path, "select is_complete from meta.completeness") == [(False,)]


def test_without_a_lake_the_user_is_sent_to_extract(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="octane-flows extract"):
        build(tmp_path, models=FEW)


def test_without_a_warehouse_the_user_is_sent_to_build(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no warehouse"):
        connect(tmp_path)


def test_a_file_that_is_no_warehouse_is_told(tmp_path: Path) -> None:
    warehouse_path(tmp_path).write_text("no database", encoding="utf-8")

    with pytest.raises(LakeError, match="Could not open"):
        connect(tmp_path)


def test_a_missing_lake_file_is_named(home: Path) -> None:
    build(home, models=FEW)
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    path = lake.resolve(manifest.tables["release"].files[0])
    path.unlink()

    with pytest.raises(LakeError, match=path.name):
        build(home, models=FEW, full=True)
    assert ask(home, "select count(*) from octane.release") == [(1,)]


def test_a_damaged_lake_file_is_told(home: Path) -> None:
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    lake.resolve(manifest.tables["release"].files[0]).write_bytes(b"no parquet at all")

    with pytest.raises(LakeError, match=r"release/.* is not what its manifest says"):
        build(home, models=FEW)
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_a_full_disk_keeps_the_former_warehouse(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(home, models=FEW)

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(LakeError, match=r"No space left.*previous warehouse stays"):
        build(home, models=FEW)

    assert ask(home, "select count(*) from octane.release") == [(1,)]
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_a_check_that_memory_does_not_suffice_for_is_no_fault_of_its_sql(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(home, models=FEW)
    previous = warehouse_path(home).read_bytes()
    monkeypatch.setitem(CONFIG, "memory_limit", "50MB")
    listed = "select list(i) as all from range(20000000) as numbers(i)"
    large = f"select unnest(listed.all) as id from ({listed}) as listed"
    models = [
        dataclasses.replace(model, sql=large) if model.schema == "check" else model for model in FEW
    ]

    with pytest.raises(LakeError, match=r"full during the check \w+ .*--workspace.*previous"):
        build(home, models=models, full=True)
    assert warehouse_path(home).read_bytes() == previous


def test_an_open_reader_keeps_its_rows_while_a_new_file_is_published(home: Path) -> None:
    build(home, models=FEW)
    with connect(home) as reader:
        kit.write_lake(home, {"release": [{**RELEASE, "id": "6"}]})
        build(home, models=FEW)
        assert reader.execute("select count(*) from octane.release").fetchall() == [(1,)]
    assert ask(home, "select count(*) from octane.release") == [(2,)]


def test_readers_cannot_write(home: Path) -> None:
    build(home, models=FEW)
    with connect(home) as connection, pytest.raises(duckdb.InvalidInputException):
        connection.execute("delete from octane.release")


def test_flows_can_be_called_by_any_client(home: Path) -> None:
    build(home)
    plain = duckdb.connect(str(warehouse_path(home)), read_only=True, config={})
    try:
        plain.execute("select * from flow.modules_with_recent_failures(hours := 48)").fetchall()
    finally:
        plain.close()


def test_moments_are_utc_without_a_zone(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{**RELEASE, "creation_time": datetime(2021, 1, 1, 12)}]})
    build(tmp_path, models=FEW)

    assert ask(tmp_path, "select created_at from er.releases") == [(datetime(2021, 1, 1, 12),)]
