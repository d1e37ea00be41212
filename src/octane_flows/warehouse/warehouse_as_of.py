"""The warehouse as it was: all of octane, er, flow and metric at any generation that is kept, and
at moments in between or before that the change history covers.

A data folder and a generation or moment in, a connection out; the command line and Python users
call it. A past warehouse is built once, beside the current one, and opened again afterwards.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from octane_flows import __version__
from octane_flows.errors import CheckError, LakeError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.models.model import Model, load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.portable_files import delete_unless_open
from octane_flows.warehouse.duckdb_file import delete_write_log, open_file, warehouse_path
from octane_flows.warehouse.model_creation import Progress
from octane_flows.warehouse.moment_rewind import Coverage, coverage, rewind
from octane_flows.warehouse.warehouse_build import Warehouse
from octane_flows.warehouse.workspace_choice import Choice, choice_in, of_workspaces

FOLDER = "as_of"
KEPT_MOMENTS = 5  # warehouses of moments between generations
When = str | int | date | datetime


def connect_as_of(
    home: Path,
    when: When,
    *,
    lake: Lake | None = None,
    models: list[Model] | None = None,
    progress: Progress | None = None,
    notes: Progress | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open the warehouse of a past generation or moment, read-only, building it the first time.

    `when`: a generation's number, a moment (without a zone it is UTC), or a date, which means the
    end of that day. Between two generations, and before the first, work items are as the change
    history has them; `notes`, or without it `progress`, is told of what it does not cover, and of
    a build, whose steps are told to `progress` alone. Raises UsageError when no
    generation of then is kept, and the history does not cover the moment.
    """
    notes = notes or progress
    lake = lake or Lake(home / "lake")
    models = models or load_models()
    view = _past_view(lake, parse_when(when), choice_in(warehouse_path(home)))
    choice = choice_in(warehouse_path(home))
    target = view.path(home)
    for path in (target,) if view.history is not None else (warehouse_path(home), target):
        if _holds(path, view, choice, models):
            return _opened(path, view, notes)
    if notes is not None:
        notes(
            f"building the warehouse of generation {view.base.generation} for questions about "
            "that time; it is kept for later ones"
        )
    with Warehouse(
        home,
        lake=lake,
        manifest=view.base,
        target=target,
        full=True,
        models=models,
        progress=progress,
    ) as warehouse:
        warehouse.load()
        if view.history is not None:
            rewind(
                warehouse.connection,
                lake,
                view.history,
                base=view.base,
                following=view.following,
                newest=view.newest,
            )
        warehouse.create_models()
        with suppress(CheckError):  # recorded in meta.checks; it is the past that was asked for
            warehouse.check()
        warehouse.publish()
    _forget_moments(home)
    return _opened(target, view, notes)


@dataclass(frozen=True)
class PastView:
    """A generation, and where the history covers a moment beside it, what leads to that moment."""

    base: Manifest
    newest: Manifest
    following: Manifest | None = None
    history: Coverage | None = None
    untold: tuple[str, ...] = ()  # why a moment is only that of its generation

    def path(self, home: Path) -> Path:
        """Where its warehouse lies; that of a moment depends on the history that was read."""
        path = past_path(home, self.base.generation)
        if self.history is None:
            return path
        moment = f"{self.history.moment:%Y%m%dT%H%M%S%f}"
        return path.with_stem(f"{path.stem}-{moment}-{self.newest.generation:06d}")


def _past_view(lake: Lake, when: int | datetime, choice: Choice) -> PastView:
    kept = [entry.generation for entry in lake.kept()]
    if isinstance(when, int) or not kept:
        base = lake.as_of(when)
        return PastView(base, base)
    newest = of_workspaces(lake.manifest(kept[-1]), choice)
    history = coverage(newest, when)
    earlier = [entry.generation for entry in lake.kept() if entry.as_of <= when]
    if not earlier and not history.covered:
        try:
            lake.as_of(when)
        except UsageError as error:
            begins = sorted({begin for _, _, begin in history.begins})
            if not begins:
                raise
            raise UsageError(
                f"{error} The change history does not cover it either: it is complete from "
                f"{begins[0]:%Y-%m-%d %H:%M:%S} UTC on."
            ) from error
    base = lake.manifest(earlier[-1] if earlier else kept[0])
    if when == base.as_of or base.generation == kept[-1]:
        return PastView(base, base)
    if not history.covered:
        return PastView(base, newest, untold=tuple(history.sentences(base)))
    following = lake.manifest(kept[kept.index(earlier[-1]) + 1]) if earlier else None
    return PastView(base, newest, following and of_workspaces(following, choice), history)


def _opened(path: Path, view: PastView, notes: Progress | None) -> duckdb.DuckDBPyConnection:
    connection = open_file(path, read_only=True)
    if notes is not None:
        for sentence in view.history.sentences(view.base) if view.history else view.untold:
            notes(sentence)
    return connection


def _forget_moments(home: Path) -> None:
    """Keep the warehouses of the newest moments that were asked for alone."""
    made = sorted((home / FOLDER).glob("[0-9]*-*.duckdb"), key=lambda path: path.stat().st_mtime_ns)
    for path in made[:-KEPT_MOMENTS]:
        delete_write_log(path)
        delete_unless_open(path)


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
        if int(path.stem.partition("-")[0]) not in kept:
            delete_write_log(path)
            delete_unless_open(path)


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


def _holds(path: Path, view: PastView, choice: Choice, models: list[Model]) -> bool:
    """Whether a file is the warehouse of this view and choice, made by these models."""
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
    return built == [(view.base.generation, __version__, models_digest(models))]
