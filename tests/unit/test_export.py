"""A company lake in Delta and Iceberg: read back by their libraries, it is the warehouse."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyiceberg.catalog import Catalog, load_catalog
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.errors import LakeError, UsageError
from octane_flows.export import Destination, ExportReport, destination, export
from octane_flows.export.delta import DeltaTarget
from octane_flows.export.iceberg import IcebergTarget
from octane_flows.export.place import Format
from octane_flows.lake import Lake, expire
from octane_flows.simulator import LocalFeeder, Simulator
from octane_flows.warehouse import build, connect, load_models
from tests.small import START, run_extract

WORKSPACES = ("1002", "1003")
DEFECTS = 6
FEW = [model for model in load_models() if model.name == "er.releases"]
TABLES = ("defect", "defect__user_tags", "story")
FORMATS = get_args(Format)
Rows = list[dict[str, Any]]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Two workspaces of six defects, of which two have tags."""
    simulator = Simulator(clock=START, workspaces=list(WORKSPACES))
    for workspace in WORKSPACES:
        feeder = LocalFeeder(simulator, workspace)
        tags = feeder.create("user_tags", [{"name": "a"}, {"name": "b"}])
        linked = {"user_tags": {"data": [{"type": "user_tag", "id": one} for one in tags]}}
        feeder.create(
            "defects",
            [{"name": f"d{n}", **(linked if n < 2 else {})} for n in range(DEFECTS)],
        )
    simulator.clock.advance(timedelta(hours=1))
    yield simulator
    simulator.close()


def ids_of(simulator: Simulator) -> list[str]:
    """Defects of the first workspace."""
    return [row["id"] for row in simulator.store.find("defect")]


def refresh(simulator: Simulator, home: Path, **choices: Any) -> None:
    """A new generation, and the warehouse that shows it."""
    simulator.clock.advance(timedelta(hours=1))
    run_extract(simulator, home, workspaces=WORKSPACES, **choices)
    build(home, models=FEW)


def warehouse_rows(home: Path) -> dict[str, Rows]:
    """What the warehouse holds of the tables that are exported."""
    found: dict[str, Rows] = {}
    with connect(home) as connection:
        for name in TABLES:
            sql = f"select * exclude (_deleted) from octane.{name}"
            found[name] = ordered(connection.sql(sql).to_arrow_table())
    return found


def ordered(table: pa.Table) -> Rows:
    """Rows in one order, moments with their zone."""
    rows = [
        {
            name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in table.to_pylist()
    ]
    return sorted(rows, key=str)


@contextmanager
def catalog_of(place: Destination) -> Iterator[Catalog]:
    """A place's own catalog, as somebody else opens it."""
    uri = f"sqlite:///{place.output}/catalog.db"
    catalog = load_catalog("octane", type="sql", uri=uri)
    yield catalog
    catalog.close()


def read(place: Destination, name: str, version: int | None = None) -> pa.Table:
    """A table, now or as a version was, by the format's own library."""
    if place.format == "delta":
        return DeltaTable(f"{place.output}/{name}", version=version).to_pyarrow_table()
    with catalog_of(place) as catalog:
        table = catalog.load_table(("octane", name))
        return table.scan(snapshot_id=version).to_arrow()


def files_of(place: Destination, name: str) -> list[str]:
    """The Parquet files that hold a table now."""
    if place.format == "delta":
        return DeltaTable(f"{place.output}/{name}").file_uris()
    with catalog_of(place) as catalog:
        planned = catalog.load_table(("octane", name)).scan().plan_files()
        return [one.file.file_path.removeprefix("file://") for one in planned]


def shown(place: Destination) -> dict[str, Rows]:
    return {name: ordered(read(place, name)) for name in TABLES}


def versions(place: Destination) -> dict[int, dict[str, int]]:
    """What the table `generations` says: generation -> table -> version."""
    found: dict[int, dict[str, int]] = {}
    for row in read(place, "generations").to_pylist():
        found.setdefault(row["generation"], {})[row["table_name"]] = row["version"]
    return found


def how(report: ExportReport) -> dict[str, str]:
    return {table.name: table.how for table in report.tables}


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
    LocalFeeder(simulator, "1003").create("defects", [{"name": "new"}])
    assert {name: how for name, how in bring().items() if how != "unchanged"} == {
        "defect": "merged", "defect__user_tags": "merged",
    }  # fmt: skip

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
        found = connection.sql(
            "from read_parquet($files, union_by_name = true)",
            params={"files": files_of(place, "defect")},
        ).to_arrow_table()

    assert ordered(found) == warehouse_rows(tmp_path)["defect"]


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
    fields = {one.name: one for one in table.schema().fields}
    assert str(fields["last_modified"].type) == 'PrimitiveType("timestamp")'
    assert fields["severity_id"].metadata["comment"] == "Severity: id"
    assert fields["team_udf"].metadata["comment"] == "Crew"
    assert table.metadata().description == "Defect"
    commits = [one for one in table.history() if "generation" in one]
    assert [one["generation"] for one in commits][-1] == "1"
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
        fields = {one.name: one for one in table.schema().fields}
        assert str(fields["last_modified"].field_type) == "timestamptz"
        assert fields["severity_id"].doc == "Severity: id"
        assert fields["team_udf"].doc == "Crew"
        assert table.properties["comment"] == "Defect"
        summary = table.snapshots()[0].summary
        assert summary is not None
        assert summary.additional_properties["octane-flows.generation"] == "1"
        assert summary.additional_properties["octane-flows.source"] == "http://127.0.0.1/1001"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("format", FORMATS)
def test_a_killed_export_goes_on(
    format: Format, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = destination(format, tmp_path)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget
    left = 0

    def dying(commit: Callable[..., None]) -> Callable[..., None]:
        def step(*given: Any) -> None:
            nonlocal left
            commit(*given)
            left -= 1
            if left == 0:
                raise Killed

        return step

    refresh(simulator, tmp_path)
    for commits in (1, 2, 3, 2, 1):  # of the first generation, then of later ones
        left = commits
        with monkeypatch.context() as patched:
            for name in ("rewrite", "merge", "append"):
                patched.setattr(target, name, dying(getattr(target, name)))
            with pytest.raises(Killed):
                export(tmp_path, place)
        if commits == 2:  # else another generation comes before the next try
            export(tmp_path, place)
            assert shown(place) == warehouse_rows(tmp_path)
        simulator.store.update("defect", ids_of(simulator)[0], {"name": f"after {commits}"})
        simulator.store.delete("defect", ids_of(simulator)[-1])
        refresh(simulator, tmp_path, census=True)

    export(tmp_path, place)
    assert shown(place) == warehouse_rows(tmp_path)


@pytest.mark.parametrize("commit", ["merge", "append"])
@pytest.mark.parametrize("format", FORMATS)
def test_of_two_exports_at_once_none_spoils_the_other(
    format: Format,
    commit: str,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = destination(format, tmp_path)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget
    refresh(simulator, tmp_path)
    export(tmp_path, place, history=True)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, tmp_path)
    proper = getattr(target, commit)

    def behind(*given: Any) -> None:
        monkeypatch.setattr(target, commit, proper)
        export(tmp_path, place, history=True)  # the other one, from begin to end
        proper(*given)

    monkeypatch.setattr(target, commit, behind)
    with pytest.raises(LakeError, match=r"no other export writes there, and run the export again"):
        export(tmp_path, place, history=True)
    export(tmp_path, place, history=True)

    assert shown(place) == warehouse_rows(tmp_path)
    assert read(place, "defect_history").num_rows == 2 * DEFECTS + 1
    named = read(place, "generations").select(["generation", "table_name"]).to_pylist()
    assert len(named) == len({tuple(row.values()) for row in named})


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_killed_export_of_another_lake_left_is_written_anew(
    format: Format, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    place = destination(format, home)
    target: Any = DeltaTarget if format == "delta" else IcebergTarget

    def killed(*_: Any) -> None:
        raise Killed

    refresh(simulator, other)
    with monkeypatch.context() as patched:
        patched.setattr(target, "append", killed)  # every table is written, nothing recorded
        with pytest.raises(Killed):
            export(other, place)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, home)

    report = export(home, place)

    assert how(report)["defect"] == "written"
    assert shown(place) == warehouse_rows(home)


@pytest.mark.parametrize(("format", "package"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_missing_library_is_named(
    format: Format,
    package: str,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refresh(simulator, tmp_path)
    monkeypatch.delitem(sys.modules, f"octane_flows.export.{format}")
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
    gone, changed, *_ = ids_of(simulator)
    simulator.store.update("defect", changed, {"name": "changed"})
    refresh(simulator, tmp_path)  # a generation that is not exported
    simulator.store.delete("defect", gone)
    refresh(simulator, tmp_path, census=True)

    report = export(tmp_path, place, history=True)
    again = export(tmp_path, place, history=True)

    rows = ordered(read(place, "defect_history"))
    held = warehouse_rows(tmp_path)["defect"]
    assert len(rows) == 2 * DEFECTS + 2
    assert [row["_generation"] for row in rows if row["id"] == gone and row["_deleted"]] == [3]
    assert sorted(row["name"] for row in rows if row["id"] == changed) == ["changed", "d1"]
    assert all(any(row.items() <= one.items() for one in rows) for row in held)
    assert how(report)["defect_history"] == "appended"
    assert set(how(again).values()) == {"unchanged"}


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_not_this_lakes_is_left_alone(
    format: Format, simulator: Simulator, tmp_path: Path
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    place = destination(format, home)
    refresh(simulator, home)
    refresh(simulator, other)
    export(home, place)
    with pytest.raises(UsageError, match=r"shows generation 1 of .* exported from another lake"):
        export(other, place)

    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    refresh(simulator, home)
    export(home, place)
    with pytest.raises(UsageError, match="shows generation 2, but the warehouse holds 1"):
        export(other, place)

    refresh(simulator, home)
    expire(Lake(home / "lake"), keep=1)
    with pytest.raises(UsageError, match=r"generation 2, which this lake keeps no longer.*--full"):
        export(home, place)
    export(home, place, full=True)
    assert shown(place) == warehouse_rows(home)


def test_a_table_of_somebody_else_is_left_alone(simulator: Simulator, tmp_path: Path) -> None:
    place = destination("delta", tmp_path)
    DeltaTable.create(f"{place.output}/defect", pa.schema([("id", pa.int64())]))
    refresh(simulator, tmp_path)

    with pytest.raises(UsageError, match=r"delta/defect is there but was not exported from http"):
        export(tmp_path, place)

    assert DeltaTable(f"{place.output}/defect").version() == 0
