"""The command that tells people what changed: letter.

Places in; letters to them, and a line for each on standard output.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake, errors, output


class Place(StrEnum):
    """Where a letter goes."""

    mail = "mail"
    teams = "teams"
    slack = "slack"
    webhook = "webhook"


@app.command(epilog="Example: octane-flows letter --to mail --dry-run")
def letter(
    to: Annotated[
        list[Place] | None, typer.Option(help="A place; repeatable; none: all that are set.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="As for changes; none: the last letter, at first yesterday."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be sent.")] = (
        False
    ),
) -> None:
    """Send what changed since the last letter; without news nothing is sent."""
    from octane_flows.config import load_letter_places, load_site
    from octane_flows.letters.letter_round import tell_all

    results = tell_all(
        data_folder(),
        data_lake(),
        load_letter_places(os.environ),
        load_site(os.environ).time_zone,
        [place.value for place in to or ()],
        since=since,
        dry_run=dry_run,
        say=lambda text: output.print(text, soft_wrap=True),
    )
    failed = [result for result in results if result.error is not None]
    for result in failed:
        errors.print(f"octane-flows: {result.error}")
    if failed:
        raise typer.Exit(1)
