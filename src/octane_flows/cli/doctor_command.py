"""The command that says what stands in the way of an extract: doctor.

Settings from the environment in; one line for each finding, or JSON, on standard output.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict

import typer

from octane_flows.cli.command_line import app, output
from octane_flows.cli.command_options import AsJson
from octane_flows.errors import UsageError

SETTINGS = "settings"  # the diagnosis about them


@app.command(epilog="Example: octane-flows doctor")
def doctor(
    as_json: AsJson = False,
) -> None:
    """Check settings, folder, server, clock and role, and tell what a first load will take."""
    from octane_flows.config import limit_file_access
    from octane_flows.doctor import examine

    with suppress(UsageError):  # the examination says what is wrong with the settings
        limit_file_access(os.environ)
    findings = []
    for finding in examine(os.environ):
        findings.append(finding)
        if not as_json:
            output.print(finding.line, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    failed = {finding.name for finding in findings if finding.status == "failed"}
    if failed:
        raise typer.Exit(UsageError.exit_code if SETTINGS in failed else 1)
