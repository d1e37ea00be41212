"""Dagster's history as `dagster.yaml` has it: what Dagster itself would keep, kept faster."""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_octane import event_log, history
from dagster_octane.event_log import EventLog

CONFIG = Path(__file__).resolve().parents[2] / "pipelines" / "dagster_octane" / "dagster.yaml"


@dg.multi_asset(
    specs=[dg.AssetSpec("first"), dg.AssetSpec("second", deps=["first"])],
    check_specs=[dg.AssetCheckSpec("key", asset="second"), dg.AssetCheckSpec("few", asset="first")],
)
def some() -> Iterator[Any]:
    yield dg.MaterializeResult(asset_key="first", metadata={"dagster/row_count": 3})
    yield dg.MaterializeResult(asset_key="second")
    yield dg.AssetCheckResult(asset_key="second", check_name="key", passed=False)
    yield dg.AssetCheckResult(asset_key="first", check_name="few", passed=True)


JOB = dg.Definitions(assets=[some]).resolve_implicit_global_asset_job_def()


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    (tmp_path / "dagster.yaml").write_bytes(CONFIG.read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        yield instance


def run(instance: dg.DagsterInstance) -> str:
    done = JOB.execute_in_process(instance=instance)
    assert done.success
    return done.run_id


def kept(runs: Path, run_ids: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a history's files, with runs by their order and without times."""
    order = "case run_id " + " ".join(f"when '{one}' then {n}" for n, one in enumerate(run_ids))
    asked = {
        "event_logs": f"{order} end, dagster_event_type, step_key, asset_key, partition",
        "asset_check_executions": f"{order} end, asset_key, check_name, execution_status, "
        "partition, evaluation_event is not null, evaluation_event_storage_id is not null",
        "asset_keys": "asset_key, last_materialization is not null, "
        f"{order.replace('run_id', 'last_run_id')} end, last_materialization_timestamp is not null",
    }
    rows = {}
    for shard in ("index", *run_ids):
        connection = sqlite3.connect(runs / f"{shard}.db")
        for table, columns in asked.items():
            rows[f"{table} of {shard if shard == 'index' else run_ids.index(shard)}"] = sorted(
                connection.execute(f"select {columns} from {table}").fetchall(), key=str
            )
        connection.close()
    return rows


def test_it_keeps_the_rows_that_dagster_itself_keeps(
    ours: dg.DagsterInstance, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("dagster")
    with dg.DagsterInstance.local_temp(str(folder)) as theirs:
        # the second run meets the rows of the first one, the third one only says what it intends
        mine = [run(ours), run(ours), ours.create_run_for_job(JOB).run_id]
        others = [run(theirs), run(theirs), theirs.create_run_for_job(JOB).run_id]

    rows = kept(tmp_path / "history" / "runs", mine)
    assert len(rows["asset_check_executions of index"]) == 6
    assert rows == kept(folder / "history" / "runs", others)


def test_more_runs_than_are_held_open_are_all_there(
    ours: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_octane.event_log.OPEN", 2)
    runs = [run(ours) for _ in range(2)]

    counts = {len(ours.all_logs(one)) for one in runs}
    assert len(counts) == 1
    assert counts != {0}


def test_a_run_that_is_forgotten_leaves_no_file(ours: dg.DagsterInstance, tmp_path: Path) -> None:
    first, second = run(ours), run(ours)

    ours.delete_run(first)

    files = [one.name for one in (tmp_path / "history" / "runs").iterdir()]
    assert not [one for one in files if one.startswith(first)]
    assert f"{second}.db" in files
    assert ours.all_logs(second)
    [record] = ours.get_asset_records([dg.AssetKey("second")])
    assert record.asset_entry.last_run_id == second


def without_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "PRIVATE", (*event_log.PRIVATE, "_renamed"))


def without_what_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dagster_octane.event_log")
    monkeypatch.delattr("dagster._core.storage.sqlite.SQLITE_BUSY_TIMEOUT_SECONDS")


@pytest.mark.parametrize(
    ("take_away", "named"),
    [(without_a_method, "_renamed"), (without_what_it_imports, "SQLITE_BUSY")],
)
def test_a_dagster_that_lacks_a_private_name_keeps_its_own_history_and_says_so_once(
    take_away: Callable[[pytest.MonkeyPatch], None],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_bytes(CONFIG.read_bytes())
    monkeypatch.setattr(logging.getLogger("dagster"), "propagate", True)
    history._warn.cache_clear()
    take_away(monkeypatch)

    for _ in range(2):
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert type(instance.event_log_storage).__name__ == "SqliteEventLogStorage"
            assert instance.all_logs(run(instance))

    [warning] = [one.message for one in caplog.records if "slower way" in one.message]
    assert named in warning
