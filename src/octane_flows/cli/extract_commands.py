"""The commands that read from the server into the lake: extract, census, sweep.

Settings from the environment in; what was published on standard output, progress on standard error.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from octane_flows.cli.command_line import app, read_settings
from octane_flows.cli.command_options import Skip, Wait
from octane_flows.cli.published_messages import (
    extract_progress,
    print_extract,
    require_complete,
)
from octane_flows.config import DEFAULT_SWEEP_SHARE
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from octane_flows.refresh import ExtractChoices

Entities = Annotated[
    list[str] | None, typer.Argument(metavar="[ENTITY]...", help="Entity types; none: all.")
]
Deletions = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-deletions",
        metavar="ENTITY",
        help="Entity type of which many rows were really deleted; repeatable.",
    ),
]
Retyped = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-retyped",
        metavar="ENTITY.FIELD",
        help="Field whose new type is accepted: its entity type is read again; repeatable.",
    ),
]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.command(epilog="Example: octane-flows extract defect story")
def extract(
    entities: Entities = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again instead of what changed.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES, help="First load: only what changed since (UTC). Later: an older slice."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=TIMES, help="End of the older slice (UTC), itself left out."),
    ] = None,
    accept_deletions: Deletions = None,
    accept_retyped: Retyped = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Bring the lake up to date: read what changed into a new generation."""
    if full and (since or until):
        raise UsageError("--full reads everything, so it takes neither --since nor --until.")
    _extract(
        only=entities or (),
        full=full,
        since=_utc(since),
        until=_utc(until),
        accept_deletions=accept_deletions or (),
        accept_retyped=accept_retyped or (),
        wait_s=wait,
        skip=skip,
    )


@app.command(epilog="Example: octane-flows census defect")
def census(
    entities: Entities = None,
    accept_deletions: Deletions = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Extract, then compare the ids held with the server's, to find deleted and missed rows."""
    _extract(
        only=entities or (),
        census=True,
        accept_deletions=accept_deletions or (),
        wait_s=wait,
        skip=skip,
    )


@app.command(epilog="Example: octane-flows sweep defect --share 1")
def sweep(
    entities: Entities = None,
    share: Annotated[
        float, typer.Option(min=0.001, max=1, help="Share of the rows to sweep this time.")
    ] = DEFAULT_SWEEP_SHARE,
    accept_deletions: Deletions = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Extract, then read links alone, to find changed links whose rows do not say so."""
    _extract(
        only=entities or (),
        sweep=True,
        sweep_share=share,
        accept_deletions=accept_deletions or (),
        wait_s=wait,
        skip=skip,
    )


def _extract(*, skip: list[str] | None, **choices: Unpack[ExtractChoices]) -> None:
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.update_lake(settings, progress=progress, skip=skip or (), **choices)
    print_extract(report)
    require_complete(report)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None else None
