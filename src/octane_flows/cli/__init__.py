"""The command line: one command per thing a user does, `main` its entry point.

Arguments and environment in; answers on standard output, progress and errors on standard error.
Exit 0 fine, 1 a check failed or an extract is incomplete, 2 usage or settings, 3 `gate` cannot
judge, 70 a fault of the program itself.
"""

from __future__ import annotations

import errno
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from octane_flows.cli import (
    build_commands,
    catalog_command,
    changes_command,
    check_command,
    demo_command,
    doctor_command,
    document_command,
    er_command,
    export_command,
    extract_commands,
    gate_command,
    generation_commands,
    letter_command,
    mcp_command,
    plan_commands,
    quarantine_command,
    query_commands,
    question_commands,
    report_command,
    report_results_command,
    serve_command,
    shipped_files_commands,
    simulate_command,
    status_command,
    ui_command,
    verify_command,
)
from octane_flows.cli.command_line import app, errors
from octane_flows.disk_remedies import disk_remedy
from octane_flows.errors import OctaneFlowsError
from octane_flows.failure_report import EXIT_CODE, report_failure

INTERRUPTED = "Query interrupted"  # what DuckDB makes of Ctrl-C while a query runs


def main() -> None:
    """Run the command line and turn every expected failure into one sentence and an exit code."""
    # read when Arrow is loaded; its own allocator keeps what each thread has freed
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console may lack characters that names have
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except OctaneFlowsError as error:
        errors.print(f"octane-flows: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of the output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            errors.print(
                "octane-flows: this machine lets the command open no more files; raise the limit "
                "(ulimit -n, at least 256)."
            )
            sys.exit(1)
        if isinstance(error.filename, str):
            remedy = disk_remedy(error, Path(error.filename), "choose another path")
            errors.print(f"octane-flows: {error.filename}: {error.strerror}; {remedy}.")
        else:
            errors.print(
                f"octane-flows: {error.strerror or error}; check paths, rights and the free space."
            )
        sys.exit(1)
    except KeyboardInterrupt:
        _stopped()
    except Exception as error:  # noqa: BLE001 - the last handler: no user sees a traceback
        if str(error) == INTERRUPTED:
            _stopped()
        errors.print(f"octane-flows: {report_failure(error, os.environ)}")
        sys.exit(EXIT_CODE)


def _stopped() -> NoReturn:
    errors.print("octane-flows: stopped; what was published before is still whole.")
    sys.exit(130)


__all__ = [
    "app",
    "build_commands",
    "catalog_command",
    "changes_command",
    "check_command",
    "demo_command",
    "doctor_command",
    "document_command",
    "er_command",
    "export_command",
    "extract_commands",
    "gate_command",
    "generation_commands",
    "letter_command",
    "main",
    "mcp_command",
    "plan_commands",
    "quarantine_command",
    "query_commands",
    "question_commands",
    "report_command",
    "report_results_command",
    "serve_command",
    "shipped_files_commands",
    "simulate_command",
    "status_command",
    "ui_command",
    "verify_command",
]
