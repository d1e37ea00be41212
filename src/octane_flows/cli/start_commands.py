"""Commands to start with: demo, simulate, doctor.

Arguments and environment in; a demonstration, a simulated server or a list of verdicts out.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, errors, output
from octane_simulator.simulator_command import simulate


@app.command(epilog="Example: octane-flows demo --home demo")
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo's data.")] = Path("demo"),
) -> None:
    """Do the whole job on real CI results, against a simulated Octane server."""
    from octane_flows import demo_run as demonstration

    demonstration.run(home, output=output, console=errors)


app.command(
    epilog="Example: octane-flows simulate --dataset empty --fault latency:seconds=0.05,spread=0.5"
)(simulate)


@app.command(epilog="Example: octane-flows doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check settings, folder, server, clock and role, and tell what a first load will take."""
    from octane_flows.doctor import examine

    findings = []
    for finding in examine(os.environ):
        findings.append(finding)
        if not as_json:
            output.print(finding.line, soft_wrap=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    if any(finding.status == "failed" for finding in findings):
        raise typer.Exit(1)
