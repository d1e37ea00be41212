"""The source of dlt, loaded into DuckDB; runs where the extra dlt or bench is installed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import duckdb
import pytest

from octane_flows import warehouse
from octane_flows.errors import UsageError
from octane_flows.export.dlt_source import dlt_source
from tests.golden import kit


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dlt")
    write(folder, "1", "2")
    return folder


def write(home: Path, *ids: str, name: str = "Spring") -> None:
    rows = [{"id": id, "type": "release", "name": f"{name} {id}"} for id in ids]
    kit.write_lake(home, {"release": rows})
    models = [model for model in warehouse.load_models() if model.schema == "er"]
    flow = [model for model in warehouse.load_models() if model.name == "flow.planned_runs"]
    warehouse.build(home, models=[*models, *flow])


@pytest.mark.filterwarnings("ignore")  # those of dlt about itself
def test_tables_are_merged_by_their_keys_and_answers_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path
    dlt = pytest.importorskip("dlt", reason="needs dlt, which the extras dlt and bench bring")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setattr(logging.getLogger("dlt"), "disabled", True)
    write(home, "1", "2")
    target = home / "target.duckdb"
    pipeline = dlt.pipeline(
        "octane",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.duckdb(str(target)),
        dataset_name="octane",
    )
    questions = {"flow.planned_runs": {"only_mine": False}}

    pipeline.run(dlt_source(home, tables=["er.releases"], questions=questions))
    write(home, "2", "3", name="Autumn")
    pipeline.run(dlt_source(home, tables=["er.releases"], questions=questions))

    with duckdb.connect(str(target), read_only=True) as connection:
        rows = connection.execute(
            "select release_id, release_name from octane.er_releases order by all"
        ).fetchall()
    assert rows == [("1", "Spring 1"), ("2", "Autumn 2"), ("3", "Autumn 3")]


def test_resources_have_keys_and_dispositions(home: Path) -> None:
    pytest.importorskip("dlt", reason="needs dlt, which the extras dlt and bench bring")

    source = dlt_source(home, questions={"flow.planned_runs": {}})
    whole = dlt_source(home, tables=["er.releases"], disposition="replace")

    releases = source.resources["er_releases"].compute_table_schema()
    keys = [name for name, hints in releases["columns"].items() if hints.get("primary_key")]
    assert keys == ["workspace_id", "release_id"]
    assert source.resources["er_releases"].write_disposition == "merge"
    assert source.resources["flow_planned_runs"].write_disposition == "replace"
    assert whole.resources["er_releases"].write_disposition == "replace"
    assert [name for name in source.resources if name.startswith("past_")]


@pytest.mark.parametrize(
    ("tables", "questions", "sentence"),
    [
        (["er.relases"], {}, "There is no table er.relases"),
        ([], {"flaky_tests": {}}, "no flow or metric; write one with its kind"),
        ([], {"flow.planned_run": {}}, "did you mean 'planned_runs'"),
        ([], {"flow.planned_runs": {"mine": True}}, "has no parameter 'mine'"),
    ],
)
def test_a_wrong_name_is_one_sentence(
    home: Path, tables: list[str], questions: dict[str, dict[str, bool]], sentence: str
) -> None:
    pytest.importorskip("dlt", reason="needs dlt, which the extras dlt and bench bring")

    with pytest.raises(UsageError, match=sentence):
        dlt_source(home, tables=tables, questions=questions)


def test_without_dlt_the_sentence_says_how_to_install_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlt", None)

    with pytest.raises(UsageError, match=r"pip install 'octane-flows\[dlt\]'"):
        dlt_source(home)
