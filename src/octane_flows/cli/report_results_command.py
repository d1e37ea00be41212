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

from octane_flows.cli.command_line import app, output, print_step, read_settings
from octane_flows.cli.command_options import WorkspaceOption, one_workspace

if TYPE_CHECKING:
    from octane_flows.actions import AuditLog
    from octane_flows.actions.build_registration import Build, Registered
    from octane_flows.client import Workspace

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
    workspace: WorkspaceOption = None,
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
    from octane_flows.actions.read_result_files import read_results
    from octane_flows.actions.results_xml import Context, counts, report, to_xml
    from octane_flows.client import Octane

    runs = [run for file in files for run in read_results(file)]
    context = Context(
        server_id=server_id,
        job_id=job_id,
        build_id=build_id,
        job_name=job_name,
        build_name=build_name,
        release_id=release_id,
        release_name=release_name,
        milestone_id=milestone_id,
        backlog_item_ids=tuple(backlog_item or ()),
        application_module_ids=tuple(module or ()),
        fields=_pairs(test_field),
        environment=_pairs(environment),
    )
    document = to_xml(context, runs)
    build = Build(
        server_id=server_id,
        job_id=job_id,
        build_id=build_id,
        server_name=server_name or server_id,
        server_url=server_url,
        pipeline_name=pipeline_name or job_name or job_id,
        job_name=job_name or job_id,
        build_name=build_name or build_id,
        result=build_result,
        started_ms=_epoch_ms(build_started),
        duration_ms=build_duration_ms,
    )
    if dry_run:
        sys.stdout.write(document.decode() + "\n")
        if not register:
            return
    settings = read_settings()
    audit = AuditLog(audit_path(settings.home))
    with Octane(settings) as octane:
        target = octane.workspace(one_workspace(workspace, settings.workspaces))
        if dry_run:
            _print_steps(look_up(target, build))
            return
        if register:
            _register(target, build, audit)
        status = report(target, document, audit, skip_errors=skip_errors)
    numbers = ", ".join(f"{number} {ending}" for ending, number in sorted(counts(runs).items()))
    output.print(f"{len(runs)} results ({numbers}) to workspace {target.id}: {status}")
    if status != "success":
        print_step(
            "the server left something out; read its log of test results, or try --skip-errors"
        )
        raise typer.Exit(1)


def _register(workspace: Workspace, build: Build, audit: AuditLog) -> None:
    from octane_flows.actions import build_registration

    steps = build_registration.register(workspace, build, audit)
    _print_steps(steps)
    if any(step.outcome not in ("already", "done") for step in steps):
        print_step("so the results were not sent; correct the names, or report without them")
        raise typer.Exit(1)


def _print_steps(steps: list[Registered]) -> None:
    for step in steps:
        item = " ".join(filter(None, (step.kind, step.entity_id, step.name)))
        is_missing = step.outcome == "missing"
        detail = json.dumps(step.body, ensure_ascii=False) if is_missing else step.detail
        print_step(f"{item}: {step.outcome} {detail}".rstrip())


def _epoch_ms(time: datetime | None) -> int | None:
    return None if time is None else round(time.replace(tzinfo=UTC).timestamp() * 1000)


def _pairs(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    from octane_flows.errors import UsageError

    pairs: list[tuple[str, str]] = []
    for text in texts or ():
        kind, mark, value = text.partition("=")
        if not (kind and mark and value):
            raise UsageError(f"'{text}' is no pair; write TYPE=VALUE, such as OS=Linux.")
        pairs.append((kind, value))
    return tuple(pairs)
