"""The command line on Spark: the demo's lake built, asked, and compared with DuckDB's warehouse."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from octane_flows.questions import Question, list_questions, run_question
from octane_flows.spark import Published, read_published
from tests.e2e.support import octane_flows
from tests.needs import need_spark

ASKED = [*list_questions("flow"), *list_questions("metric")]
LOCAL = ("--engine", "spark", "--master", "local[2]")


@pytest.fixture(scope="module")
def spark_environment(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    need_spark()
    home = tmp_path_factory.mktemp("spark") / "home"
    shutil.copytree(demo_home / "lake", home / "lake")
    return {"OCTANE_HOME": str(home), "SPARK_CONF_DIR": str(site_settings(home))}


def site_settings(home: Path) -> Path:
    """Spark's own settings of a site: its events are kept, and Java starts quickly."""
    (home / "events").mkdir()
    (home / "conf").mkdir()
    (home / "conf" / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file:{home / 'events'}\n"
        "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1\n"
    )
    return home / "conf"


@pytest.fixture(scope="module")
def built(spark_environment: dict[str, str]) -> Published:
    home = Path(spark_environment["OCTANE_HOME"])
    run = octane_flows("build", *LOCAL, environment=spark_environment)

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("spark        generation "), run.stdout
    assert run.stderr == "", "what Spark says belongs into its own file"
    assert list(home.glob("events/*")), "Spark's own settings were not read"
    return read_published(home)


def plain(row: dict[str, Any]) -> tuple[Any, ...]:
    """A row without the last digits of quantiles (machine code)."""
    return tuple(f"{value:.12g}" if isinstance(value, float) else value for value in row.values())


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_answer_has_the_rows_of_duckdb(
    asked: Question, built: Published, demo_warehouse: duckdb.DuckDBPyConnection
) -> None:
    there = run_question(demo_warehouse, asked, {})
    here = pq.read_table(built.path(asked.name))

    assert here.column_names == there.column_names
    assert [plain(row) for row in here.to_pylist()] == [plain(row) for row in there.to_pylist()]


@pytest.mark.slow
def test_every_table_has_the_rows_of_duckdb(
    built: Published, demo_warehouse: duckdb.DuckDBPyConnection
) -> None:
    tables = demo_warehouse.execute(
        "select 'octane.' || table_name, estimated_size from duckdb_tables() "
        "where schema_name = 'octane'"
    ).fetchall()
    views = [name for name in built.models if name.startswith("er.")]
    counted = {
        name: demo_warehouse.execute(f"select count(*) from {name}").fetchall()[0][0]
        for name in [name for name, _ in tables] + views
    }
    here = {f"octane.{name}": rows for name, rows in built.tables.items()}
    here |= {name: one.rows or 0 for name, one in built.models.items() if name in views}

    assert here == counted


@pytest.mark.slow
def test_a_flow_is_asked_with_parameters(
    built: Published,
    spark_environment: dict[str, str],
    demo_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    run = octane_flows(
        "flow", "recent_failed_automated_tests", "--param", "hours=720", "--format", "json",
        *LOCAL, environment=spark_environment,
    )  # fmt: skip

    flow = next(one for one in ASKED if one.slug == "recent_failed_automated_tests")
    expected = run_question(demo_warehouse, flow, {"hours": "720"})
    assert run.returncode == 0, run.stderr
    assert [row["test_id"] for row in json.loads(run.stdout)] == expected["test_id"].to_pylist()
    assert Counter(expected["test_id"].to_pylist()), "an empty answer proves nothing"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "--engine", "spark"), "add --master, such as local[2]"),
        (("build", "--master", "local[2]"), "add --engine spark"),
        (
            ("flow", "planned_runs", *LOCAL),
            "octane-flows build --engine spark --master URL",
        ),
        (("metric", "burn_up", "--master", "local[2]"), "add --engine spark"),
    ],
)
def test_what_is_missing_is_told_in_a_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    run = octane_flows(*arguments, environment={"OCTANE_HOME": str(tmp_path)})

    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1
