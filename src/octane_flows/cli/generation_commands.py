"""The commands about the lake's generations: generations, history, compact, expire, drop-workspace.

Arguments in; rows on standard output or in a file out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake, output
from octane_flows.cli.command_options import AnswerFormat, Destination, Limit, NoPager, row_output
from octane_flows.config import ids_of_workspaces, workspace_label

Wait = Annotated[float, typer.Option(metavar="SECONDS", help="Wait so long for extracts to end.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


@app.command(epilog="Example: octane-flows generations")
def generations(
    format: AnswerFormat = None,
    destination: Destination = None,
    limit: Limit = None,
    no_pager: NoPager = False,
) -> None:
    """List the generations that --as-of can go back to."""
    from octane_flows import warehouse

    rows = row_output(format, destination, limit, no_pager)
    rows.write(warehouse.generations(data_lake()), output)


@app.command(epilog="Example: octane-flows history release --format csv")
def history(
    entity: Annotated[str, typer.Argument(help="Entity type or link table, such as defect")],
    id: Annotated[str | None, typer.Argument(help="One entity; none: all.")] = None,
    format: AnswerFormat = None,
    destination: Destination = None,
    limit: Limit = None,
    no_pager: NoPager = False,
) -> None:
    """Show every version of an entity that was ever read, with the time it was the newest."""
    from octane_flows import warehouse

    rows = row_output(format, destination, limit, no_pager)
    answer = warehouse.history(data_folder(), entity, id, lake=data_lake())
    rows.write(answer, output)


@app.command(epilog="Example: octane-flows compact")
def compact(dry_run: DryRun = False, wait: Wait = 0.0) -> None:
    """Merge the lake's small files in a generation of its own; no answer changes."""
    from octane_flows import lake

    with lake.write_lock(data_folder(), "a compaction", wait_s=wait):
        compaction = lake.compact(data_lake(), dry_run=dry_run)
    summary = (
        f"{compaction.files_before} files of {compaction.tables} tables "
        f"({compaction.bytes_before / 1e6:,.1f} MB) into {compaction.files_after}"
    )
    if not compaction.files_before:
        output.print("compact      nothing to do: no table has many small files")
    elif dry_run:
        output.print(f"compact      would merge {summary}", soft_wrap=True)
    else:
        output.print(
            f"compact      generation {compaction.generation}: merged {summary}", soft_wrap=True
        )


@app.command("drop-workspace", epilog="Example: octane-flows drop-workspace 1003 --dry-run")
def drop_workspace(
    workspace: Annotated[str, typer.Argument(help="Workspace by id or name, as in status.")],
    dry_run: DryRun = False,
    wait: Wait = 0.0,
) -> None:
    """Let go of a workspace: a generation without its rows; older generations keep them."""
    from octane_flows import lake

    newest = data_lake().current()
    names = newest.names if newest is not None else {}
    [workspace] = ids_of_workspaces([workspace], names, where="the lake")
    with lake.write_lock(
        data_folder(), "letting go of a workspace", workspaces=[workspace], wait_s=wait
    ):
        manifest, versions = lake.drop_workspace(data_lake(), workspace, dry_run=dry_run)
    workspace = workspace_label(workspace, names)
    if dry_run:
        output.print(f"drop         would let go of {versions:,} row versions of {workspace}")
        return
    output.print(
        f"drop         generation {manifest.generation}: let go of {versions:,} row versions of "
        f"workspace {workspace}; build leaves them out of the warehouse, expire deletes the files. "
        "While the server lists it, leave it out of OCTANE_WORKSPACES too",
        soft_wrap=True,
    )


@app.command(epilog="Example: octane-flows expire --keep 30 --dry-run")
def expire(
    keep: Annotated[
        int | None, typer.Option(min=1, help="Newest generations that can still be asked.")
    ] = None,
    older_than: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Let go of what is older.")
    ] = None,
    dry_run: DryRun = False,
    wait: Wait = 0.0,
) -> None:
    """Let go of old generations and of files that no kept one names."""
    from octane_flows import lake, warehouse
    from octane_flows.errors import UsageError

    if keep is None and older_than is None:
        raise UsageError("Say what may go: --keep N generations, --older-than DAYS, or both.")
    before = datetime.now(UTC) - timedelta(days=older_than) if older_than is not None else None
    with lake.write_lock(data_folder(), "an expiry", wait_s=wait):
        expiry = lake.expire(data_lake(), keep=keep, before=before, dry_run=dry_run)
    if not dry_run:
        warehouse.forget_past(data_folder(), {generation.generation for generation in expiry.kept})
    verb = "would let" if dry_run else "let"
    output.print(
        f"expire       {verb} go of {len(expiry.expired)} generations and {len(expiry.files)} "
        f"files ({expiry.bytes / 1e6:,.1f} MB); {len(expiry.kept)} generations are kept",
        soft_wrap=True,
    )
