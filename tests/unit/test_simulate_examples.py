"""The examples of `simulate`, in its help text and in docs/simulator.md, run as they stand."""

from __future__ import annotations

import inspect
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer

from octane_flows.cli import app
from octane_flows.cli.start_commands import simulate
from octane_simulator import parse_fault

ALONE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
LINES = re.findall(r"octane-flows (simulate --.+)", (inspect.getdoc(simulate) or "") + ALONE)
COMMAND: Any = typer.main.get_command(app)


def test_there_are_examples() -> None:
    assert len(LINES) >= 10


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_understood(line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)
    context = COMMAND.commands[name].make_context(name, arguments)
    faults = [parse_fault(text) for text in context.params["fault"] or ()]
    assert all(f"--fault {fault['kind']}" in line for fault in faults)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = textwrap.dedent(ALONE[ALONE.index("    from octane_simulator") :].split("\n\nWith `")[0])
    exec(compile(code.replace('"demo"', '"empty"'), "simulator.md", "exec"), {})
    assert re.fullmatch(r"http://127.0.0.1:\d+ \w+ \w+\n", capsys.readouterr().out)
