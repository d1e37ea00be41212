"""The demo: a simulated Octane fed with real CI results, the Dagster job, the flows' answers.

A folder in, the whole product at work out. The simulator runs as a process of its own and is fed
over HTTP, as a CI server would do it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from octane_flows import refresh, warehouse
from octane_flows.client import Octane, Workspace, field
from octane_flows.config import Settings, limit_file_access, load_settings
from octane_flows.dagster_pages import demo_environment
from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.questions import Question, list_questions, question_named, run_question
from octane_flows.questions.answer_formats import print_rows
from octane_flows.reports import REPORT_FILE
from octane_flows.reports.stored_answers import StoredAnswers
from octane_simulator.datasets import ci_history
from octane_simulator.datasets import demo_dataset as demo_data

MARKER = ".octane-flows-demo"  # only a folder with this file is ever emptied
DAGSTER_LOG = "dagster.log"
FAILURE = re.compile(r"(\w+\.)*(Failure|\w+Error): .")  # a line of Dagster's log with a reason
ROWS_SHOWN = 8
#: Flows whose answers are printed; the others are named with their number of rows.
IN_FULL = (
    "planned_runs",
    "recent_failed_automated_tests",
    "modules_with_recent_failures",
    "open_high_severity_defects",
    "failed_previous_runs",
)
#: What the demo asks beyond the defaults, so that an answer is neither too short nor too long.
PARAMETERS: dict[str, dict[str, str]] = {
    "release_runs_with_environments": {
        "release_name": "2.9*",
        "environment_category_name": "compiler",
    },
    "features_with_recent_failures": {"hours": "72"},
    "recent_failed_automated_tests": {"hours": "72"},
    "modules_with_recent_failures": {"hours": "72"},
    "failed_previous_runs": {"days": "3"},
    "reported_builds": {"since": "2021-01-19"},
    "failed_automated_runs": {"hours": "72"},
    "descendants_of_items": {"item_types": "epic,feature"},
}


class HttpFeeder:
    """Writes the demo's data through the REST API, as users and a CI server would."""

    def __init__(self, octane: Octane, shared_space: str, workspace: Workspace) -> None:
        self._octane = octane
        self._workspace = workspace
        self._base = f"/api/shared_spaces/{shared_space}/workspaces/{workspace.id}"

    def create(self, collection: str, rows: list[dict[str, Any]]) -> list[str]:
        """POST entities; returns their ids in order."""
        return [str(row["id"]) for row in self._workspace.create(collection, rows)]

    def update(self, collection: str, rows: list[dict[str, Any]]) -> None:
        """PUT entities by id."""
        self._workspace.update(collection, rows)

    def failed_runs(self, test_name: str) -> list[str]:
        """GET the ids of a test's automated runs whose newest result failed, in order."""
        failed = field("native_status").eq(field("id").eq("list_node.run_native_status.failed"))
        query = field("test_name").eq(test_name) & failed
        page = self._workspace.page("automated_runs", fields=["id"], query=query)
        return [str(row["id"]) for row in page.rows]

    def post_test_results(self, xml: bytes) -> None:
        """POST one build's results and wait until the server has taken them in."""
        task = self._workspace.post_test_results(xml)
        while (status := self._workspace.test_results_status(task)) in ("queued", "running"):
            pass
        if status != "success":
            raise OctaneFlowsError(f"The simulator ended a test-results task with {status!r}.")

    def send(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, content_type: str
    ) -> None:
        """Send a script or a file."""
        pairs = [(name, quote(value, safe="")) for name, value in params.items()]
        self._octane.connection.call(
            method,
            f"{self._base}/{path}",
            pairs,
            action=f"sending {path}",
            body=body,
            content_type=content_type,
        )

    def set_clock(self, now: datetime) -> None:
        """Set the simulator's clock and stop it there."""
        body = json.dumps({"now": now.isoformat(), "frozen": True}).encode()
        self._octane.connection.call(
            "PUT", "/simulator/clock", action="setting the clock", body=body
        )


def run(home: Path, *, output: Console, console: Console) -> None:
    """Do the whole job in `home` and show the answers on `output`."""
    limit_file_access({}, config_file=Path(os.devnull))
    _empty(home)
    with _simulator() as facts:
        environment = {
            **demo_environment(facts),
            "OCTANE_SCRIPTS": "true",
            "OCTANE_HOME": str(home),
        }
        settings = load_settings(environment, config_file=Path(os.devnull))
        _feed(settings, facts, console)
        _refresh(settings, environment, home, console)
    _show(home, output)


def _empty(home: Path) -> None:
    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).exists():
            raise UsageError(
                f"{home} holds files that no demo wrote; give the demo a folder of its own with "
                "--home."
            )
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text(
        "Written by octane-flows demo, which empties this folder.\n", encoding="utf-8"
    )


@contextmanager
def _simulator() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "octane_flows", "simulate", "--dataset", "empty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise OctaneFlowsError("The simulator did not start; run octane-flows simulate.")
            yield json.loads(line)
        finally:
            process.terminate()


def _feed(settings: Settings, facts: Mapping[str, str], console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Octane(settings) as octane, Progress(*columns, console=console) as bar:
        workspace = octane.workspace(facts["workspace"])
        feeder = HttpFeeder(octane, settings.shared_space, workspace)
        builds = bar.add_task("real CI builds", total=ci_history.BUILDS)

        def posted(done: int, total: int) -> None:
            bar.update(builds, completed=done, total=total)

        def extract() -> None:
            refresh.update_lake(settings)

        demo_data.load(feeder, progress=posted, look=extract)  # so that there is a past


def _refresh(
    settings: Settings, environment: Mapping[str, str], home: Path, console: Console
) -> None:
    pipelines = importlib.util.find_spec("dagster_octane")
    if importlib.util.find_spec("dagster") is None or pipelines is None or not pipelines.origin:
        with console.status("extract, warehouse, checks, report (Dagster is not installed)"):
            refresh.refresh(settings)
        return
    dagster_home = home / "dagster"
    dagster_home.mkdir(exist_ok=True)
    shutil.copy(Path(pipelines.origin).parent / "dagster.yaml", dagster_home / "dagster.yaml")
    log = home / DAGSTER_LOG
    command = [sys.executable, "-m", "dagster", "job", "execute"]
    command += ["-m", "dagster_octane.definitions", "-j", "refresh"]
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OCTANE_")},
        **environment,
        "OCTANE_HOME": str(home.resolve()),
        "DAGSTER_HOME": str(dagster_home.resolve()),
    }
    with (
        console.status("Dagster job refresh: extract, lake, warehouse, checks, report"),
        log.open("wb") as stream,
    ):
        done = subprocess.run(
            command, env=variables, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        raise OctaneFlowsError(f"The Dagster job failed; its log is {log}.{_last_failure(log)}")


def _last_failure(log: Path) -> str:
    """The reason that Dagster's log gives last, if it gives one."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    reasons = [line.strip() for line in lines if FAILURE.match(line.strip())]
    return f" It says: {reasons[-1]}" if reasons else ""


def _program() -> str:
    """How the user can call this command from here: by its name, or by its path."""
    if shutil.which("octane-flows"):
        return "octane-flows"
    return os.path.relpath(Path(sys.executable).with_name("octane-flows"))


def _show(home: Path, output: Console) -> None:
    program = _program()
    with warehouse.connect(home) as connection:
        for slug in IN_FULL:
            _show_answer(
                connection, question_named("flow", slug), f"OCTANE_HOME={home} {program}", output
            )
        output.rule(align="left", characters="─")
        output.print(
            Text.assemble(("All flows and metrics", "bold"), ": rows, and the command for each")
        )
        output.print(f"$ export OCTANE_HOME={home}", style="cyan", soft_wrap=True)
        answers = StoredAnswers(connection, [])
        for question in (*list_questions("flow"), *list_questions("metric")):
            if parameters := PARAMETERS.get(question.slug):
                rows = run_question(connection, question, parameters).num_rows
            else:
                rows = answers.row_count(question)
            output.print(f"{rows:>6,}  {program} {_command(question)}", soft_wrap=True)
    output.rule(align="left", characters="─")
    for name, path, how in (
        ("Parquet", home / "lake", f"OCTANE_HOME={home} {program} status"),
        (
            "DuckDB file",
            warehouse.warehouse_path(home),
            f"OCTANE_HOME={home} {program} query SQL, or any DuckDB client",
        ),
        ("HTML report", home / REPORT_FILE, "open it in a browser"),
    ):
        output.print(f"{name:<12} {path}   ({how})", soft_wrap=True)
    output.print(f"{'Notebooks':<12} {program} notebooks DIR copies them", soft_wrap=True)
    if (home / DAGSTER_LOG).is_file():
        command = f"{program} ui --demo --home {home}"
        output.print(
            f"{'Dagster':<12} {home / DAGSTER_LOG}   ({command} shows its pages)", soft_wrap=True
        )
    else:
        output.print(f"{'Dagster':<12} not installed: pip install 'octane-flows[dagster]'")


def _show_answer(
    connection: duckdb.DuckDBPyConnection, flow: Question, program: str, output: Console
) -> None:
    answer = run_question(connection, flow, PARAMETERS.get(flow.slug, {}))
    output.rule(align="left", characters="─")
    output.print(Text.assemble((flow.title, "bold"), f" (flow {flow.number})"))
    output.print(flow.text)
    output.print(f"$ {program} {_command(flow)}", style="cyan", soft_wrap=True)
    print_rows(output, answer[:ROWS_SHOWN], total=answer.num_rows)


def _command(question: Question) -> str:
    parameters = PARAMETERS.get(question.slug, {})
    return f"{question.kind} {question.slug}" + "".join(
        f" --param {name}={value}" for name, value in parameters.items()
    )
