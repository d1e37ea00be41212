"""The published file opens in the DuckDB clients that sites have, and every macro answers there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows import warehouse
from octane_flows.questions import Kind, list_questions
from tests.needs import need
from tests.pages.duckdb_clients import NODE_VERSION, PYTHON_VERSIONS

SWITCH = "TESTS_NEED_DUCKDB_CLIENTS"
KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")

#: Every macro, view and table that people read, as it is called.
LISTED = """
select schema_name || '.' || function_name || '()' from duckdb_functions()
where function_type = 'table_macro' and schema_name in ('flow', 'metric', 'plan')
union all select schema_name || '.' || view_name from duckdb_views() where schema_name = 'er'
union all select schema_name || '.' || table_name from duckdb_tables()
where schema_name in ('er', 'meta', 'past') order by all
"""
COMMENTS = """
select function_name, comment from duckdb_functions()
where function_type = 'table_macro' and schema_name in ('flow', 'metric', 'plan') order by all
"""
# runs in the other version's environment, so it knows nothing of this project
PROBE = """
import json, sys
import duckdb

path, listed, comments = sys.argv[1:]
connection = duckdb.connect(path, read_only=True)
connection.execute("set enable_progress_bar = false")  # it is printed where a query takes long
answers = {"comments": connection.execute(comments).fetchall()}
for (call,) in connection.execute(listed).fetchall():
    try:
        answers[call] = connection.execute(f"select count(*) from {call}").fetchall()[0][0]
    except duckdb.Error as error:
        answers[call] = str(error).splitlines()[0]
print(json.dumps(answers))
"""
NODE_PROBE = """
const { DuckDBInstance } = require("@duckdb/node-api");
const [path, listed, comments] = process.argv.slice(2);
(async () => {
  const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows();
  const answers = { comments: await rows(comments) };
  for (const [call] of await rows(listed)) {
    try {
      answers[call] = Number((await rows(`select count(*) from ${call}`))[0][0]);
    } catch (error) {
      answers[call] = String(error);
    }
  }
  console.log(JSON.stringify(answers));
})();
"""


def answers_of(python: Path | str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(python), "-c", PROBE, str(path), LISTED, COMMENTS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # after progress bars
    return answers


@pytest.fixture(scope="session")
def own_answers(demo_home: Path) -> dict[str, Any]:
    return answers_of(sys.executable, warehouse.warehouse_path(demo_home))


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
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
        SWITCH,
    )

    answers = answers_of(python, warehouse.warehouse_path(demo_home))

    assert len(answers) > 100
    assert answers == own_answers


def test_every_macro_answers_in_nodes_client(
    demo_home: Path, own_answers: dict[str, Any], tmp_path: Path
) -> None:
    need(shutil.which("npm"), "Node.js with npm was not found", SWITCH)
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    install += [str(tmp_path), f"@duckdb/node-api@{NODE_VERSION}"]
    installed = subprocess.run(install, capture_output=True, check=False, timeout=500)
    need(installed.returncode == 0, f"npm could not fetch DuckDB {NODE_VERSION}", SWITCH)
    script = tmp_path / "probe.js"
    script.write_text(NODE_PROBE, encoding="utf-8")
    path = str(warehouse.warehouse_path(demo_home))

    done = subprocess.run(
        ["node", str(script), path, LISTED, COMMENTS], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == own_answers


def test_a_macro_tells_its_question_its_parameters_and_an_example(
    own_answers: dict[str, Any],
) -> None:
    comments = dict(own_answers["comments"])

    comment = comments["modules_with_recent_failures"].splitlines()
    assert comment[0].endswith("?")
    assert any(line.startswith("hours (") for line in comment)
    assert comment[-1].startswith("Example: from flow.modules_with_recent_failures(")
    assert all("\nExample: from " in each for each in comments.values())


def test_metrics_and_parameters_are_rows(demo_warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = demo_warehouse.execute(
        "select question, parameter, type, default_value from meta.parameters"
    ).fetchall()
    metrics = demo_warehouse.execute("select slug, example from meta.metrics").fetchall()

    assert set(rows) == {
        (question.name, parameter.name, parameter.type, parameter.default)
        for kind in KINDS
        for question in list_questions(kind)
        for parameter in question.parameters
    }
    assert {slug for slug, _ in metrics} == {each.slug for each in list_questions("metric")}
    for _, example in metrics:
        assert demo_warehouse.execute(f"describe select * from ({example})").fetchall()


def test_no_answer_has_a_type_that_clients_do_not_know(
    demo_warehouse: duckdb.DuckDBPyConnection, own_answers: dict[str, Any]
) -> None:
    wide = [
        f"{call}.{name}: {kind}"
        for call in own_answers.keys() - {"comments"}
        for name, kind, *_ in demo_warehouse.execute(f"describe select * from {call}").fetchall()
        if "HUGEINT" in kind
    ]

    assert not wide, "\n".join(wide)
