"""What `octane-flows simulate` says when it is ready: its workspaces, whether its clock runs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "octane_flows", "simulate"]


@pytest.mark.parametrize(
    ("options", "clock"),
    [
        (["--dataset", "empty"], "runs"),
        (["--dataset", "generated", "--runs", "5"], "stands"),
    ],
)
def test_the_line_names_all_workspaces_and_the_clock(options: list[str], clock: str) -> None:
    command = [*COMMAND, "--workspaces", "1002,1003", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        process.terminate()

    assert process.returncode == 0
    assert facts["workspace"] == "1002"
    assert facts["workspaces"] == ["1002", "1003"]
    assert facts["clock"] == clock
    assert facts["now"].startswith("20")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--now", "2024-01-01"], "Its clock stands still at 2024-01-01T00:00:00Z"),
        ([], "Its clock runs; it is 20"),
    ],
)
def test_a_person_reads_whether_the_clock_runs(options: list[str], sentence: str) -> None:
    leader, follower = pty.openpty()
    command = [*COMMAND, "--dataset", "empty", *options]
    with subprocess.Popen(command, stdout=follower, stderr=subprocess.PIPE, text=True) as process:
        os.close(follower)
        assert process.stderr is not None
        line = process.stderr.readline()
        process.terminate()
    os.close(leader)

    assert process.returncode == 0
    assert line.startswith(sentence)
    assert "Ctrl-C" in line
