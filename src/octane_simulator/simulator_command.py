"""The command `octane-simulator`, which `octane-flows simulate` calls as well.

In: options. Out: a running server, and one JSON line with its address and how to sign in. What a
server needs is imported when the command runs, so that help comes at once.
"""

from __future__ import annotations

import errno
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from octane_simulator.datasets.dataset_list import DatasetName

if TYPE_CHECKING:
    from octane_simulator.running_simulator import Running
    from octane_simulator.simulator import Simulator

__all__ = ["main", "simulate"]


def simulate(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    dataset: Annotated[DatasetName, typer.Option(help="What it holds.")] = DatasetName.demo,
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
            help="The server's time (UTC), which then stands still; without it, the clock of an "
            "empty workspace runs, and that of a filled one stands at the end of its data.",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[:NAME=VALUE,...]", help="Misbehave from the start; repeatable."),
    ] = None,
) -> None:
    """Run a simulated Octane server until interrupted; prints one JSON line when it is ready.

    The page at its address shows what it holds, how to sign in, and all kinds of faults with their
    options, which can also be switched while it runs. More examples:

    \b
    octane-simulator --port 8080 --dataset demo
    octane-simulator --dataset generated --runs 100000 --seed 3
    octane-simulator --fault unavailable:times=always,chance=0.02
    octane-simulator --fault too_many_requests:after=10,times=3,retry_after=2
    octane-simulator --fault expire:after=50 --fault refuse:entity=defect
    octane-simulator --fault default_order:by=name --fault phase_ids:form=numeric
    octane-simulator --dataset empty --now 2024-01-01T00:00:00Z --seed 7
    """
    from octane_simulator.faults.active_faults import parse_fault
    from octane_simulator.simulator import Simulator

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
        typer.echo(f"The simulator could not be started: {error}", err=True)
        raise typer.Exit(2) from error
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _served(simulator, port) as running:
        facts = {
            "url": running.url,
            "client_id": running.client_id,
            "client_secret": running.client_secret,
            "shared_space": running.shared_space,
            "workspace": running.workspace,
            "workspaces": list(simulator.workspaces),
            "clock": "stands" if simulator.clock.frozen else "runs",
            "now": _now(simulator),
        }
        print(json.dumps(facts), flush=True)
        if sys.stdout.isatty():  # a program reads the line above and needs no words
            typer.echo(
                f"{_clock_sentence(simulator)} The page {running.url}/ explains sign-in, data and "
                "faults; Ctrl-C stops the simulator.",
                err=True,
            )
        stop.wait()


def _now(simulator: Simulator) -> str:
    return f"{simulator.clock.now():%Y-%m-%dT%H:%M:%SZ}"


def _clock_sentence(simulator: Simulator) -> str:
    now = _now(simulator)
    if simulator.clock.frozen:
        return f"Its clock stands still at {now}, so that nothing changes by itself."
    return f"Its clock runs; it is {now}."


@contextmanager
def _served(simulator: Simulator, port: int) -> Iterator[Running]:
    """The running simulator; a port that another program has is named."""
    from octane_simulator.running_simulator import serve

    with ExitStack() as stack:
        try:
            running = stack.enter_context(serve(simulator, port=port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            typer.echo(
                f"The simulator could not be started: port {port} is in use by another program; "
                "choose another one with --port, or --port 0 for any that is free.",
                err=True,
            )
            raise typer.Exit(1) from error
        yield running


def main() -> None:
    """Run the command `octane-simulator`; an expected failure is one sentence and an exit code."""
    app = typer.Typer(
        name="octane-simulator",
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
    )
    app.command(epilog="Example: octane-simulator --dataset demo --port 8080")(simulate)
    try:
        app()
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        typer.echo(f"octane-simulator: {path}{error.strerror or error}", err=True)
        sys.exit(1)
