"""Secrets from files, which `OCTANE_CLIENT_SECRET_FILE` and the like name.

The environment in, texts by setting name out; `setting_texts` calls it. No message shows a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from octane_flows.errors import UsageError

#: Settings whose value may stand in a file of its own.
FILE_SECRETS: Final = (
    "client_secret",
    "password",
    "token",
    "cookie",
    "lake_secret",
    "smtp_password",
    "teams_webhook",
    "slack_webhook",
    "webhook",
    "serve_password",
    "serve_token",
)
LONGEST: Final = 64 * 1024  # bytes; the longest tokens have a few thousand


def file_variable(name: str) -> str:
    """The variable that names the file of a secret."""
    return f"OCTANE_{name.upper()}_FILE"


def read_secret_files(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets that files hold, by setting name. Raises UsageError."""
    secrets: dict[str, str] = {}
    for name in FILE_SECRETS:
        text = environ.get(file_variable(name), "").strip()
        if not text:
            continue
        if environ.get(f"OCTANE_{name.upper()}", "").strip():
            raise UsageError(
                f"OCTANE_{name.upper()} and {file_variable(name)} are both set; unset one of them."
            )
        secrets[name] = _read(file_variable(name), Path(text).expanduser())
    return secrets


def _read(variable: str, path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{variable} names {path}, which is no file; name the secret's file.")
        with path.open("rb") as stream:
            content = stream.read(LONGEST + 1)
    except OSError as error:
        raise UsageError(
            f"{variable} names {path}, which cannot be read ({error.strerror}); correct the path "
            "or its rights."
        ) from None
    try:
        secret = content.decode("utf-8").strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(content) > LONGEST or "\n" in secret:
        raise UsageError(
            f"{variable} names {path}, which does not hold a secret in one line of text; write the "
            "secret and nothing else into it."
        )
    return secret
