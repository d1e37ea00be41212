"""The command that reports test results: files of test tools to the server's test-results.

Arguments in; what was sent on standard output, exit 1 when the server did not take it as it is.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from octane_flows.cli.command_line import app, output, print_step, read_settings
from octane_flows.cli.command_options import WorkspaceOption, one_workspace
from octane_flows.console import PlainTable

if TYPE_CHECKING:
    from octane_flows.actions import AuditLog
    from octane_flows.actions.build_registration import Build, Registered
    from octane_flows.client import Workspace
    from octane_flows.results import FileReading, Reading

Pairs = Annotated[
    list[str] | None, typer.Option(metavar="TYPE=VALUE", help="Such as OS=Linux; repeatable.")
]
TestFields = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TYPE=VALUE",
        help="A field of every test: Framework=JUnit, Test_Type=API, Test_Level=Unit Test or "
        "Testing_Tool_Type=Selenium; repeatable.",
    ),
]
Ids = Annotated[list[str] | None, typer.Option(metavar="ID", help="Repeatable.")]
MOST_ROWS = 200  # of a dry run on the terminal
MOST_NOTES = 20  # of a file on the terminal; --json has all


class Identity(StrEnum):
    """How tests are named in Octane."""

    jenkins = "jenkins"
    converter = "converter"


class Undefined(StrEnum):
    """How undefined, ambiguous and pending steps count."""

    failed = "failed"
    skipped = "skipped"


@app.command(
    "report-results",
    epilog="Example: octane-flows report-results junit.xml --server-id jenkins --job-id nightly "
    "--build-id 17 --environment OS=Linux --module 1003",
)
def report_results(
    files: Annotated[
        list[str], typer.Argument(help="Files, folders, quoted patterns, zip or gz archives.")
    ],
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
    test_field: TestFields = None,
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
        str | None,
        typer.Option(
            help="success, failure, unstable, aborted or unavailable. Default: unstable where a "
            "result failed, else success."
        ),
    ] = None,
    build_started: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ"],
            help="In UTC; also the start of results whose files tell none.",
        ),
    ] = None,
    build_duration_ms: Annotated[int | None, typer.Option(min=0)] = None,
    format: Annotated[
        str | None, typer.Option("--format", help="Format of all files. Default: by content.")
    ] = None,
    identity: Annotated[
        Identity,
        typer.Option(
            help="jenkins: package and class apart, as Jenkins and the collection tool name tests; "
            "converter: the full class name, as the newer tools do."
        ),
    ] = Identity.jenkins,
    undefined: Annotated[
        Undefined, typer.Option(help="How undefined, ambiguous and pending steps count.")
    ] = Undefined.failed,
    strict: Annotated[
        bool, typer.Option("--strict", help="Send nothing where anything would be left out.")
    ] = False,
    queue_wait: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait so long in all while the server's queue of results is full.",
        ),
    ] = 600,
    dry_run: Annotated[
        bool, typer.Option(help="Show the results, and what --register would do; send nothing.")
    ] = False,
    as_xml: Annotated[
        bool, typer.Option("--xml", help="Print the documents; send nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on standard output.")
    ] = False,
) -> None:
    """Report test results with build, release, module, backlog and environment."""
    from octane_flows.actions import AuditLog, audit_path
    from octane_flows.actions.build_registration import Build, look_up
    from octane_flows.actions.results_xml import Context, check_context, documents
    from octane_flows.actions.send_results import QueuePatience, send_document
    from octane_flows.client import Octane
    from octane_flows.errors import QueueFullError, UsageError
    from octane_flows.results import read

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
    check_context(context)
    reading = read(
        files,
        format=format,
        undefined=undefined.value,
        build_started_ms=_epoch_ms(build_started),
    )
    _show_files(reading)
    if not reading.results:
        raise UsageError("The files hold no results, so nothing was sent; see the lines above.")
    if strict and not reading.is_whole:
        raise UsageError(
            "Something would be left out, so nothing was sent; correct the files named above, or "
            "leave --strict out."
        )
    build = Build(
        server_id=server_id,
        job_id=job_id,
        build_id=build_id,
        server_name=server_name or server_id,
        server_url=server_url,
        pipeline_name=pipeline_name or job_name or job_id,
        job_name=job_name or job_id,
        build_name=build_name or build_id,
        result=build_result or ("unstable" if reading.counts["Failed"] else "success"),
        started_ms=_epoch_ms(build_started),
        duration_ms=build_duration_ms,
    )
    parts = documents(
        context,
        reading.results,
        frameworks={file.file: file.framework for file in reading.files},
        identity=identity.value,
    )
    if as_xml:
        for part in parts:
            sys.stdout.write(part.xml.decode() + "\n")
    elif dry_run and not as_json:
        _show_results(reading)
    if as_xml or dry_run:
        if as_json:
            _print_json(reading, "dry run")
        if dry_run and register:
            settings = read_settings()
            with Octane(settings) as octane:
                target = octane.workspace(one_workspace(octane, workspace, settings.workspaces))
                _print_steps(look_up(target, build))
        raise typer.Exit(0 if reading.is_whole else 1)
    settings = read_settings()
    audit = AuditLog(audit_path(settings.home))
    statuses: list[str] = []
    patience = QueuePatience(
        queue_wait,
        on_wait=lambda: print_step(
            f"the server's queue of test results is full; waiting up to {queue_wait:,} s"
        ),
    )
    with Octane(settings) as octane:
        target = octane.workspace(one_workspace(octane, workspace, settings.workspaces))
        if register:
            _register(target, build, audit)
        sent = 0
        for part in parts:
            try:
                status = send_document(
                    target, part, audit, skip_errors=skip_errors, patience=patience
                )
            except QueueFullError as error:
                raise QueueFullError(
                    f"The server's queue of test results was still full after {queue_wait:,} s "
                    f"(--queue-wait), so {len(reading.results) - sent:,} of "
                    f"{len(reading.results):,} results were not sent; report the same files again "
                    "later, or wait longer: the server does not process them twice."
                ) from error
            statuses.append(status)
            sent += part.result_count
            if sent < len(reading.results):
                print_step(f"{sent:,} of {len(reading.results):,} results sent")
    worst = next((word for word in statuses if word != "success"), "success")
    if as_json:
        _print_json(reading, worst)
    else:
        counts = _counts_text(reading.counts)
        output.print(f"{len(reading.results)} results ({counts}) to workspace {target.id}: {worst}")
    if worst != "success":
        print_step(
            "the server left something out; read its log of test results, or try --skip-errors"
        )
    if worst != "success" or not reading.is_whole:
        raise typer.Exit(1)


def _show_files(reading: Reading) -> None:
    """A line a file, with what was repaired, unclear or left out below it."""
    from octane_flows.results.repaired_text import printable

    for file in reading.files:
        print_step(printable(_file_line(file)))
        for note in file.notes[:MOST_NOTES]:
            if note.kind not in ("folded", "ignored"):
                print_step(printable(f"  {note.kind.replace('_', ' ')}: {note}"))
        if len(file.notes) > MOST_NOTES:
            print_step(f"  and {len(file.notes) - MOST_NOTES} more notes; --json shows all")


def _file_line(file: FileReading) -> str:
    if file.refusal is not None:
        return f"{file.file}: left out: {file.refusal}"
    if not file.results:
        reason = next((n.text for n in file.notes if n.kind in ("ignored", "left_out")), "")
        return f"{file.file}: no results{f' ({reason})' if reason else ''}"
    more = [
        f"{count} {words}"
        for words, count in (
            ("joined", file.count("folded")),
            ("repaired", file.count("repaired")),
            ("unclear", file.count("unclear")),
            ("left out", file.count("left_out")),
        )
        if count
    ]
    tail = f"; {', '.join(more)}" if more else ""
    return f"{file.file}: {file.format}: {_counts_text(file.counts)}{tail}"


def _counts_text(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))


def _show_results(reading: Reading) -> None:
    table = PlainTable("status", "class", "name", "environment", "duration ms", "attempts", "error")
    from octane_flows.results.repaired_text import printable, without_escapes

    for result in reading.results[:MOST_ROWS]:
        duration = "" if result.duration_ms is None else f"{result.duration_ms:.0f}"
        message = result.error.message if result.error is not None else None
        attempts = str(len(result.attempts)) if result.attempts else ""
        cells = (
            result.status, result.class_name, result.name, result.environment, duration, attempts,
            (message or "")[:120],
        )  # fmt: skip
        # nothing of a file steers the terminal
        table.add_row(*(printable(without_escapes(cell)) for cell in cells))
    output.print(table)
    rest = len(reading.results) - MOST_ROWS
    if rest > 0:
        output.print(f"and {rest} more results; --xml prints all")
    output.print(f"{len(reading.results)} results ({_counts_text(reading.counts)}): not sent")


def _print_json(reading: Reading, outcome: str) -> None:
    summary = {
        "outcome": outcome,
        "results": len(reading.results),
        "statuses": dict(sorted(reading.counts.items())),
        "flaky": sum(result.is_flaky for result in reading.results),
        "is_whole": reading.is_whole,
        "files": [
            {
                "file": file.file,
                "format": file.format,
                "results": len(file.results),
                "statuses": dict(sorted(file.counts.items())),
                "refusal": file.refusal,
                "notes": [
                    {"kind": n.kind, "text": n.text, "line": n.line, "count": n.count}
                    for n in file.notes
                ],
            }
            for file in reading.files
        ],
    }
    text = json.dumps(summary, ensure_ascii=False, indent=2)
    # names of files may hold bytes that are no text
    sys.stdout.write(text.encode("utf-8", "replace").decode() + "\n")


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
