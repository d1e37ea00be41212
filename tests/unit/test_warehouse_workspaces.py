"""A warehouse of one, several or all workspaces of a lake, and builds that meet one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.errors import UsageError
from octane_flows.export import destination, export
from octane_flows.lake import Lake
from octane_flows.warehouse import Warehouse, build, connect, connect_as_of, history, load_models
from octane_simulator import Simulator
from tests.small import START, run_extract

ONE, OTHER, THIRD = "1001", "1002", "1003"
FEW = [model for model in load_models() if model.name == "er.releases"]
Rows = list[tuple[Any, ...]]


@pytest.fixture
def simulator() -> Simulator:
    """Three workspaces with two defects each."""
    simulator = Simulator(clock=START, workspaces=[ONE, OTHER, THIRD])
    for one in (ONE, OTHER, THIRD):
        simulator.feeder(one).create("defects", [{"name": "a"}, {"name": "b"}])
    simulator.clock.advance(3600)
    return simulator


@pytest.fixture
def home(simulator: Simulator, tmp_path: Path) -> Path:
    """A lake of three generations, one for each workspace; the last has a field of its own."""
    for one in (ONE, OTHER, THIRD):
        if one == THIRD:
            simulator.add_field("defect", "secret_udf", "string")
        simulator.clock.advance(60)
        run_extract(simulator, tmp_path, workspaces=(one,))
    return tmp_path


def rename(simulator: Simulator, home: Path, workspace: str, name: str) -> None:
    """A generation in which all defects of a workspace have another name."""
    simulator.clock.advance(3600)
    store = simulator.workspaces[workspace].store
    for row in store.find("defect"):
        store.update("defect", row["id"], {"name": name})
    run_extract(simulator, home, workspaces=(workspace,))


def ask(home: Path, sql: str) -> Rows:
    with connect(home) as connection:
        return connection.execute(sql).fetchall()


def held(home: Path) -> Rows:
    """Workspace and name of all defects."""
    return ask(home, "select _workspace_id, name from octane.defect order by all")


def rows(*workspaces: str, names: tuple[str, str] = ("a", "b")) -> Rows:
    return [(one, name) for one in workspaces for name in names]


def test_nothing_of_other_workspaces_is_in_it(home: Path) -> None:
    report = build(home, workspaces=[ONE], models=FEW)

    assert report.workspaces == (ONE,)
    assert held(home) == rows(ONE)
    assert ask(home, "select workspace_id from meta.workspaces") == [(ONE,)]
    assert ask(home, "select chosen_workspaces from meta.build") == [([ONE],)]
    for table in ("certificate", "fields", "files", "politeness", "workspace_rows"):
        found = {row[0] for row in ask(home, f"select workspace_id from meta.{table}")}
        assert found <= {ONE}, table
    assert not ask(home, "from meta.findings where finding like '%1002%'")
    everything = "".join(map(str, ask(home, "from duckdb_columns()")))
    assert "secret_udf" not in everything
    # what it shows is as old as its own workspace's last extract
    as_of = Lake(home / "lake").manifest(3).workspaces[ONE].as_of.replace(tzinfo=None)
    assert ask(home, "select generation, as_of from meta.generation") == [(3, as_of)]


def test_an_update_keeps_to_the_choice(simulator: Simulator, home: Path) -> None:
    build(home, workspaces=[OTHER, ONE], models=FEW)
    rename(simulator, home, ONE, "new")
    rename(simulator, home, THIRD, "not ours")
    report = build(home, models=FEW)

    assert (report.generation, report.workspaces) == (5, (ONE, OTHER))
    assert ask(home, "select updated_from, changed_tables from meta.build") == [(3, ["defect"])]
    assert held(home) == [(ONE, "new"), (ONE, "new"), *rows(OTHER)]

    rename(simulator, home, THIRD, "not ours either")
    build(home, models=FEW)
    assert ask(home, "select updated_from, changed_tables from meta.build") == [(5, [])]


@pytest.mark.parametrize("chosen", [[OTHER], [ONE, THIRD], ["all"]])
def test_another_choice_is_a_rebuild(home: Path, tmp_path: Path, chosen: list[str]) -> None:
    build(home, workspaces=[ONE], models=FEW)
    build(home, workspaces=chosen, models=FEW)

    assert held(home) == rows(*((ONE, OTHER, THIRD) if chosen == ["all"] else chosen))
    assert ask(home, "select updated_from from meta.build") == [(None,)]
    with connect(home) as connection:
        columns = connection.sql("from octane.defect").columns
    assert ("secret_udf" in columns) == (THIRD in chosen or chosen == ["all"])


def test_a_workspace_that_the_lake_lacks_is_named(home: Path) -> None:
    build(home, models=FEW)

    with pytest.raises(UsageError, match=r"nothing of workspace 7; it has 1001 Sim.*, 1002 Sim"):
        build(home, workspaces=["7"], models=FEW)
    assert held(home) == rows(ONE, OTHER, THIRD)


def test_the_past_and_histories_keep_to_the_choice(simulator: Simulator, home: Path) -> None:
    rename(simulator, home, ONE, "new")
    build(home, workspaces=[ONE], models=FEW)

    with connect_as_of(home, 3, models=FEW) as past:
        assert past.execute("select name from octane.defect order by all").fetchall() == [
            ("a",),
            ("b",),
        ]
    assert set(history(home, "defect")["_workspace_id"].to_pylist()) == {ONE}
    build(home, workspaces=["all"], models=FEW)
    with connect_as_of(home, 3, models=FEW) as past:
        assert past.execute("select count(*) from octane.defect").fetchall() == [(6,)]
    assert set(history(home, "defect")["_workspace_id"].to_pylist()) == {ONE, OTHER, THIRD}


def test_a_company_lake_has_one_choice(simulator: Simulator, home: Path) -> None:
    pytest.importorskip("deltalake", reason="needs the extra export")
    place = destination("delta", home)
    build(home, workspaces=[ONE], models=FEW)
    export(home, place)
    rename(simulator, home, ONE, "new")
    rename(simulator, home, OTHER, "not ours")
    build(home, models=FEW)
    report = export(home, place)
    assert [(one.name, one.rows) for one in report.of("merged")] == [("defect", 2)]

    build(home, workspaces=["all"], models=FEW)
    with pytest.raises(UsageError, match=r"was not exported from .*; name another --output"):
        export(home, place)


def test_the_command_and_the_setting(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(home))
    monkeypatch.setattr("octane_flows.warehouse.warehouse_build.load_models", lambda: FEW)
    run = CliRunner().invoke

    assert run(app, ["build", "--workspace", ONE, "--workspace", THIRD]).exit_code == 0
    assert held(home) == rows(ONE, THIRD)
    shown = run(app, ["status"]).stdout
    part = "1001 Simulated workspace, 1003 Simulated workspace 1003 of 3"
    assert f"warehouse    generation 3, workspaces {part}" in shown
    monkeypatch.setenv("OCTANE_WAREHOUSE_WORKSPACES", f"simulated workspace {OTHER}")
    assert run(app, ["build"]).exit_code == 0
    assert held(home) == rows(OTHER)
    assert run(app, ["build", "--workspace", "all"]).exit_code == 0
    assert held(home) == rows(ONE, OTHER, THIRD)


def test_a_build_that_ends_late_does_not_replace_a_newer_one(
    simulator: Simulator, home: Path
) -> None:
    build(home, models=FEW)
    rename(simulator, home, ONE, "new")
    with Warehouse(home, models=FEW) as late:
        late.load()
        rename(simulator, home, OTHER, "newer")
        build(home, models=FEW)
        late.create_models()
        late.check()
        report = late.publish()

    assert (report.generation, report.newer) == (4, 5)
    assert ask(home, "select generation from meta.generation") == [(5,)]
    assert held(home) == [*rows(ONE, names=("new", "new")), *rows(OTHER, names=("newer", "newer")),
                          *rows(THIRD)]  # fmt: skip
    assert not [*home.glob(".warehouse-*")]


def test_a_lake_that_begins_anew_replaces_what_was_built(
    simulator: Simulator, home: Path, tmp_path: Path
) -> None:
    build(home, models=FEW)
    (home / "lake").rename(tmp_path / "old")
    run_extract(simulator, home, workspaces=(OTHER,))

    report = build(home, models=FEW)

    assert (report.generation, report.newer) == (1, None)
    assert held(home) == rows(OTHER)
