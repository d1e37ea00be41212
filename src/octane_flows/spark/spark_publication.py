"""What a build on Spark leaves behind, and how it takes the place of the previous one.

    <home>/spark/current.json                      names the folder that counts
    <home>/spark/generation-12/published.json      generation, and what became of every model
    <home>/spark/generation-12/<schema>/<name>/    Parquet files of one table or answer

`spark_build` writes it, `spark_answer` reads it; anything that reads Parquet may too.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.file_names import file_name
from octane_flows.lake.leftovers import delete_leftovers, process_tag
from octane_flows.portable_files import put_in_place, sync_file

POINTER = "current.json"
STATE = "published.json"
LOG = "spark.log"

Status = Literal["available", "partial", "refused"]


@dataclass(frozen=True)
class ModelState:
    """One model: its rows (of a flow or metric: with its defaults), or why there are none."""

    status: Status
    rows: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Published:
    """One build; `folder` holds its tables, `columns` tells their columns as Spark writes types."""

    folder: Path
    generation: int
    as_of: datetime
    page: str
    tables: dict[str, int] = field(default_factory=dict)
    models: dict[str, ModelState] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    workspaces: tuple[str, ...] | None = None  # that were chosen; None: all of the lake

    def of(self, name: str) -> ModelState:
        """What became of a model."""
        if name not in self.models:
            raise UsageError(
                f"What Spark built is older than {name}; run 'octane-flows build --engine spark'."
            )
        return self.models[name]

    def path(self, name: str) -> Path:
        """The folder of the Parquet files of a table or answer, by its qualified name."""
        schema, _, table = name.partition(".")
        return self.folder / schema / file_name(table)


def spark_folder(home: Path) -> Path:
    """Where everything that Spark builds from a data folder lies."""
    return home.resolve() / "spark"


def read_published(home: Path) -> Published:
    """The build that counts. Raises UsageError where there is none."""
    root = spark_folder(home)
    pointer = root / POINTER
    if not pointer.is_file():
        raise UsageError(
            f"There is nothing built on Spark in {root}; "
            "run 'octane-flows build --engine spark --master URL' first."
        )
    try:
        folder = root / str(json.loads(pointer.read_text("utf-8"))["folder"])
        state = json.loads((folder / STATE).read_text("utf-8"))
        return Published(
            folder,
            int(state["generation"]),
            datetime.fromisoformat(state["as_of"]),
            str(state["page"]),
            dict(state["tables"]),
            {name: ModelState(**model) for name, model in state["models"].items()},
            dict(state["columns"]),
            _choice(state),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LakeError(
            f"What Spark built in {root} cannot be read ({error}); "
            "run 'octane-flows build --engine spark' again."
        ) from error


def published_choice(home: Path) -> tuple[str, ...] | None:
    """The workspaces that the build that counts was made for; None: all, or there is none."""
    return read_published(home).workspaces if (spark_folder(home) / POINTER).is_file() else None


def _choice(state: dict[str, Any]) -> tuple[str, ...] | None:
    chosen = state.get("workspaces")
    return tuple(chosen) if chosen is not None else None


def new_build_folder(home: Path) -> Path:
    """An empty folder to build in, which nobody reads."""
    delete_leftovers(spark_folder(home), ".building-")
    aside = spark_folder(home) / f".building-{process_tag()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    return aside


def publish(home: Path, built: Published) -> Published:
    """Let a finished build take the place of the previous one in one rename.

    The previous build stays for its readers; the one before it is deleted.
    """
    root = spark_folder(home)
    state = {
        "generation": built.generation,
        "as_of": built.as_of.isoformat(),
        "page": built.page,
        "tables": built.tables,
        "models": {name: asdict(state) for name, state in built.models.items()},
        "columns": built.columns,
        "workspaces": built.workspaces,
    }
    (built.folder / STATE).write_text(json.dumps(state, indent=1, ensure_ascii=False), "utf-8")
    sync_file(built.folder / STATE)
    pointer = root / POINTER
    previous = json.loads(pointer.read_text("utf-8"))["folder"] if pointer.is_file() else None
    folder = _free_name(root, built.generation)
    built.folder.rename(folder)
    aside = root / f".{POINTER}-{os.getpid()}"
    aside.write_text(json.dumps({"folder": folder.name}), "utf-8")
    sync_file(aside)
    put_in_place(aside, pointer)
    sync_file(root)
    for old in root.glob("generation-*"):
        if old.name not in (folder.name, previous):
            shutil.rmtree(old, ignore_errors=True)
    return replace(built, folder=folder)


def _free_name(root: Path, generation: int) -> Path:
    """A folder of its own, also when the same generation is built again."""
    name, again = root / f"generation-{generation}", 1
    while name.exists():
        again += 1
        name = root / f"generation-{generation}-{again}"
    return name
