"""The help of the command line: groups of commands, whole sentences."""

from __future__ import annotations

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.cli.command_line import COMMANDS, GROUPS


def test_help_has_every_command_once_in_its_group_with_a_whole_sentence() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert sorted(COMMANDS) == sorted(group.commands)

    text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout

    parts = text.split("Options:")[1].split(":\n")[1:]
    titles = [line for line in text.splitlines() if line.rstrip(":") in GROUPS]
    assert titles == [f"{title}:" for title in GROUPS]
    assert len(parts) == len(GROUPS)
    for names, part in zip(GROUPS.values(), parts, strict=True):
        listed = [line.split()[0] for line in part.splitlines() if line[:3].strip() and " " in line]
        assert [name for name in listed if name in COMMANDS] == list(names)
        for name in names:
            sentence = (group.commands[name].help or "").split("\n\n")[0]
            assert " ".join(sentence.split()) in " ".join(part.split())
    assert "..." not in text.split("Options:")[1]
