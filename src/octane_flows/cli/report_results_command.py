"""The command that reports test results: files of test tools to the server's test-results.

Arguments in; what was sent on standard output, exit 1 when the server did not take it as it is.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from octane_flows.cli.command_line import app, output, read_settings, step

if TYPE_CHECKING:
    from octane_flows.actions.build_registration import Registered

Pairs = Annotated[
    list[str] | None, typer.Option(metavar="TYPE=VALUE", help="Such as OS=Linux; repeatable.")
]
Ids = Annotated[list[str] | None, typer.Option(metavar="ID", help="Repeatable.")]


@app.command(
    "report-results",
    epilog="Example: octane-flows report-results junit.xml --server-id jenkins --job-id nightly "
    "--build-id 17 --environment OS=Linux --module 1003",
)
def report_results(
    files: Annotated[list[Path], typer.Argument(help="JUnit, pytest, TestNG, NUnit, Cucumber.")],
    server_id: Annotated[str, typer.Option(help="Id that the CI server gives itself.")],
    job_id: Annotated[str, typer.Option(help="Id of the CI job.")],
    build_id: Annotated[str, typer.Option(help="Id of the build.")],
    job_name: str | None = None,
    build_name: str | None = None,
    release_id: str | None = None,
    release_name: Annotated[
        str | None, typer.Option(help="Exact name; _default_ is the default release.")
    ] = None,
    milestone_id: str | None = None,
    backlog_item: Ids = None,
    module: Ids = None,
    test_field: Pairs = None,
    environment: Pairs = None,
    workspace: Annotated[
        str | None, typer.Option(help="Its id, where the settings name several.")
    ] = None,
    skip_errors: Annotated[
        bool, typer.Option(help="Let the server leave out references that it does not know.")
    ] = False,
    register: Annotated[
        bool, typer.Option("--register", help="Create CI server, pipeline and build if missing.")
    ] = False,
    server_name: Annotated[str | None, typer.Option(help="Default: its id.")] = None,
    server_url: str | None = None,
    pipeline_name: Annotated[str | None, typer.Option(help="Default: the job's name.")] = None,
    build_result: Annotated[
        str, typer.Option(help="success, failure, unstable or aborted.")
    ] = "unavailable",
    build_started: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%SZ"], help="In UTC.")
    ] = None,
    build_duration_ms: Annotated[int | None, typer.Option(min=0)] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Print the XML, and what --register would do; send nothing.")
    ] = False,
) -> None:
    """Report test results with build, release, module, backlog and environment."""
    from octane_flows.actions import AuditLog, audit_path
    from octane_flows.actions.build_registration import Build, look_up
    from octane_flows.actions.build_registration import register as register_build
    from octane_flows.actions.read_result_files import read_results
    from octane_flows.actions.results_xml import Context, counts, report, to_xml
    from octane_flows.client import Octane

    runs = [run for file in files for run in read_results(file)]
    context = Context(
        server_id, job_id, build_id, job_name, build_name, release_id, release_name, milestone_id,
        tuple(backlog_item or ()), tuple(module or ()), _pairs(test_field), _pairs(environment),
    )  # fmt: skip
    document = to_xml(context, runs)
    build = Build(
        server_id, job_id, build_id, server_name or server_id, server_url,
        pipeline_name or job_name or job_id, job_name or job_id, build_name or build_id,
        build_result, _epoch_ms(build_started), build_duration_ms,
    )  # fmt: skip
    if dry_run:
        sys.stdout.write(document.decode() + "\n")
        if not register:
            return
    settings = read_settings()
    audit = AuditLog(audit_path(settings.home))
    with Octane(settings) as octane:
        target = octane.workspace(one_workspace(workspace, settings.workspaces))
        if dry_run:
            _say(look_up(target, build))
            return
        if register:
            _say(steps := register_build(target, build, audit))
            if any(one.outcome not in ("already", "done") for one in steps):
                step("so the results were not sent; correct the names, or report without them")
                raise typer.Exit(1)
        said = report(target, document, audit, skip_errors=skip_errors)
    told = ", ".join(f"{number} {status}" for status, number in sorted(counts(runs).items()))
    output.print(f"{len(runs)} results ({told}) to workspace {target.id}: {said}")
    if said != "success":
        step("the server left something out; read its log of test results, or try --skip-errors")
        raise typer.Exit(1)


def _say(steps: list[Registered]) -> None:
    for one in steps:
        named = " ".join(filter(None, (one.kind, one.entity_id, one.name)))
        sent = json.dumps(one.body, ensure_ascii=False) if one.outcome == "missing" else one.detail
        step(f"{named}: {one.outcome} {sent}".rstrip())


def _epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _pairs(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    from octane_flows.errors import UsageError

    pairs: list[tuple[str, str]] = []
    for text in texts or ():
        kind, mark, value = text.partition("=")
        if not (kind and mark and value):
            raise UsageError(f"'{text}' is no pair; write TYPE=VALUE, such as OS=Linux.")
        pairs.append((kind, value))
    return tuple(pairs)


def one_workspace(asked: str | None, known: tuple[str, ...] | None) -> str:
    """The workspace that a command is for. Raises UsageError."""
    from octane_flows.errors import UsageError

    if asked is not None:
        return asked
    if known is None or len(known) != 1:
        raise UsageError("This is for one workspace; name it with --workspace ID.")
    return known[0]
