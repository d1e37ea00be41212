"""The demo as a user meets it: one command, and no question stays without an answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from subprocess import CompletedProcess

import nbclient
import nbformat
import pytest

import octane_flows as of
from octane_flows.demo_run import IN_FULL, MARKER, PARAMETERS
from octane_flows.questions import Question, list_questions, question_named, run_question
from tests.e2e.installation import Installation
from tests.e2e.support import octane_flows

ASKED = [*list_questions("flow"), *list_questions("metric")]
NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
#: Plots that a notebook draws.
PLOTS = {
    "flow_workbench": 1,
    "history": 2,
    "morning": 1,
    "release": 3,
    "tour": 0,
    "triage": 2,
    "trust": 2,
}
LONGEST = 150  # lines that people still read


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which an earlier demo was stopped."""
    folder = tmp_path_factory.mktemp("shown") / "demo"
    (folder / "lake").mkdir(parents=True)
    (folder / "lake" / "CURRENT").write_text("half written")
    refused = octane_flows("demo", "--home", str(folder), environment={})
    assert refused.returncode == 2
    assert "files that no demo wrote" in refused.stderr
    (folder / MARKER).touch()
    return folder


@pytest.fixture(scope="module")
def done(home: Path, installed_with_dagster: Installation) -> CompletedProcess[str]:
    """The demo of the installed package, in a folder with settings that it must not read."""
    (home.parent / "octane-flows.toml").write_text('user = "somebody"\nworkspaces = "9"\n')
    environment = {"OCTANE_HOME": str(home)}
    return installed_with_dagster.run(
        "octane-flows", "demo", cwd=home.parent, environment=environment
    )


@pytest.fixture(scope="module")
def demo(home: Path, done: CompletedProcess[str]) -> Path:
    assert done.returncode == 0, done.stderr
    return home


def test_the_demo_shows_five_flows_and_names_all(done: CompletedProcess[str], demo: Path) -> None:
    for slug in IN_FULL:
        assert f"(flow {question_named('flow', slug).number})" in done.stdout
    for asked in ASKED:
        assert f" {asked.kind} {asked.slug}" in done.stdout
    for name in ("lake", "warehouse.duckdb", "report.html"):
        assert (demo / name).exists()
        assert f"{demo}/{name}" in done.stdout
    assert f"ui --demo --home {demo}" in done.stdout
    assert len(done.stdout.splitlines()) < LONGEST
    assert "simulator_secret" not in done.stdout + done.stderr


def test_what_the_demo_and_its_dagster_run_wrote_is_private(demo: Path) -> None:
    paths = [demo, *demo.rglob("*")]
    dagster = demo / "dagster"  # Dagster sets modes of its own, within a folder that is private
    assert [
        path for path in paths if path.lstat().st_mode & 0o077 and dagster not in path.parents
    ] == []


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_question_has_an_answer_in_the_demo(asked: Question, demo: Path) -> None:
    with of.open(demo) as wh:
        assert run_question(wh.connection, asked, PARAMETERS.get(asked.slug, {})).num_rows


def test_the_demo_knows_how_long_items_stayed_in_a_phase(demo: Path) -> None:
    with of.open(demo) as wh:
        stays = wh.metrics.time_in_phase().df().set_index("phase_id")
        cycles = wh.metrics.cycle_times().df()
    assert stays.loc["phase.feature.inprogress", "median_days"] == 69
    assert stays.measured_stay_count.sum() > 10
    assert stays.vague_stay_count.sum() == 0  # the history log tells every change
    assert cycles.measured_count.sum() > 0


def test_the_demo_has_a_past(demo: Path) -> None:
    phases = "select phase_label from er.defects where defect_name = $name"
    name = "Stop criterion uses the wrong norm"
    with of.open(demo) as wh, wh.as_of(date(2020, 12, 1)) as then:
        assert wh.sql(phases, name=name).fetchall() == [("Fixed",)]
        assert then.sql(phases, name=name).fetchall() == [("Opened",)]
        assert len(wh.flow("my_new_stories")) == len(then.flow("my_new_stories")) == 2
        grown = [len(one.table("er.runs").filter("run_type = 'run_manual'")) for one in (then, wh)]
    assert grown == [3, 17]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_demo(
    path: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(demo))
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are not committed"

    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute(
        cwd=str(path.parent)
    )

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/svg+xml" in output.get("data", {}) for output in outputs) == PLOTS[path.stem]
    assert all(output.get("name") != "stderr" for output in outputs), outputs
