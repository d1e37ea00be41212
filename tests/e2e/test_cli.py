"""The command line as a user meets it: a process, its output, its exit code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import typer
from typer.core import TyperGroup

from octane_flows.cli import app
from tests.e2e.support import octane_flows

#: Commands whose example is run elsewhere, with the reason.
RUN_ELSEWHERE = {
    "simulate": "runs until it is stopped: test_simulate_says_where_it_is",
    "apply": "writes to the server: test_actions",
    "document": "writes to the server: test_documents",
    "report-results": "writes to the server: test_actions",
    "demo": "takes a while: test_demo.py",
    "ui": "runs until it is stopped: test_dagster_pages.py",
    "serve": "runs until it is stopped: test_serve_start.py",
    "mcp": "speaks with an agent until its input ends: test_agent_session.py",
    "catalog": "writes into the working folder: test_catalog.py",
    "notebooks": "writes into the working folder: test_shipped_files.py",
    "site-files": "writes into the working folder: test_shipped_files.py",
    "go-back": "needs a damaged manifest: tests of damaged lakes",
    "drop-workspace": "names a workspace that the demo lacks: test_missing_data.py",
}
#: Commands whose example ends otherwise in the demo: exit code and words.
OTHER_ENDS = {
    "gate": (3, "verdict      incomplete"),  # its data is older than the 24 hours of the example
    "letter": (2, "set OCTANE_SMTP_SERVER"),  # no place is set there
}
GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = GROUP.commands


def example_of(command: str) -> list[str]:
    epilog = COMMANDS[command].epilog or ""
    assert epilog.startswith("Example: octane-flows "), f"{command} has no example"
    return shlex.split(epilog.removeprefix("Example: octane-flows "))


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - RUN_ELSEWHERE.keys()))
def test_the_example_in_the_help_text_works(
    command: str, demo_environment: dict[str, str], demo_home: Path
) -> None:
    if command == "extract":  # would leave a generation of two entity types in the shared folder
        home = demo_home.parent / "example"
        demo_environment = {**demo_environment, "OCTANE_HOME": str(home)}

    done = octane_flows(*example_of(command), environment=demo_environment)

    code, words = OTHER_ENDS.get(command, (0, ""))
    assert done.returncode == code, done.stderr
    assert done.stdout.strip() or code
    assert words in done.stdout + done.stderr


def test_simulate_says_where_it_is() -> None:
    assert "simulate" in example_of("simulate")
    command = [sys.executable, "-m", "octane_flows", *example_of("simulate")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        process.terminate()

    assert set(facts) == {
        "url",
        "client_id",
        "client_secret",
        "shared_space",
        "workspace",
        "workspaces",
        "clock",
        "now",
    }
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", facts["url"])
    assert process.returncode == 0


def test_answers_in_every_format_hold_the_same_rows(
    demo_environment: dict[str, str], demo_home: Path, tmp_path: Path
) -> None:
    flow = ["flow", "modules_with_recent_failures", "--param", "hours=720"]
    as_json = octane_flows(*flow, "--format", "json", environment=demo_environment)
    names = [row["application_module_name"] for row in json.loads(as_json.stdout)]
    for style in ("csv", "parquet"):
        file = tmp_path / f"answer.{style}"
        done = octane_flows(
            *flow, "--format", style, "--output", str(file), environment=demo_environment
        )
        assert done.returncode == 0, done.stderr
        read = pa_csv.read_csv(file) if style == "csv" else pq.read_table(file)
        assert read.column("application_module_name").to_pylist() == names
    table = octane_flows(*flow, environment=demo_environment)
    assert names
    assert all(name in table.stdout for name in names)


MISTAKES = [
    (["flow", "modules_with_recent_failure"], 2, "did you mean 'modules_with_recent_failures'"),
    (["flow", "planned_runs", "--param", "hour=1"], 2, "has no parameter 'hour'"),
    (["flow", "planned_runs", "--param", "hours"], 2, "NAME=VALUE"),
    (
        ["flow", "modules_with_recent_failures", "--param", "as_of=yesterday"],
        2,
        "write a date and time in UTC",
    ),
    (["extract", "defekt"], 2, "Did you mean defect"),
    (["query", "selct 1"], 2, "did not accept this SQL"),
    (["query", "create table er.x (a int)"], 2, "A query is one select; this is create"),
    (["show", "er.nothing"], 2, "There is no table er.nothing"),
    (["show", "defect"], 2, "Name the schema too"),
    (["flow", "planned_runs", "--format", "parquet"], 2, "add --output FILE"),
    (["flow", "planned_runs", "--format", "xml"], 2, "xml"),
]


@pytest.mark.parametrize(("arguments", "code", "sentence"), MISTAKES, ids=lambda one: str(one)[:50])
def test_a_mistake_gets_one_sentence(
    arguments: list[str],
    code: int,
    sentence: str,
    demo_environment: dict[str, str],
    demo_home: Path,
) -> None:
    done = octane_flows(*arguments, environment=demo_environment)

    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


SETTINGS = [
    ({"OCTANE_URL": ""}, "OCTANE_URL"),
    ({"OCTANE_CLIENT_SECRET": ""}, "OCTANE_CLIENT_SECRET"),
    ({"OCTANE_CLIENT": "x"}, "OCTANE_CLIENT"),
    ({"OCTANE_URL": "http://octane.example.com"}, "OCTANE_ALLOW_HTTP_HOST"),
    ({"OCTANE_CA_FILE": "/does/not/exist.pem"}, "OCTANE_CA_FILE"),
]


@pytest.mark.parametrize(("change", "named"), SETTINGS, ids=lambda one: str(one)[:40])
def test_a_wrong_setting_is_named(
    change: dict[str, str], named: str, demo_environment: dict[str, str]
) -> None:
    environment = {name: value for name, value in {**demo_environment, **change}.items() if value}

    done = octane_flows("extract", environment=environment)

    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


REFUSALS = [
    ({"OCTANE_CLIENT_SECRET": "canary-secret"}, 1, "OCTANE_CLIENT_SECRET"),
    ({"OCTANE_WORKSPACES": "9999"}, 1, "9999"),
    ({"OCTANE_SHARED_SPACE": "4711"}, 1, "4711"),
    ({"OCTANE_URL": "http://127.0.0.1:9"}, 1, "127.0.0.1:9"),
]


@pytest.mark.parametrize(("change", "code", "named"), REFUSALS, ids=lambda one: str(one)[:40])
def test_a_refused_extract_says_why_and_publishes_nothing(
    change: dict[str, str], code: int, named: str, demo_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = {**demo_environment, **change, "OCTANE_HOME": str(tmp_path)}

    done = octane_flows("extract", environment=environment)

    assert done.returncode == code, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary-secret" not in done.stdout + done.stderr
    assert not (tmp_path / "lake" / "CURRENT").exists()


def test_asking_before_the_first_extract_says_what_to_run(tmp_path: Path) -> None:
    for command in (["status"], ["build"], ["flow", "planned_runs"], ["report"]):
        done = octane_flows(*command, environment={"OCTANE_HOME": str(tmp_path)})

        assert done.returncode == 2, done.stderr
        assert "octane-flows" in done.stderr
        assert "Traceback" not in done.stderr


def test_doctor_names_what_fails(demo_environment: dict[str, str]) -> None:
    done = octane_flows("doctor", environment={**demo_environment, "OCTANE_CLIENT_SECRET": "no"})

    assert done.returncode == 1
    assert "failed  server" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("flow", "planned_runs", "release_name=2.9"),
        ("metric", "triage", "--limit", "5", "stale_days=3"),
        ("plan", "triage", "stale_days=3"),
    ],
)
def test_a_parameter_without_param_is_told_with_it(words: tuple[str, ...]) -> None:
    done = octane_flows(*words, environment={})

    assert done.returncode == 2
    assert done.stderr == (
        f"octane-flows: '{words[-1]}' stands behind the {words[0]} {words[1]}; write parameters as "
        f"--param {words[-1]}.\n"
    )
