"""Opening a DuckDB file the one way this project does: no downloads, one-sentence errors.

A data folder in, a connection out; readers, `warehouse_build` and the tests call it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from octane_flows.disk_remedies import is_refused
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.progress_bar import hide_progress_bar

FILE_NAME = "warehouse.duckdb"
# sites without internet run everything: an extension must never be fetched behind the user's back
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
#: Texts of the operating system that DuckDB repeats when a disk takes no more.
FULL_DISK = ("No space left on device", "Disk quota exceeded", "File too large")
#: What DuckDB says when bytes of a database file are not those that were written.
DAMAGED_FILE = ("Corrupt database file", "Could not read enough bytes")
#: The oldest storage that carries all that the warehouse uses: DuckDB 1.4 and later open its files,
#: also from Node.js, .NET and the command line. A file keeps the version with which it was made.
STORAGE = {"storage_compatibility_version": "v1.2.0"}


def warehouse_path(home: Path) -> Path:
    """Where the published warehouse of a data folder lies."""
    return home / FILE_NAME


def write_log(path: Path) -> Path:
    """Where DuckDB writes changes of a file before it puts them into the file."""
    return path.with_name(f"{path.name}.wal")


def delete_write_log(path: Path) -> None:
    """Delete the log of a program that opened a published file for writing and was killed.

    A build never leaves one, and while it lies there, nobody can open the file for reading.
    """
    write_log(path).unlink(missing_ok=True)


def connect(home: Path, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the published warehouse of `home`.

    A process that still holds an older connection gets that older content: close it first.
    """
    path = warehouse_path(home)
    require_no_folder(path)
    if not path.is_file():
        raise UsageError(
            f"There is no warehouse at {path}; run 'octane-flows run' (or extract, then build) "
            "or set OCTANE_HOME to the folder that has one (the demo's: OCTANE_HOME=demo)."
        )
    if read_only and write_log(path).exists():
        # the storage that older clients read does not tell whose log it is
        raise LakeError(f"Could not open {path}; {_log_remedy(path)}")
    connection = open_file(path, read_only=read_only)
    try:
        _require_warehouse(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_warehouse(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise LakeError for a DuckDB file that no build wrote."""
    try:
        connection.execute("select models.model from meta.models as models limit 0")
    except duckdb.CatalogException as error:
        raise LakeError(
            f"{path} is a DuckDB file, but no warehouse of octane-flows (it has no meta.models); "
            "move it away if you need it, and run 'octane-flows build'."
        ) from error
    except duckdb.Error as error:
        raise damaged_warehouse(error) from error


def damaged_warehouse(error: BaseException) -> LakeError:
    """The sentence for a warehouse of which a part cannot be read."""
    return LakeError(
        f"The warehouse is damaged ({first_line(error)}); run 'octane-flows build --full', which "
        "writes it anew from the lake."
    )


def is_damaged(error: BaseException) -> bool:
    """Whether bytes of a database file are not those that were written."""
    return any(text in str(error) for text in DAMAGED_FILE)


def require_no_folder(path: Path) -> None:
    """Raise UsageError where a folder is in the place of the warehouse."""
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder and no warehouse; move or delete it, and run 'octane-flows build'."
        )


def _log_remedy(path: Path) -> str:
    if write_log(path).is_dir():
        return f"the folder {write_log(path)} is in the way; move or delete it."
    return (
        f"another program opened it for writing and left {write_log(path)} behind. Close "
        "that program, and run 'octane-flows build', which publishes the file again "
        "without it. Open the warehouse read-only in other programs."
    )


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file with this project's settings."""
    try:
        config = CONFIG if read_only else {**CONFIG, **STORAGE}
        connection = duckdb.connect(str(path), read_only=read_only, config=config)
        connection.execute("set timezone = 'UTC'")
        hide_progress_bar(connection)
    except duckdb.Error as error:
        if read_only and write_log(path).exists():
            remedy = _log_remedy(path)
        elif is_refused(error):
            where = path if read_only else path.parent
            remedy = f"correct the rights of {where}, or give OCTANE_HOME another folder."
        elif read_only:
            remedy = (
                "close other programs that write to it, or build it again with "
                "'octane-flows build'."
            )
        else:
            remedy = "free space, or set OCTANE_HOME to a folder that you may write."
        raise LakeError(f"Could not open {path} ({first_line(error)}); {remedy}") from error
    return connection


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One commit for many statements, which each would write to the disk; none of them on error."""
    connection.execute("begin")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def fetch_within_memory(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows of a query, tried once more where memory did not suffice for it.

    DuckDB holds the side of a join that it takes for the smaller one, and behind many joins and
    conditions it may expect a few rows that are millions. Then joins are run as they are written.
    """
    try:
        return _fetched(connection, sql)
    except duckdb.OutOfMemoryException:
        connection.execute("set disabled_optimizers = 'build_side_probe_side'")
        try:
            return _fetched(connection, sql)
        finally:
            connection.execute("reset disabled_optimizers")


def _fetched(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = connection.execute(sql)
    rows = cursor.fetchall()
    return [column[0] for column in cursor.description or []], rows


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its type where it has none."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def is_machine_full(error: BaseException) -> bool:
    """Whether memory or disk space was missing."""
    return isinstance(error, duckdb.OutOfMemoryException | MemoryError) or any(
        text in str(error) for text in FULL_DISK
    )
