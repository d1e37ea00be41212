"""An error that nobody expected becomes one sentence and a file with the details.

The error in, the sentence out; the details go into a file of the temporary folder that only its
owner may read, without the secrets of the settings. `cli.main` and Dagster's assets call it last.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from octane_flows import __version__

__all__ = ["EXIT_CODE", "report_failure"]

EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h: the program itself has a fault
SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "COOKIE", "PROXY", "BUDGET", "KEY")
SHORTEST_SECRET: Final = 4


def report_failure(
    error: BaseException, environ: Mapping[str, str], ended: str = "this command ended"
) -> str:
    """Write the details and give the sentence for the user; this raises nothing.

    `ended` says what came to an end, to those who gave no command.
    """
    name = type(error).__name__
    if isinstance(error, MemoryError):
        what = "this machine has not enough memory"
    elif isinstance(error, RecursionError):
        what = "something is nested too deep"
    else:
        what = f"octane-flows itself has a fault ({name})"
    try:
        place = f"The details are in {_write(error, environ)}; send that file with your report"
    except (OSError, ValueError, MemoryError, RecursionError):
        place = "The details could not be written to the temporary folder; report what you did"
    return f"{what[:1].upper()}{what[1:]}, so {ended}. {place}."


def _write(error: BaseException, environ: Mapping[str, str]) -> Path:
    handle, path = tempfile.mkstemp(prefix="octane-flows-", suffix=".log")
    lines = [
        f"octane-flows {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {' '.join(sys.argv[1:])}",
        "",
        *traceback.format_exception(error),
    ]
    text = "\n".join(lines)
    for secret in _secrets(environ):
        text = text.replace(secret, "***")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return Path(path)


def _secrets(environ: Mapping[str, str]) -> list[str]:
    """The values of settings that may be secret, long ones first."""
    values = [
        value.strip()
        for name, value in environ.items()
        if any(word in name.upper() for word in SECRET_WORDS)
    ]
    return sorted((value for value in values if len(value) >= SHORTEST_SECRET), key=len)[::-1]
