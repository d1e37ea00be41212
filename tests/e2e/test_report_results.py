"""`report-results` from files to runs on the server: what is sent, told, left out and refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from octane_flows.actions import send_results
from octane_flows.cli import app
from octane_flows.errors import QueueFullError, UsageError
from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world
from tests.unit.test_result_files import FOLDER

OPTIONS = ("--server-id", "ci-1", "--job-id", "nightly", "--build-id", "17")


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(dataset="empty", seed=3)


@pytest.fixture(scope="module")
def world(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home, patch = tmp_path_factory.mktemp("home"), pytest.MonkeyPatch()
    with serve(simulator) as running, open_world(running, home) as made, patch.context() as context:
        for name, value in environment_of(running, home).items():
            context.setenv(name, value)
        yield made


def report(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["report-results", *map(str, words), *OPTIONS])


def test_files_of_several_tools_arrive_with_their_attempts(world: World) -> None:
    sent = report(FOLDER / "s03-surefire-flaky.xml", FOLDER / "s15-projects-by-hostname.xml")

    assert sent.exit_code == 0, sent.output
    assert "4 results (2 Failed, 2 Passed)" in sent.stdout
    rows = world.workspace.page(
        "automated_runs", fields=["test_name", "native_status", "description", "taxonomies"]
    ).rows
    statuses = {(row["test_name"], row["native_status"]["id"].rpartition(".")[2]) for row in rows}
    assert statuses == {
        ("sometimes", "passed"),
        ("always", "failed"),
        ("logs in", "passed"),
        ("logs in", "failed"),
    }
    [flaky] = [row for row in rows if row["test_name"] == "sometimes"]
    assert flaky["description"].startswith("attempts: 2 (failed, passed); flaky")
    browsers = [row for row in rows if row["test_name"] == "logs in"]
    assert len({tag["id"] for row in browsers for tag in row["taxonomies"]["data"]}) == 2


def test_what_is_left_out_is_told_and_the_rest_is_sent(world: World) -> None:
    files = (
        FOLDER / "s18-blank-name.xml",
        FOLDER / "d11-truncated.xml",
        FOLDER / "d22-windows-1252.xml",
    )

    sent = report(*files)

    assert sent.exit_code == 1
    assert "1 results (1 Passed)" in sent.stdout
    assert "left out: " in sent.stderr
    assert "a test has no name" in sent.stderr
    assert "unclosed token; let the test tool write the file again" in sent.stderr
    assert world.workspace.count("automated_runs", "test_name EQ ^Preis 5 €^") == 1


def test_strict_sends_nothing_where_something_is_left_out(world: World) -> None:
    before = world.workspace.count("automated_runs")

    refused = report(
        "--strict", FOLDER / "d11-truncated.xml", FOLDER / "c01-jvm-failing-after-hook.json"
    )

    assert isinstance(refused.exception, UsageError)
    assert "leave --strict out" in str(refused.exception)
    assert world.workspace.count("automated_runs") == before


def test_nothing_is_registered_before_all_files_are_read(world: World) -> None:
    servers = world.workspace.count("ci_servers")

    refused = report("--register", FOLDER / "d12-empty.xml")

    assert isinstance(refused.exception, UsageError)
    assert world.workspace.count("ci_servers") == servers


def test_pipes_are_refused(world: World, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.xml"
    os.mkfifo(pipe)

    refused = report(pipe)

    assert isinstance(refused.exception, UsageError)
    assert "a pipe or a device" in refused.stderr


def test_nothing_of_a_file_steers_the_terminal(world: World, tmp_path: Path) -> None:
    content = """[{"uri": "u", "name": "F", "elements": [{"name": "n [/b] \\ud800",
        "steps": [{"keyword": "Given ", "name": "x", "result": {"status": "failed",
        "duration": NaN, "error_message": "\\u001b[31mred\\u0007 \\u202ederas\\u200f"}}]}]}]"""
    (tmp_path / "a.json").write_text(content, encoding="utf-8")

    for options in (["--dry-run"], ["--dry-run", "--json"], ["--xml"]):
        shown = report(*options, tmp_path / "a.json")

        assert shown.exit_code == 0
        assert "\x1b" not in shown.output
        assert "\x07" not in shown.output
    table = report("--dry-run", tmp_path / "a.json")
    assert not {"\u202e", "\u200f"} & set(table.output)
    assert "\\u202e" in table.output


def test_a_summary_for_programs(world: World) -> None:
    shown = report("--dry-run", "--json", FOLDER / "real", FOLDER / "t04-time-nan.xml")

    summary = json.loads(shown.stdout)
    assert summary["outcome"] == "dry run"
    assert summary["results"] == sum(summary["statuses"].values())
    [unknown] = [file for file in summary["files"] if file["file"].endswith("t04-time-nan.xml")]
    assert unknown["notes"] == [
        {
            "kind": "repaired",
            "text": "the duration 'NaN' is no number; unknown",
            "line": 2,
            "count": 1,
        }
    ]


def passed(name: str, folder: Path) -> Path:
    file = folder / f"{name}.xml"
    file.write_text(
        f'<testsuite name="q" timestamp="2026-03-01T10:00:00"><testcase classname="q.Q" '
        f'name="{name}" time="0.1"/></testsuite>'
    )
    return file


@pytest.mark.parametrize("status", [503, 429, 400])
def test_results_wait_while_the_servers_queue_is_full(
    world: World, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(send_results, "QUEUE_POLL_S", 0.001)
    simulator.faults.add("full_queue", times=3, status=status)

    sent = report(passed(f"waits_{status}", tmp_path))

    assert sent.exit_code == 0, sent.output
    assert sent.stderr.count("the server's queue of test results is full; waiting up to 600 s") == 1
    assert world.workspace.count("automated_runs", f"test_name EQ ^waits_{status}^") == 1
    last = world.audit.read()[-2:]
    assert [(entry["event"], entry.get("outcome")) for entry in last] == [
        ("sending", None),
        ("verdict", "success"),
    ]


def test_what_a_full_queue_did_not_take_is_told_and_can_be_reported_again(
    world: World, simulator: Simulator, tmp_path: Path
) -> None:
    file = passed("refused_first", tmp_path)
    simulator.faults.add("full_queue")

    refused = report(file, "--queue-wait", "0")

    assert isinstance(refused.exception, QueueFullError)
    assert str(refused.exception) == (
        "The server's queue of test results was still full after 0 s (--queue-wait), so 1 of 1 "
        "results were not sent; report the same files again later, or wait longer: the server "
        "does not process them twice."
    )
    assert world.audit.read()[-1]["outcome"] == "refused"
    assert world.workspace.count("automated_runs", "test_name EQ ^refused_first^") == 0
    assert report(file).exit_code == 0
    assert report(file).exit_code == 0
    assert world.workspace.count("automated_runs", "test_name EQ ^refused_first^") == 1


def test_documents_before_a_full_queue_stay_and_are_not_reported_twice(
    world: World, simulator: Simulator, tmp_path: Path
) -> None:
    first = passed("of_junit", tmp_path)
    second = tmp_path / "testng-results.xml"  # each framework has a document of its own
    second.write_text(
        '<testng-results><suite name="s"><test name="t"><class name="q.T">'
        '<test-method name="of_ng" status="PASS" '
        'duration-ms="5" started-at="2026-03-01T10:00:00Z"/>'
        "</class></test></suite>"
        "</testng-results>"
    )
    simulator.faults.add("full_queue", after=1, times=1)

    stopped = report(first, second, "--queue-wait", "0")

    def runs() -> list[int]:
        names = ("of_junit", "of_ng")
        queries = [f"test_name EQ ^{name}^" for name in names]
        return [world.workspace.count("automated_runs", query) for query in queries]

    assert "so 1 of 2 results were not sent" in str(stopped.exception)
    assert runs() == [1, 0]
    assert report(first, second).exit_code == 0
    assert runs() == [1, 1]


def test_the_bound_of_the_wait_is_a_whole_number_of_seconds(world: World) -> None:
    for bound in ("inf", "-1", "soon"):
        refused = report(FOLDER / "s03-surefire-flaky.xml", "--queue-wait", bound)

        assert refused.exit_code == 2
        assert "--queue-wait" in refused.stderr
