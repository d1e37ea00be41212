"""Where the SQL models lie: the checkout's `sql/` when there is one, else the wheel's copy.

Nothing in, a folder out, and the text of a file in it; everything that reads models asks here.
"""

from __future__ import annotations

from pathlib import Path

from octane_flows.errors import ModelError

PACKAGE = Path(__file__).resolve().parent.parent


def read_sql(path: Path, where: str) -> str:
    """The text of a model's file, which messages call `where`."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{where} cannot be read ({error}); save it as UTF-8 text.") from error


def sql_folder(package: Path = PACKAGE) -> Path:
    """Find `sql/`; the checkout goes first because an editable install can keep a stale copy."""
    checkout = package.parent.parent / "sql"
    if (package.parent.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    installed = package / "_sql"
    if installed.is_dir():
        return installed
    raise ModelError(
        f"The SQL models are in neither {checkout} nor {installed}; install octane-flows again."
    )
