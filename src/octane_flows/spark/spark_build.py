"""From the lake's current generation to published Parquet tables, by Spark.

A data folder and a session in, `<home>/spark` with `octane`, `er`, `flow` and `metric` out; the
command line calls it. A model that cannot be carried over is refused by name, with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from octane_flows.errors import CheckError, LakeError, ModelError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.models.model import Model, load_models
from octane_flows.models.shared_functions import page_address
from octane_flows.spark.current_tables import (
    SPARK_TYPES,
    columns_of,
    current_tables,
    empty_table,
    literal_path,
    quoted,
    read_versions,
)
from octane_flows.spark.spark_publication import (
    ModelState,
    Published,
    new_build_folder,
    publish,
    published_choice,
)
from octane_flows.spark.spark_session import is_local, require_meaning
from octane_flows.spark.spark_sql import text_literal, translate, translate_sql
from octane_flows.spark.supported_constructs import NotCarriedOver
from octane_flows.warehouse.duckdb_file import first_line
from octane_flows.warehouse.key_checks import BLOCKING_SCHEMAS
from octane_flows.warehouse.octane_contract import (
    completed,
    find_missing,
    missing_by_model,
    partial_reason,
)
from octane_flows.warehouse.phase_versions import COLUMNS as PHASE_COLUMNS
from octane_flows.warehouse.phase_versions import TABLE as PHASES
from octane_flows.warehouse.phase_versions import WORK_ITEMS
from octane_flows.warehouse.user_defined_values import SUFFIX, user_defined_sql
from octane_flows.warehouse.user_defined_values import VIEW as USER_DEFINED
from octane_flows.warehouse.workspace_choice import choose, of_workspaces

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMAS = ("octane", "past", "meta", "er", "flow", "metric")
Progress = Callable[[str], None]


def build(
    home: Path,
    session: SparkSession,
    *,
    lake: Lake | None = None,
    workspaces: Sequence[str] | None = None,
    models: list[Model] | None = None,
    progress: Progress | None = None,
) -> Published:
    """Build and publish the lake's current generation; on any failure the previous build stays.

    `workspaces`: ids of those that it is to hold, or `["all"]`; None: those of the previous build.
    """
    require_meaning(session)
    lake = lake or Lake(home / "lake")
    manifest = lake.current()
    if manifest is None:
        raise UsageError(
            f"There is nothing to build from in {lake.folder}; run 'octane-flows extract' first."
        )
    if lake.storage.describe().startswith("s3://") and not is_local(session.sparkContext.master):
        raise UsageError(
            f"The lake {lake.storage.describe()} is a bucket, of which the workers of "
            f"{session.sparkContext.master} cannot see the local copies; copy it to a folder that "
            "all of them share and set OCTANE_HOME to it, or use --master local[*]."
        )
    choice = choose(workspaces, manifest) if workspaces is not None else published_choice(home)
    chosen = of_workspaces(manifest, choice)
    aside = new_build_folder(home)
    try:
        built = Build(session, lake, chosen, aside, models, progress).run()
        return publish(home, replace(built, workspaces=choice))
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


class Build:
    """One build into a folder that nobody reads yet."""

    def __init__(
        self,
        session: SparkSession,
        lake: Lake,
        manifest: Manifest,
        folder: Path,
        models: list[Model] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._session = session
        self._lake = lake
        self._manifest = manifest
        self._models = [
            model
            for model in (models if models is not None else load_models())
            if model.schema in ("er", "flow", "metric")
        ]
        self._missing = find_missing(self._models, manifest.tables)
        self._entries = completed(manifest.tables, self._missing)
        self._progress = progress or (lambda _: None)
        page = page_address(manifest.server_url, manifest.shared_space)
        self._built = Published(folder, manifest.generation, manifest.as_of, page)

    def run(self) -> Published:
        """All tables, then all models in their order, then the keys."""
        create_databases(self._session)
        self._load()
        self._write(PHASES, self.versions())
        refused = self._describe()
        missing_sources = missing_by_model(self._models, self._missing)
        for model in self._models:
            state = self._state(model, refused)
            reason = partial_reason(missing_sources[model.name])
            if state.status == "available" and reason is not None:
                state = ModelState("partial", state.rows, reason)
            if state.status == "refused":
                refused[model.name] = state.reason or ""
            self._built.models[model.name] = state
            said = f"{state.rows:>10,} rows" if state.rows is not None else state.reason
            self._progress(f"{model.name:<47} {said}")
        self.check()
        return self._built

    def _load(self) -> None:
        entries = {entry.name: entry for entry in self._entries}
        frames = current_tables(self._session, self._lake, entries)
        for name, entry in entries.items():
            if name not in frames:  # many tables of a server hold nothing
                path = self._built.path(f"octane.{name}")
                path.mkdir(parents=True)
                pq.write_table(empty_table(entry), path / "part-0.parquet")
                self._register(f"octane.{name}", columns_of(entry))
                self._built.tables[name] = 0
                continue
            rows = self._write(f"octane.{name}", frames[name])
            self._built.tables[name] = rows
            self._progress(f"octane.{name:<40} {rows:>10,} rows")

    def versions(self) -> DataFrame:
        """The phase of each version of a work item that was ever read."""
        frames = []
        for entry in self._entries:
            if entry.name not in WORK_ITEMS:
                continue
            versions = read_versions(self._session, self._lake, entry)
            if versions is None:
                continue
            file_columns = set(versions.frame.columns)
            own = {"type": text_literal(entry.name), "_deleted": "coalesce(_deleted, false)"}
            values = [
                f"cast({own.get(name, name if name in file_columns else 'null')} "
                f"as {SPARK_TYPES[kind]}) as {name}"
                for name, kind, _ in PHASE_COLUMNS
            ]
            frames.append(versions.frame.selectExpr(*values))
        columns = ", ".join(f"{name} {SPARK_TYPES[kind]}" for name, kind, _ in PHASE_COLUMNS)
        nothing = self._session.createDataFrame([], columns)
        return reduce(lambda frame, other: frame.unionByName(other), frames, nothing)

    def _describe(self) -> dict[str, str]:
        """What the models read of `meta`; the refused of it with their reasons."""
        manifest = self._manifest
        as_of = manifest.as_of.replace(tzinfo=None).isoformat(sep=" ")
        generation = self._session.sql(
            f"select {manifest.generation}L as generation, timestamp_ntz'{as_of}' as as_of"
        )
        self._write("meta.generation", generation)
        users = [
            f"({text_literal(id)}, cast({text_literal(workspace.signed_in_user_name)} as string))"
            for id, workspace in manifest.workspaces.items()
        ]
        workspaces = self._session.sql(
            f"select * from values {', '.join(users)} as users (workspace_id, signed_in_user_name)"
            if users
            else "select '' as workspace_id, '' as signed_in_user_name where false"
        )
        self._write("meta.workspaces", workspaces)
        fractions = [
            f"octane.{entry.name}.{column.name}"
            for entry in self._entries
            for column in entry.columns
            if column.type == "DOUBLE" and (column.is_user_defined or column.name.endswith(SUFFIX))
        ]
        if fractions:
            return {
                USER_DEFINED: f"{fractions[0]} holds fractions, which Spark and DuckDB write "
                "differently as texts"
            }
        self._write(
            USER_DEFINED,
            self._session.sql(translate_sql(user_defined_sql(self._entries), USER_DEFINED)),
        )
        return {}

    def _state(self, model: Model, refused: dict[str, str]) -> ModelState:
        """Translate, run and write one model."""
        from pyspark.errors import AnalysisException, ParseException

        for source in model.sources:
            if source in refused:
                return ModelState("refused", reason=f"it reads {source}: {refused[source]}")
        try:
            frame = self._session.sql(translate(model, self._built.page))
        except NotCarriedOver as error:
            return ModelState("refused", reason=error.reason)
        except (AnalysisException, ParseException) as error:
            return ModelState("refused", reason=f"Spark does not accept it ({first_line(error)})")
        if frame.columns != [column.name for column in model.columns]:
            return ModelState("refused", reason="Spark gives it other columns")
        if model.schema != "er":
            frame = frame.coalesce(1)  # an answer has an order
        return ModelState("available", self._write(model.name, frame))

    def _write(self, name: str, frame: DataFrame) -> int:
        """Write a table, make it known to the session, and count its rows."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        path = self._built.path(name)
        try:
            frame.write.option("compression", "zstd").parquet(f"file:{path}")
        except (PySparkException, Py4JError) as error:
            kind = LakeError if name.startswith("octane.") else ModelError
            raise kind(
                f"Spark could not build {name} ({first_line(error)}); nothing was published, the "
                "previous build stays."
            ) from error
        columns = [
            f"{quoted(field.name)} {field.dataType.simpleString()}" for field in frame.schema
        ]
        self._register(name, ", ".join(columns))
        return sum(pq.read_metadata(file).num_rows for file in path.glob("*.parquet"))

    def _register(self, name: str, columns: str) -> None:
        self._built.columns[name] = columns
        register(self._session, name, self._built.path(name), columns)

    def check(self) -> None:
        """Stop where a key is null or repeated, in one question about all models."""
        selects = []
        for model in self._models:
            if self._built.models[model.name].status == "refused":
                continue
            key = ", ".join(model.header.key)
            # in an answer, null is a group like any other
            ids = model.header.key if model.schema in BLOCKING_SCHEMAS else ()
            nulls = "".join(f" or {part} is null" for part in ids)
            selects.append(
                f"select '{model.name}' as model, count(*) as violations from (select {key} "
                f"from {model.name} group by {key} having count(*) > 1{nulls}) as wrong"
            )
        rows = self._session.sql(" union all ".join(selects)).collect() if selects else []
        wrong = [f"{row.model} ({row.violations})" for row in rows if row.violations]
        if wrong:
            raise CheckError(
                "What Spark built was not published, because keys are null or repeated in "
                f"{', '.join(sorted(wrong))}. The previous build stays; extract again with --full, "
                "and report it if it happens again."
            )


def create_databases(session: SparkSession) -> None:
    """Empty databases for the schemas; those of a previous build in this session are dropped."""
    for schema in SCHEMAS:
        session.sql(f"drop database if exists {schema} cascade")
        session.sql(f"create database {schema}")


def register(session: SparkSession, name: str, path: Path, columns: str) -> None:
    """Make the Parquet files of a table known by its name."""
    schema, _, table = name.partition(".")
    session.sql(
        f"create table {schema}.{quoted(table)} ({columns}) using parquet "
        f"location {text_literal(literal_path(path))}"
    )
