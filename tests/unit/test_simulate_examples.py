"""The examples of the simulator's command, in its help text and its README, run as they stand."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

import octane_simulator
from octane_flows.cli import app
from octane_simulator import parse_fault, simulator_command
from octane_simulator.simulator_command import simulate

ROOT = Path(__file__).parents[2]
README = (Path(octane_simulator.__file__).parent / "README.md").read_text("utf-8")
LINES = re.findall(r"^ *octane-simulator (--.+)", (inspect.getdoc(simulate) or "") + README, re.M)
GROUP: Any = typer.main.get_command(app)
COMMAND: Any = GROUP.commands["simulate"]


def test_there_are_examples() -> None:
    assert len(LINES) >= 10


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_understood(line: str) -> None:
    context = COMMAND.make_context("simulate", shlex.split(line, comments=True))
    faults = [parse_fault(text) for text in context.params["fault"] or ()]
    assert all(f"--fault {fault['kind']}" in line for fault in faults)


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = textwrap.dedent(
        README[README.index("    from octane_simulator") :].split("\n\nWith `")[0]
    )
    exec(compile(code.replace('"demo"', '"empty"'), "README.md", "exec"), {})
    assert re.fullmatch(r"http://127.0.0.1:\d+ \w+ \w+\n", capsys.readouterr().out)


def test_the_package_has_its_own_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["scripts"]["octane-simulator"].partition(":")
    command = getattr(importlib.import_module(module), name)
    assert command is simulator_command.main
    assert COMMAND.callback.__wrapped__ is simulate
