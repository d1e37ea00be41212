"""The Typer application with its consoles, and what most commands open: settings, lake, warehouse.

Nothing in; `app` and helpers out. Each command module registers its commands at `app`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from octane_flows import __version__
from octane_flows.console import plain_console

if TYPE_CHECKING:  # loaded when a command needs them: --help answers at once
    import duckdb
    from typer._click.core import Context
    from typer._click.formatting import HelpFormatter

    from octane_flows.config import Settings
    from octane_flows.lake import Lake

#: The groups of `--help` and of docs/commands.md, and the order of the commands in each.
GROUPS = {
    "Read": (
        "flows",
        "flow",
        "metrics",
        "metric",
        "query",
        "show",
        "er",
        "changes",
        "gate",
        "letter",
        "report",
        "serve",
        "quarantine",
        "notebooks",
        "mcp",
        "catalog",
    ),
    "Keep current": (
        "doctor",
        "run",
        "status",
        "extract",
        "census",
        "sweep",
        "build",
        "verify",
        "ui",
        "export",
    ),
    "Write back to Octane": ("plan", "apply", "document", "report-results"),
    "Look after the lake": (
        "generations",
        "history",
        "check",
        "go-back",
        "compact",
        "expire",
        "drop-workspace",
        "site-files",
    ),
    "Simulate": ("demo", "simulate"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
WHOLE_SENTENCE = 1_000  # characters: more than any first sentence has

#: What was done for the command that runs, once, however often it reads settings.
_preparations: set[str] = set()

errors = plain_console(stderr=True, soft_wrap=True)
output = plain_console()


class OrderedCommands(TyperGroup):
    """The commands in their own order, whichever module registers them first."""

    def list_commands(self, ctx: object) -> list[str]:
        """The names of all commands."""
        return sorted(self.commands, key=COMMANDS.index)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands in groups, each with its whole first sentence."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name, self.commands[name].get_short_help_str(WHOLE_SENTENCE))
                        for name in names
                    ]
                )


app = typer.Typer(
    name="octane-flows",
    cls=OrderedCommands,
    help="ALM Octane's documented flows as queries. Settings come from OCTANE_* variables or "
    "octane-flows.toml; start with: octane-flows demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    _preparations.clear()
    if version:
        print(__version__)
        raise typer.Exit


def prepare_files() -> None:
    """Before the first file of a command: how private its files are; a warning about settings.

    Raises UsageError.
    """
    from octane_flows.config import limit_file_access, open_settings_file

    if "files" in _preparations:
        return
    limit_file_access(os.environ)
    if warning := open_settings_file(os.environ):
        errors.print(f"octane-flows: warning: {warning}.")
    _preparations.add("files")


def read_settings() -> Settings:
    """All settings, checked."""
    from octane_flows.config import load_settings

    prepare_files()
    return load_settings(os.environ)


def data_folder() -> Path:
    """The data folder alone, for commands that need no server."""
    from octane_flows.config import load_home

    prepare_files()
    return load_home(os.environ)


def data_lake() -> Lake:
    """The lake of the settings: a folder of the data folder, or a bucket."""
    from octane_flows.config import load_lake
    from octane_flows.lake import open_lake

    return open_lake(data_folder(), load_lake(os.environ))


def open_warehouse(as_of: str | None, progress: bool = False) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published warehouse, or to that of a past generation.

    `progress`: each step of building that of the past is told.
    """
    from octane_flows import warehouse

    if as_of is None:
        return warehouse.connect(data_folder())
    return warehouse.connect_as_of(
        data_folder(),
        as_of,
        lake=data_lake(),
        progress=print_step if progress else None,
        notes=print_step,
    )


def print_step(text: str) -> None:
    """Tell of one step on standard error."""
    errors.print(text, style="dim")
