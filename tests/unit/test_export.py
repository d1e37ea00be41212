"""A company lake in Delta and Iceberg: read back by their libraries, it is the warehouse."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="needs the extra export")

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.config import LakePlace
from octane_flows.errors import UsageError
from octane_flows.export import destination, export
from octane_flows.export.delta_target import storage_options
from octane_flows.export.destination import Format
from octane_simulator import Simulator
from tests.company_lake import (
    DEFECTS,
    FORMATS,
    TABLES,
    WORKSPACES,
    Rows,
    catalog_of,
    files_of,
    how,
    ids_of,
    ordered,
    read,
    refresh,
    shown,
    two_workspaces,
    versions,
    warehouse_rows,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = two_workspaces()
    yield simulator
    simulator.close()


@pytest.mark.parametrize("format", FORMATS)
def test_each_generation_is_there_and_can_be_read_again(
    format: Format, simulator: Simulator, tmp_path: Path
) -> None:
    home, place = tmp_path, destination(format, tmp_path)
    expected: dict[int, dict[str, Rows]] = {}

    def bring(**choices: Any) -> dict[str, str]:
        refresh(simulator, home, **choices)
        report = export(home, place)
        expected[report.generation] = warehouse_rows(home)
        assert shown(place) == expected[report.generation]
        return how(report)

    assert bring()["defect"] == "written"
    assert {row["_workspace_id"] for row in shown(place)["defect"]} == set(WORKSPACES)

    ids = ids_of(simulator)
    simulator.store.update("defect", ids[3], {"name": "changed"})
    simulator.store.update("defect", ids[0], {"user_tags": []})
    simulator.feeder("1003").create("defects", [{"name": "new"}])
    assert {name: how for name, how in bring().items() if how != "unchanged"} == {
        "defect": "merged",
        "defect__user_tags": "merged",
    }

    simulator.store.delete("defect", ids[1])  # its links go with it
    assert bring(census=True)["defect__user_tags"] == "merged"
    assert {row["_workspace_id"] for row in shown(place)["defect__user_tags"]} == {"1003"}

    simulator.add_field("defect", "size_udf", "string", label="Size")
    simulator.store.update("defect", ids[4], {"size_udf": "12"})
    bring()

    simulator.retype_field("defect", "size_udf", "integer")
    simulator.store.update("defect", ids[4], {"size_udf": 12})
    assert bring(accept_retyped=("defect.size_udf",))["defect"] == "written"
    assert read(place, "defect").schema.field("size_udf").type == pa.int64()

    bring(full=True)  # drops the former files: what is gone is told by nothing else

    assert versions(place).keys() == expected.keys()
    for generation, tables in versions(place).items():
        for name in TABLES:
            never_held_rows = format == "iceberg" and tables[name] == 0
            was = [] if never_held_rows else ordered(read(place, name, tables[name]))
            assert was == expected[generation][name], (generation, name)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_new_writes_nothing(format: Format, simulator: Simulator, tmp_path: Path) -> None:
    place = destination(format, tmp_path)
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    before = sorted(path for path in Path(place.output).rglob("*") if path.is_file())

    again = export(tmp_path, place)

    assert again.tables == ()
    assert sorted(path for path in Path(place.output).rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("format", FORMATS)
def test_duckdb_reads_the_files_that_a_table_names(
    format: Format, simulator: Simulator, tmp_path: Path
) -> None:
    place = destination(format, tmp_path)
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, tmp_path)
    export(tmp_path, place)

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        files_rows = connection.sql(
            "from read_parquet($files, union_by_name = true)",
            params={"files": files_of(place, "defect")},
        ).to_arrow_table()

    assert ordered(files_rows) == warehouse_rows(tmp_path)["defect"]


def test_delta_has_types_comments_and_commits_that_name_the_generation(
    simulator: Simulator, tmp_path: Path
) -> None:
    place = destination("delta", tmp_path)
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.add_field("defect", "team_udf", "string", label="Team")
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.add_field("defect", "team_udf", "string", label="Crew")
    refresh(simulator, tmp_path)
    export(tmp_path, place)

    table = DeltaTable(f"{place.output}/defect")
    fields = {entry.name: entry for entry in table.schema().fields}
    assert str(fields["last_modified"].type) == 'PrimitiveType("timestamp")'
    assert fields["severity_id"].metadata["comment"] == "Severity: id"
    assert fields["team_udf"].metadata["comment"] == "Crew"
    assert table.metadata().description == "Defect"
    commits = [entry for entry in table.history() if "generation" in entry]
    assert [entry["generation"] for entry in commits][-1] == "1"
    assert commits[0]["source"] == "http://127.0.0.1/1001"
    assert datetime.fromisoformat(commits[0]["as_of"]).tzinfo is not None


def test_iceberg_has_types_comments_and_snapshots_that_name_the_generation(
    simulator: Simulator, tmp_path: Path
) -> None:
    place = destination("iceberg", tmp_path)
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.add_field("defect", "team_udf", "string", label="Team")
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.add_field("defect", "team_udf", "string", label="Crew")
    refresh(simulator, tmp_path)
    export(tmp_path, place)

    with catalog_of(place) as catalog:
        table = catalog.load_table(("octane", "defect"))
        fields = {field.name: field for field in table.schema().fields}
        assert str(fields["last_modified"].field_type) == "timestamptz"
        assert fields["severity_id"].doc == "Severity: id"
        assert fields["team_udf"].doc == "Crew"
        assert table.properties["comment"] == "Defect"
        summary = table.snapshots()[0].summary
        assert summary is not None
        assert summary.additional_properties["octane-flows.generation"] == "1"
        assert summary.additional_properties["octane-flows.source"] == "http://127.0.0.1/1001"


@pytest.mark.parametrize(("format", "package"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_missing_library_is_named(
    format: Format,
    package: str,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refresh(simulator, tmp_path)
    monkeypatch.delitem(sys.modules, f"octane_flows.export.{format}_target", raising=False)
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(UsageError, match=rf"needs the package {package}; install .*\[export\]"):
        export(tmp_path, destination(format, tmp_path))


def test_the_command_says_what_it_wrote(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refresh(simulator, tmp_path)
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    command = ["export", "--format", "delta"]

    written = CliRunner().invoke(app, command, catch_exceptions=False).output
    again = CliRunner().invoke(app, command, catch_exceptions=False).output

    assert written.startswith(f"export       generation 1 into {tmp_path}/delta: ")
    assert again == f"export       nothing to do: {tmp_path}/delta shows generation 1\n"
    assert (
        ordered(read(destination("delta", tmp_path), "defect"))
        == (warehouse_rows(tmp_path)["defect"])
    )


@pytest.mark.parametrize("format", FORMATS)
def test_history_has_every_version_once(
    format: Format, simulator: Simulator, tmp_path: Path
) -> None:
    place = destination(format, tmp_path)
    refresh(simulator, tmp_path)
    export(tmp_path, place, history=True)
    deleted, changed, *_ = ids_of(simulator)
    simulator.store.update("defect", changed, {"name": "changed"})
    refresh(simulator, tmp_path)  # a generation that is not exported
    simulator.store.delete("defect", deleted)
    refresh(simulator, tmp_path, census=True)

    report = export(tmp_path, place, history=True)
    again = export(tmp_path, place, history=True)

    rows = ordered(read(place, "defect_history"))
    current_rows = warehouse_rows(tmp_path)["defect"]
    assert len(rows) == 2 * DEFECTS + 2
    assert [row["_generation"] for row in rows if row["id"] == deleted and row["_deleted"]] == [3]
    assert sorted(row["name"] for row in rows if row["id"] == changed) == ["changed", "d1"]
    assert all(any(row.items() <= version.items() for version in rows) for row in current_rows)
    assert how(report)["defect_history"] == "appended"
    assert set(how(again).values()) == {"unchanged"}


def test_a_bucket_holds_the_same_tables(
    bucket: LakePlace, simulator: Simulator, tmp_path: Path
) -> None:
    output = f"s3://{bucket.bucket}/company"
    place = destination("delta", tmp_path, output=output, bucket=bucket)
    refresh(simulator, tmp_path)
    export(tmp_path, place)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, tmp_path)

    report = export(tmp_path, place)

    assert how(report)["defect"] == "merged"
    for name in TABLES:
        table = DeltaTable(f"{output}/{name}", storage_options=storage_options(place))
        assert ordered(table.to_pyarrow_table()) == warehouse_rows(tmp_path)[name]
