"""Commands to start with: demo, simulate, doctor.

Arguments and environment in; a demonstration, a simulated server or a list of verdicts out.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, errors, output
from octane_flows.errors import UsageError


class Dataset(StrEnum):
    """What a simulator holds when it starts."""

    demo = "demo"
    ci_history = "ci-history"
    empty = "empty"
    generated = "generated"


@app.command(epilog="Example: octane-flows demo --home demo")
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo's data.")] = Path("demo"),
) -> None:
    """Do the whole job on real CI results, against a simulated Octane server."""
    from octane_flows import demo_run as demonstration

    demonstration.run(home, output=output, console=errors)


@app.command(
    epilog="Example: octane-flows simulate --dataset empty --fault latency:seconds=0.05,spread=0.5"
)
def simulate(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    dataset: Annotated[Dataset, typer.Option(help="What it holds.")] = Dataset.demo,
    seed: Annotated[int, typer.Option(help="Makes ids and names repeatable.")] = 1,
    runs: Annotated[
        int, typer.Option(min=1, help="How many runs the generated dataset holds.")
    ] = 10_000,
    path: Annotated[
        Path | None,
        typer.Option(help="File to keep the workspace in; one that exists is opened as it stands."),
    ] = None,
    workspaces: Annotated[str, typer.Option(help="Ids of its workspaces, by commas.")] = "1002",
    now: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
            help="The server's time (UTC), which then stands still; without it, the clock runs.",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[:NAME=VALUE,...]", help="Misbehave from the start; repeatable."),
    ] = None,
) -> None:
    """Run a simulated Octane server until interrupted; prints one JSON line when it is ready.

    The page at its address tells what it holds, how to sign in, and all kinds of faults with their
    options, which can also be switched while it runs. More examples:

    \b
    octane-flows simulate --port 8080 --dataset demo
    octane-flows simulate --dataset generated --runs 100000 --seed 3
    octane-flows simulate --fault unavailable:times=always,chance=0.02
    octane-flows simulate --fault too_many_requests:after=10,times=3,retry_after=2
    octane-flows simulate --fault expire:after=50 --fault refuse:entity=defect
    octane-flows simulate --fault default_order:by=name --fault phase_ids:form=numeric
    octane-flows simulate --dataset empty --now 2024-01-01T00:00:00Z --seed 7
    """
    from octane_simulator import Simulator, parse_fault, serve

    try:
        simulator = Simulator(
            dataset=dataset.value,
            seed=seed,
            runs=runs,
            path=path,
            workspaces=workspaces.split(","),
            clock=now,
            faults=[parse_fault(text) for text in fault or ()],
        )
    except ValueError as error:
        raise UsageError(f"The simulator could not be started: {error}") from error
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(simulator, port=port) as running:
        facts = {
            "url": running.url,
            "client_id": running.client_id,
            "client_secret": running.client_secret,
            "shared_space": running.shared_space,
            "workspace": running.workspace,
        }
        print(json.dumps(facts), flush=True)
        if sys.stdout.isatty():  # a program reads the line above and needs no words
            errors.print(f"Sign-in, data and faults are told at {running.url}/ ; Ctrl-C stops it.")
        stop.wait()


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
