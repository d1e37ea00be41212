"""docs/commands.md: every command with its arguments, options and example, from Typer."""

from __future__ import annotations

import inspect

import typer
from typer.core import TyperCommand, TyperGroup

from octane_flows.cli import app
from octane_flows.cli.command_line import GROUPS
from tests.pages.markdown import anchor, table

HEAD = """# Commands

Each command has `--help`. Answers go to standard output, progress and messages to standard error.
Exit codes: 0 fine, 1 a check failed or an extract is incomplete, 2 usage or settings,
3 `gate` cannot judge because the data is incomplete or too old,
70 a fault of the program itself: the message names a file with the details.
"""


def commands_page() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    context = typer.Context(group, info_name="octane-flows")
    named = [group.commands[name] for name in group.list_commands(context)]
    commands = [command for command in named if isinstance(command, TyperCommand)]
    lines = [HEAD]
    for title, names in GROUPS.items():
        rows = [
            (f"[`{command.name}`](#{anchor(command.name or '')})", _summary(command))
            for command in commands
            if command.name in names
        ]
        lines += [*table((title, "what it does"), rows), ""]
    for command in commands:
        lines += _command(command, context)
    return "\n".join(lines)


def _summary(command: TyperCommand) -> str:
    return inspect.cleandoc(command.help or "").split("\n\n")[0].replace("`", "")


def _command(command: TyperCommand, parent: typer.Context) -> list[str]:
    context = typer.Context(command, info_name=command.name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [
        (f"`{record[0]}`", record[1])
        for parameter in command.get_params(context)
        if parameter.name != "help" and (record := parameter.get_help_record(context))
    ]
    example = (command.epilog or "").removeprefix("Example: ")
    return [
        f"## {command.name}",
        "",
        *_text(command),
        f"    octane-flows {command.name} {usage}",
        "",
        *([*table(("argument or option", "meaning"), rows), ""] if rows else []),
        "Example:",
        "",
        f"    {example}",
        "",
    ]


def _text(command: TyperCommand) -> list[str]:
    """The help text; what it keeps from being wrapped (after a line with \\b) is code here."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines += [f"    {line}" for line in paragraph.splitlines()[1:]]
        else:
            lines += paragraph.splitlines()
        lines.append("")
    return lines
