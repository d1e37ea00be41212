"""The command that judges a release, sprint, milestone, suite run, module or query: gate.

Criteria in; the reasons on standard output or in a file, and the verdict as exit code out.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, output
from octane_flows.cli.command_options import Destination, output_format
from octane_flows.errors import UsageError


class GateFormat(StrEnum):
    """How the verdict is written."""

    table = "table"
    json = "json"
    junit = "junit"


SUFFIXES = {
    ".txt": (GateFormat.table,),
    ".json": (GateFormat.json,),
    ".xml": (GateFormat.junit,),
}


@app.command(
    epilog='Example: octane-flows gate --release "2.9 winter" '
    '"pass_ratio >= 0.95 and blocking_defect_count = 0" --max-age 24h'
)
def gate(
    criteria: Annotated[
        str | None,
        typer.Argument(help="Comparisons with and, or, not; or a file with one on each line."),
    ] = None,
    release: Annotated[str | None, typer.Option(help="Name or id of a release.")] = None,
    sprint: Annotated[str | None, typer.Option(help="Name or id of a sprint.")] = None,
    milestone: Annotated[str | None, typer.Option(help="Name or id of a milestone.")] = None,
    suite_run: Annotated[str | None, typer.Option(help="Name or id of a suite run.")] = None,
    module: Annotated[str | None, typer.Option(help="Name or id of an application module.")] = None,
    query: Annotated[
        str | None, typer.Option(help="A select that answers workspace_id and test_id.")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(help="Its id or name, where several have the name.")
    ] = None,
    max_age: Annotated[
        str | None, typer.Option(metavar="TIME", help="Oldest data that counts: 90m, 24h or 3d.")
    ] = None,
    format: Annotated[
        GateFormat | None,
        typer.Option(
            "--format",
            help="How to write it; without it, the suffix of --output decides, else a table.",
        ),
    ] = None,
    destination: Destination = None,
    variables: Annotated[
        bool, typer.Option("--variables", help="List the variables with their formulas.")
    ] = False,
) -> None:
    """Judge by criteria: exit 0 passed, 1 failed, 3 when the data is incomplete or too old."""
    from octane_flows import gate as gates
    from octane_flows import warehouse
    from octane_flows.gate.gate_scope import variable_formulas
    from octane_flows.gate.trust import doubts
    from octane_flows.warehouse.file_replacement import replace_file

    formulas = variable_formulas()
    if variables:
        for name, formula in formulas.items():
            output.print(f"{name:<22} {formula}", soft_wrap=True)
        return
    if criteria is None:
        raise UsageError(
            "Say what must hold, such as: octane-flows gate --release NAME 'pass_ratio >= 0.95'; "
            "octane-flows gate --variables lists the variables."
        )
    named = {
        "release": release, "sprint": sprint, "milestone": milestone, "suite_run": suite_run,
        "module": module, "query": query,
    }  # fmt: skip
    chosen = [(kind, name) for kind, name in named.items() if name is not None]
    if len(chosen) != 1:
        raise UsageError(
            "Name what is judged with one of --release, --sprint, --milestone, --suite-run, "
            f"--module and --query; {'none' if not chosen else len(chosen)} is given."
        )
    form = output_format(format, destination, SUFFIXES, GateFormat.table)
    parsed = gates.read_criteria(criteria, list(formulas))
    oldest = _duration(max_age) if max_age is not None else None
    kind, name = chosen[0]
    with warehouse.connect(data_folder()) as connection:
        if kind == "query":
            scope = gates.query_scope(connection, name)
        else:
            scope = gates.scope_named(connection, kind, name, workspace)
        against = doubts(
            connection,
            scope.workspace_id,
            now=datetime.now(UTC).replace(tzinfo=None),
            max_age=oldest,
        )
        generation, as_of = connection.execute(
            "select generation, as_of from meta.generation"
        ).fetchall()[0]
    verdict = gates.judge(
        scope, parsed, against, generation=generation, as_of=f"{as_of:%Y-%m-%dT%H:%M:%S}"
    )
    writers = {
        GateFormat.table: gates.as_text,
        GateFormat.json: gates.as_json,
        GateFormat.junit: gates.as_junit,
    }
    text = writers[form](verdict)
    if destination is not None:
        replace_file(destination, text.encode())
        output.print(f"verdict      {verdict.status}")
    elif form is GateFormat.table:
        output.print(text, end="", soft_wrap=True)
    else:
        sys.stdout.write(text)
    raise typer.Exit(verdict.exit_code)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})\s*([mhd])", text.strip().lower())
    if match is None:
        raise UsageError(
            f"--max-age {text!r} is no time; write minutes, hours or days: 90m, 24h, 3d."
        )
    unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})
