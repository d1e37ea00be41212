"""An update looks at touched rows alone, and finds what a rebuild finds: rows, keys, references."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from octane_flows.errors import CheckError
from octane_flows.warehouse import build, connect, data_checks, load_models, model_creation
from octane_flows.warehouse.key_checks import CHECKED_SCHEMAS, count_and_check_key
from tests.golden import kit

Rows = dict[str, list[dict[str, Any]]]
ER = [model for model in load_models() if model.schema in ("er", "check")]
PASSED, FAILED = "list_node.run_status.passed", "list_node.run_status.failed"


def run(id: str, test: str, **values: Any) -> dict[str, Any]:
    return {
        "id": id, "type": "run_automated", "test_id": test, "test_type": "test_automated",
        "release_id": "r1", "status_id": PASSED, **values,
    }  # fmt: skip


def last_run(test: str, id: str) -> dict[str, Any]:
    return {"source_id": test, "target_id": id, "target_type": "run_automated"}


def first() -> Rows:
    """Three tests with two runs each; the second one is the last."""
    return {
        "release": [{"id": "r1", "name": "1"}, {"id": "r2", "name": "2"}],
        "list_node": [{"id": one, "logical_name": one, "name": one} for one in (PASSED, FAILED)],
        "test_automated": [{"id": f"t{one}", "type": "test_automated"} for one in range(3)],
        "run_automated": [run(f"{one}{two}", f"t{one}") for one in range(3) for two in range(2)],
        "test_automated__last_runs": [last_run(f"t{one}", f"{one}1") for one in range(3)],
    }


def told(home: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """Checks with results and details, models with rows, and what er.last_runs holds."""
    with connect(home) as connection:
        return (
            connection.execute("from meta.checks order by all").fetchall(),
            connection.execute("select model, row_count from meta.models order by all").fetchall(),
            connection.execute("from er.last_runs order by all").fetchall(),
        )


def assert_as_rebuilt(home: Path, scratch: Path) -> None:
    shutil.copytree(home / "lake", scratch / "lake")
    build(scratch, models=ER, full=True)
    rebuilt = told(scratch)
    shutil.rmtree(scratch)
    for updated, expected in zip(told(home), rebuilt, strict=True):
        assert updated == expected
    assert_derived_counts_are_true(home)


def assert_derived_counts_are_true(home: Path) -> None:
    """Models whose rows are those of others have as many, and their keys are as derived."""
    derived = [model for model in ER if model.header.rows]
    assert derived
    with connect(home) as connection:
        counts = dict(connection.execute("select model, row_count from meta.models").fetchall())
        for model in derived:
            rows, key = count_and_check_key(connection, model)
            assert counts[model.name] == rows
            assert connection.execute(
                "select is_passed, detail from meta.checks where check_name = ?", [key.name]
            ).fetchall() == [(key.passed, key.detail)]


def test_a_derived_count_reads_no_row_of_its_model(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in an update nor in a full build."""
    counted: list[str] = []

    def noted(connection: Any, model: Any, *rest: Any) -> Any:
        counted.append(model.name)
        return count_and_check_key(connection, model, *rest)

    monkeypatch.setattr(model_creation, "count_and_check_key", noted)
    kit.write_lake(home, {"run_automated": [run("07", "t0")]})
    build(home, models=ER)
    build(home, models=ER, full=True)

    assert "er.runs" in counted
    assert "er.automated_results" not in counted
    assert_derived_counts_are_true(home)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    kit.write_lake(folder, first())
    build(folder, models=ER)
    return folder


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "home")
    return tmp_path / "home"


def failed(home: Path) -> set[str]:
    return {row[0] for row in told(home)[0] if not row[2]}


STEPS: list[tuple[str, Rows, set[str]]] = [
    ("a new run and a changed one", {"run_automated": [run("02", "t0"), run("11", "t1")]}, set()),
    ("a run of a test that is not there", {"run_automated": [run("03", "t9")]},
     {"relation:er.runs.test_id"}),
    ("a test that goes", {"test_automated": [{"id": "t2", "_deleted": True}]},
     {"relation:er.runs.test_id"}),
    ("a run that goes while it is a last one",
     {"run_automated": [{**run("01", "t0"), "_deleted": True}]},
     {"relation:er.last_runs.run_id"}),
    ("a release that goes", {"release": [{"id": "r1", "_deleted": True}]},
     {"relation:er.runs.release_id", "relation:er.last_runs.release_id"}),
    ("a release that nothing names goes", {"release": [{"id": "r2", "_deleted": True}]}, set()),
    ("a last run of another test", {"test_automated__last_runs": [last_run("t0", "11")]},
     {"last_runs_belong_to_their_test"}),
    ("a run that moves to another test", {"run_automated": [run("01", "t1")]},
     {"last_runs_belong_to_their_test"}),
    ("another status of a last run", {"run_automated": [run("01", "t0", status_id=FAILED)]}, set()),
    ("another label of a status", {"list_node": [{"id": PASSED, "name": "Green"}]}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "said"), [step[1:] for step in STEPS], ids=[s[0] for s in STEPS])
def test_an_update_finds_what_a_rebuild_finds(
    home: Path, tmp_path: Path, rows: Rows, said: set[str]
) -> None:
    declared = {check.name for check in data_checks.list_checks(ER)}
    assert failed(home) == set()
    kit.write_lake(home, rows)
    build(home, models=ER)

    assert failed(home) == said & declared
    assert_as_rebuilt(home, tmp_path / "scratch")


def test_what_goes_in_one_workspace_stays_in_another(home: Path, tmp_path: Path) -> None:
    elsewhere = {"_workspace_id": "1003"}
    test = {"id": "t0", "type": "test_automated", **elsewhere}  # an id of the other one too
    its_run = {**run("99", "t0"), **elsewhere, "release_id": None, "status_id": None}
    kit.write_lake(home, {"test_automated": [test], "run_automated": [its_run]})
    build(home, models=ER)
    assert failed(home) == set()
    kit.write_lake(home, {"test_automated": [{**test, "_deleted": True}]})
    build(home, models=ER)

    assert failed(home) == {"relation:er.runs.test_id"}
    assert_as_rebuilt(home, tmp_path / "scratch")


@pytest.mark.parametrize(
    "rows",
    [
        {"run_manual": [{"id": "01", "type": "run_manual"}]},
        {"release": [{"id": None, "name": "no id"}]},
    ],
    ids=["a repeated id", "no id"],
)
def test_an_update_that_breaks_a_key_stops_as_a_rebuild_does(home: Path, rows: Rows) -> None:
    before = told(home)
    kit.write_lake(home, rows)
    with pytest.raises(CheckError) as updated:
        build(home, models=ER)
    with pytest.raises(CheckError) as rebuilt:
        build(home, models=ER, full=True)

    assert str(updated.value) == str(rebuilt.value)
    assert told(home) == before


@pytest.mark.parametrize("seed", range(3))
def test_any_updates_find_what_a_rebuild_finds(home: Path, tmp_path: Path, seed: int) -> None:
    dice, other_dice = random.Random(seed), random.Random(seed + 100)
    for _ in range(4):
        kit.write_lake(home, some(dice) | results_beside(other_dice))
        if dice.random() < 0.7:
            build(home, models=ER)
            assert_as_rebuilt(home, tmp_path / "scratch")


def some(dice: random.Random) -> Rows:
    """Runs, tests and releases that come, change and go; last runs of any test."""
    tests, runs = [f"t{one}" for one in range(4)], [f"{a}{b}" for a in range(3) for b in range(3)]
    tombstone = {"_deleted": True}
    rows: Rows = {
        "run_automated": [
            {**run(one, dice.choice(tests), status_id=dice.choice((PASSED, FAILED)))}
            | (tombstone if dice.random() < 0.3 else {})
            for one in dice.sample(runs, dice.randint(0, 3))
        ],
        "test_automated": [
            {"id": one, "type": "test_automated"} | (tombstone if dice.random() < 0.5 else {})
            for one in dice.sample(tests, dice.randint(0, 2))
        ],
        "release": [
            {"id": one} | (tombstone if dice.random() < 0.5 else {})
            for one in dice.sample(("r1", "r2"), dice.randint(0, 1))
        ],
        "test_automated__last_runs": [
            last_run(one, dice.choice(runs)) for one in dice.sample(tests, dice.randint(0, 2))
        ],
        "test_automated__product_areas": [
            {"source_id": one, "target_id": "m"} for one in dice.sample(tests, dice.randint(0, 1))
        ],
    }
    return {table: some for table, some in rows.items() if some}


def results_beside(dice: random.Random) -> Rows:
    """Manual runs, replaced results and pipelines, two of one name, that come and go."""
    gone = {"_deleted": True}
    rows: Rows = {
        "run_manual": [
            {"id": f"m{one}", "type": "run_manual"} | (gone if dice.random() < 0.3 else {})
            for one in dice.sample(range(3), dice.randint(0, 2))
        ],
        "run_history": [
            {"id": str(one), "run_id": one, "pipeline_name": "nightly"}
            | (gone if dice.random() < 0.3 else {})
            for one in dice.sample(range(4), dice.randint(0, 2))
        ],
        "pipeline": [
            {"id": one, "name": "nightly"} | (gone if dice.random() < 0.5 else {})
            for one in dice.sample(("p1", "p2"), dice.randint(0, 1))
        ],
    }
    return {table: some for table, some in rows.items() if some}


def test_what_is_not_touched_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No check of runs runs over all of them when one run changes."""
    ran: dict[str, str] = {}
    run_check = data_checks._run

    def noted(connection: Any, check: Any, sql: str) -> Any:
        ran[check.name] = sql
        return run_check(connection, check, sql)

    monkeypatch.setattr(data_checks, "_run", noted)
    kit.write_lake(home, {"run_automated": [run("01", "t0", name="again")]})
    build(home, models=ER)

    whole = {check.name: check.sql for check in data_checks.list_checks(ER)}
    assert "relation:er.runs.test_id" in ran
    assert {name for name, sql in ran.items() if sql == whole[name]} == {
        "certificate_adds_up",  # reads meta
        "relation:er.signed_in_users.user_id",  # reads meta
    }
    assert {model.schema for model in ER} & CHECKED_SCHEMAS == {"er"}
