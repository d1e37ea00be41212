"""The warehouse as it was: all of octane, er, flow and metric at any generation that is kept.

A data folder and a generation or moment in, a connection out; the command line and Python users
call it. A past warehouse is built once, beside the current one, and opened again afterwards.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from octane_flows import __version__
from octane_flows.errors import CheckError, LakeError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.models.model import Model, load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.warehouse.duckdb_file import delete_write_log, open_file, warehouse_path
from octane_flows.warehouse.model_creation import Progress
from octane_flows.warehouse.warehouse_build import Warehouse
from octane_flows.warehouse.workspace_choice import Choice, choice_in

FOLDER = "as_of"
When = str | int | date | datetime


def connect_as_of(
    home: Path,
    when: When,
    *,
    lake: Lake | None = None,
    models: list[Model] | None = None,
    progress: Progress | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a past generation, read-only, building it the first time.

    `when`: a generation's number, a moment (without a zone it is UTC), or a date, which means the
    end of that day. Raises UsageError when no generation of then is kept.
    """
    lake = lake or Lake(home / "lake")
    manifest = lake.as_of(parse_when(when))
    choice = choice_in(warehouse_path(home))
    for path in (warehouse_path(home), past_path(home, manifest.generation)):
        if _holds(path, manifest, choice, models or load_models()):
            return open_file(path, read_only=True)
    target = past_path(home, manifest.generation)
    with Warehouse(
        home,
        lake=lake,
        manifest=manifest,
        target=target,
        full=True,
        models=models,
        progress=progress,
    ) as warehouse:
        warehouse.load()
        warehouse.create_models()
        with suppress(CheckError):  # recorded in meta.checks; it is the past that was asked for
            warehouse.check()
        warehouse.publish()
    return open_file(target, read_only=True)


def generations(lake: Lake) -> pa.Table:
    """The generations that can be opened, oldest first: number and time (UTC)."""
    kept = lake.kept()
    return pa.table(
        {
            "generation": pa.array([entry.generation for entry in kept], pa.int64()),
            "as_of": pa.array(
                [entry.as_of.replace(tzinfo=None) for entry in kept], pa.timestamp("us")
            ),
        }
    )


def past_path(home: Path, generation: int) -> Path:
    """Where the warehouse of a past generation lies."""
    return home / FOLDER / f"{generation:06d}.duckdb"


def forget_past(home: Path, kept: set[int]) -> None:
    """Delete the warehouses of past generations that are kept no longer."""
    for path in (home / FOLDER).glob("[0-9]*.duckdb"):
        if int(path.stem) not in kept:
            delete_write_log(path)
            path.unlink()


def parse_when(when: When) -> int | datetime:
    """A generation's number, or the last moment that counts (UTC). Raises UsageError."""
    if isinstance(when, int):
        return when
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    if isinstance(when, date):
        return datetime.combine(when, time(), UTC) + timedelta(days=1, microseconds=-1)
    text = when.strip()
    if text.isdecimal() and len(text) < len("20210120"):
        return int(text)
    with suppress(ValueError):
        return parse_when(date.fromisoformat(text))
    with suppress(ValueError):
        return parse_when(datetime.fromisoformat(text))
    raise UsageError(
        f"'{when}' is neither a generation nor a time; give a generation's number (see "
        "octane-flows generations), a date such as 2021-01-20 (the end of that day) or a time in "
        "UTC such as 2021-01-20T21:00."
    )


def _holds(path: Path, manifest: Manifest, choice: Choice, models: list[Model]) -> bool:
    """Whether a file is the warehouse of this generation and choice, made by these models."""
    if not path.is_file() or choice_in(path) != choice:
        return False
    try:
        with open_file(path, read_only=True) as connection:
            built = connection.execute(
                "select generation.generation, build.built_by, build.models_digest "
                "from meta.generation as generation cross join meta.build as build"
            ).fetchall()
    except (LakeError, duckdb.Error):
        return False
    return built == [(manifest.generation, __version__, models_digest(models))]
