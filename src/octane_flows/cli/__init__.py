"""The command line: one command per thing a user does, `main` its entry point.

Arguments and environment in; answers on standard output, progress and errors on standard error.
Exit 0 fine, 1 a check failed or an extract is incomplete, 2 usage or settings.
"""

from __future__ import annotations

import sys

from octane_flows.cli import act, begin, document, export, keep, past, prove, read, report_results
from octane_flows.cli.frame import app, errors
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
    "act",
    "app",
    "begin",
    "document",
    "export",
    "keep",
    "main",
    "past",
    "prove",
    "read",
    "report_results",
]
