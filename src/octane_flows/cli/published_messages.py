"""What the commands say about an extract while it runs, and about what was published.

Reports of an extract and of a build in, lines on the consoles out; `extract`, `census`, `sweep`,
`build` and `run` call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from octane_flows.cli.command_line import errors, output
from octane_flows.errors import CheckError, ExtractError

if TYPE_CHECKING:
    from octane_flows import extract
    from octane_flows.warehouse import BuildReport


@contextmanager
def extract_progress() -> Iterator[extract.Progress]:
    """A progress bar; gives the function to call with a name, the finished steps and all steps."""
    columns = (
        TextColumn("extract"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("signing in", total=None)

        def update(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        yield update


def print_extract(report: extract.ExtractReport) -> None:
    """Tell what an extract published."""
    manifest = report.manifest
    changes = (
        f"{report.rows_written:,} new versions of {report.rows:,} rows read"
        if report.has_changes
        else f"nothing changed, {report.rows:,} rows read"
    )
    output.print(
        f"generation   {manifest.generation}, as of {manifest.as_of:%Y-%m-%d %H:%M:%S} UTC: "
        f"{changes}, {len(report.outcomes)} entity types, "
        f"{manifest.politeness['requests']:,} requests",
        soft_wrap=True,
    )
    if report.resumed:
        output.print(f"resumed      {report.resumed} entity types that a stopped extract had read")
    rows = [row for row in manifest.certificate if row.status != "carried"]
    workspaces = {row.workspace for row in rows}
    for row in rows:
        if row.note:
            where = f"in workspace {row.workspace}: " if len(workspaces) > 1 else ""
            output.print(f"{row.entity:<12} {where}{row.note}", soft_wrap=True)
    for change in manifest.schema_changes:
        if change.generation == manifest.generation:
            output.print(
                f"schema       {change.entity}.{change.field} {change.change} {change.detail}",
                soft_wrap=True,
            )
    for finding in manifest.findings:
        if finding.workspace in workspaces or finding.workspace in report.unread:
            errors.print(f"finding      {finding}")


def require_complete(report: extract.ExtractReport) -> None:
    """Raise ExtractError where workspaces or values are not in the lake; called last."""
    if report.unread:
        reasons = "; ".join(
            f"workspace {id}: {reason.rstrip('.')}" for id, reason in report.unread.items()
        )
        raise ExtractError(
            f"The extract published all but what it may not read ({reasons}). Ask for a role that "
            "reads it, or name the other workspaces in OCTANE_WORKSPACES."
        )
    if report.rejected_values:
        raise ExtractError(
            f"The extract published all but {report.rejected_values:,} values that do not fit "
            "their fields; they are null. The findings name the first of each field, and after "
            "a build meta.rejected_values lists them all. Correct them in Octane, or report the "
            "fields to its administrator."
        )


def print_build(report: BuildReport) -> None:
    """Tell what a build published; a blocking check that failed raises CheckError."""
    if report.newer is not None:
        output.print(
            f"warehouse    generation {report.newer} was published meanwhile and stays: it is "
            f"newer than {report.generation}, which this build read",
            soft_wrap=True,
        )
        return
    from octane_flows.warehouse import gaps_of_report

    failed = [check for check in report.checks if not check.passed]
    output.print(
        f"warehouse    {len(report.tables)} tables, {len(report.models)} models, "
        f"{len(report.checks) - len(failed)} of {len(report.checks)} checks passed",
        soft_wrap=True,
    )
    for gap in gaps_of_report(report):
        errors.print(f"gap          {gap}", soft_wrap=True)
    for check in failed:
        errors.print(f"{check.severity:<12} {check.name}: {check.detail}")
    if any(check.severity == "error" for check in failed):
        raise CheckError("A blocking check failed; see above.")
