"""The published file opens in the DuckDB clients that sites have, and every macro answers there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows import warehouse
from tests.needs import need

#: The oldest version that README and docs/tables.md name, and the last one before 2.0.
VERSIONS = ("1.4.4", "1.5.6")
# runs in the other version's environment, so it knows nothing of this project
PROBE = """
import json, sys
import duckdb

connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("set enable_progress_bar = false")  # it is printed where a query takes long
answers = {}
for schema, name in connection.execute(
    "select schema_name, function_name from duckdb_functions() "
    "where function_type = 'table_macro' and schema_name in ('flow', 'metric', 'plan') "
    "union all select schema_name, view_name from duckdb_views() where schema_name = 'er' "
    "union all select schema_name, table_name from duckdb_tables() "
    "where schema_name in ('er', 'meta', 'past') order by all"
).fetchall():
    call = f"{schema}.{name}" + ("()" if schema in ("flow", "metric", "plan") else "")
    try:
        answers[call] = connection.execute(f"select count(*) from {call}").fetchall()[0][0]
    except duckdb.Error as error:
        answers[call] = str(error).splitlines()[0]
print(json.dumps(answers))
"""


def answers_of(python: Path | str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(python), "-c", PROBE, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="session")
def own_answers(demo_home: Path) -> dict[str, Any]:
    return answers_of(sys.executable, warehouse.warehouse_path(demo_home))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_macro_answers_in_older_clients(
    version: str, demo_home: Path, own_answers: dict[str, Any], tmp_path: Path
) -> None:
    python = tmp_path / "client" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "client")], check=True)
    installed = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", f"duckdb=={version}"],
        capture_output=True,
        check=False,
    )
    need(
        installed.returncode == 0,
        f"DuckDB {version} could not be installed from PyPI",
        "TESTS_NEED_DUCKDB_CLIENTS",
    )

    answers = answers_of(python, warehouse.warehouse_path(demo_home))

    assert len(answers) > 100
    assert answers == own_answers


def test_no_answer_has_a_type_that_clients_do_not_know(
    demo_warehouse: duckdb.DuckDBPyConnection, own_answers: dict[str, Any]
) -> None:
    wide = [
        f"{call}.{name}: {kind}"
        for call in own_answers
        for name, kind, *_ in demo_warehouse.execute(f"describe select * from {call}").fetchall()
        if "HUGEINT" in kind
    ]

    assert not wide, "\n".join(wide)
