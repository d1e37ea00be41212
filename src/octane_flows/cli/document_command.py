"""The command that makes a document report of a saved template and fetches it (flow 25).

Arguments in; the file, and its size on standard output. Without --yes only what would be sent.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, output, print_step, read_settings
from octane_flows.cli.command_options import WorkspaceOption, free_destination, one_workspace


@app.command(epilog='Example: octane-flows document "Release notes" --output notes.pdf --yes')
def document(
    template: Annotated[str, typer.Argument(help="Name of a document report saved in Octane.")],
    destination: Annotated[
        Path, typer.Option("--output", callback=free_destination, help="File to write.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Make it.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace the file if it is there.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Have Octane make a document report, with descendants as its template says, and fetch it."""
    from octane_flows.actions import AuditLog, audit_path
    from octane_flows.actions.document_report import document_request, make_document
    from octane_flows.client import Octane
    from octane_flows.errors import UsageError

    if destination.exists() and not overwrite:
        raise UsageError(f"{destination} is there already; say --overwrite, or name another file.")
    if not destination.parent.is_dir():
        raise UsageError(f"There is no folder {destination.parent}; make it, or name another.")
    settings = read_settings()
    with Octane(settings) as octane:
        target = octane.workspace(one_workspace(octane, workspace, settings.workspaces))
        request = document_request(target, template, datetime.now(UTC))
        if not yes:
            output.print(json.dumps(request, indent=1, ensure_ascii=False))
            raise UsageError("Nothing was sent; look at the request and say --yes to send it.")
        print_step(f"asked for {request['file_name']}, waiting")
        made = make_document(target, request, AuditLog(audit_path(settings.home)))
    # 'x' refuses a file that somebody else has written meanwhile
    with destination.open("wb" if overwrite else "xb") as file:
        file.write(made.content)
    output.print(f"{destination}: {len(made.content):,} bytes, {made.file_name} in Octane")
