"""The command line: one command per thing a user does, `main` its entry point.

Arguments and environment in; answers on standard output, progress and errors on standard error.
Exit 0 fine, 1 a check failed or an extract is incomplete, 2 usage or settings.
"""

from __future__ import annotations

import sys

from octane_flows.cli import (
    build_commands,
    demo_command,
    doctor_command,
    document_command,
    export_command,
    extract_commands,
    generation_commands,
    plan_commands,
    query_commands,
    question_commands,
    report_command,
    report_results_command,
    simulate_command,
    status_command,
    verify_command,
)
from octane_flows.cli.command_line import app, errors
from octane_flows.errors import OctaneFlowsError


def main() -> None:
    """Run the command line and turn every expected failure into one sentence and an exit code."""
    try:
        app()
    except OctaneFlowsError as error:
        errors.print(f"octane-flows: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        errors.print(
            f"octane-flows: {named}{error.strerror or error}; check the path, its rights and the "
            "free space.",
        )
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("octane-flows: stopped; what was published before is still whole.")
        sys.exit(130)


__all__ = [
    "app",
    "build_commands",
    "demo_command",
    "doctor_command",
    "document_command",
    "export_command",
    "extract_commands",
    "generation_commands",
    "main",
    "plan_commands",
    "query_commands",
    "question_commands",
    "report_command",
    "report_results_command",
    "simulate_command",
    "status_command",
    "verify_command",
]
