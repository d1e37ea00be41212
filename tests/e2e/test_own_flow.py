"""A flow of one's own: one SQL file in a copy of the project, and everything follows from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import kit

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SLUG = "tests_without_owner"
SQL = """-- Which tests have no owner?
-- grain: one test that nobody owns
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- order: workspace_id, test_id
select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name -- name of the test
from er.tests as tests
where ($workspace_id is null or tests.workspace_id = $workspace_id)
    and tests.owner_user_id is null
"""
TESTS = [
    {"id": "1", "type": "test_manual", "name": "Sign in", "owner_id": "7", "owner_type": "user"},
    {"id": "2", "type": "test_manual", "name": "Sign out"},
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own with one more flow, and a lake with two tests."""
    folder = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in ("src", "sql", "tests", "docs", "pipelines"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, folder)
    (folder / "sql" / "flow" / f"{SLUG}.sql").write_text(SQL, encoding="utf-8")
    kit.write_lake(folder / "data", {"test_manual": TESTS})
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={
            **{name: value for name, value in os.environ.items() if name[:7] != "OCTANE_"},
            "PYTHONPATH": f"{project / 'src'}:{project / 'pipelines'}:{project}",
            "OCTANE_HOME": str(project / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_flow_of_ones_own_is_built_and_answered(project: Path) -> None:
    built = run(project, "octane_flows", "build")
    assert built.returncode == 0, built.stderr

    answer = run(project, "octane_flows", "flow", SLUG, "--format", "csv")
    listed = run(project, "octane_flows", "flows").stdout
    records = json.loads(run(project, "octane_flows", "flows", "--json").stdout)
    report = run(project, "octane_flows", "report")

    assert answer.stdout == '"workspace_id","test_id","test_name"\n"1002","2","Sign out"\n'
    assert f"{SLUG}  (flow)" in listed
    assert "planned_runs  (flow 6)" in listed
    assert [record["number"] for record in records] == [*range(1, 26), None]
    assert (records[-1]["slug"], records[-1]["title"]) == (SLUG, "Tests without owner")
    assert report.returncode == 0, report.stderr
    page = (project / "data" / "report.html").read_text(encoding="utf-8")
    documented, own = page.split('<p class="group" id="flows-of-your-own">')
    assert SLUG not in documented.split('id="documented-flows"')[1]
    assert f"octane-flows flow {SLUG}" in own


def test_a_flow_of_ones_own_is_a_method_and_not_compared_with_the_server(project: Path) -> None:
    code = (
        "import octane_flows as of\n"
        "from octane_flows import parity\n"
        "with of.open() as wh:\n"
        f"    print(wh.flows.{SLUG}(workspace_id='1002').fetchall())\n"
        "    print(wh.flows().fetchall()[-1][:2])\n"
        f"print('{SLUG}' in [flow.slug for flow in parity.flows_with_requests()])\n"
        f"parity.documented_requests('{SLUG}')\n"
    )
    (project / "ask.py").write_text(code, encoding="utf-8")

    done = run(project, "ask")

    assert done.stdout == f"[('1002', '2', 'Sign out')]\n(None, '{SLUG}')\nFalse\n"
    assert f"The flow {SLUG} cannot be compared with the server" in done.stderr


def test_documents_list_it_apart(project: Path) -> None:
    stale = run(project, "tests.generated_docs")
    assert "docs/flows.md" in stale.stderr

    written = run(project, "tests.generated_docs", "--write")

    assert written.returncode == 0, written.stderr
    pages = (project / "docs" / "flows.md").read_text(encoding="utf-8")
    documented, own = pages.split("# Flows of your own\n")
    assert SLUG not in documented
    assert f"## `{SLUG}`\n\nWhich tests have no owner?" in own
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert f"[`{SLUG}`](docs/flows.md#{SLUG}) | Which tests have no owner? |" in readme
    assert f"def {SLUG}(" in (
        project / "src" / "octane_flows" / "api" / "flows_and_metrics.pyi"
    ).read_text(encoding="utf-8")
