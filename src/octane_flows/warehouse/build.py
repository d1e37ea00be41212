"""From the lake's current generation to a published warehouse file.

A data folder in, `<home>/warehouse.duckdb` and a `BuildReport` out; the command line and Dagster
call it. Everything happens in a file beside it that takes its place in one rename at the end.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import duckdb

from octane_flows.errors import LakeError, ModelError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.warehouse.checks import require_passed, run_checks
from octane_flows.warehouse.connect import first_line, open_file, warehouse_path
from octane_flows.warehouse.contract import Missing, completed, find_missing
from octane_flows.warehouse.functions import create_functions
from octane_flows.warehouse.load import count, create_schemas, load_tables
from octane_flows.warehouse.macros import called, create_statements
from octane_flows.warehouse.meta import create_meta, record_checks, record_models
from octane_flows.warehouse.models import Model, load_models
from octane_flows.warehouse.results import BuildReport, CheckResult, ColumnResult, ModelResult

Progress = Callable[[str], None]

#: What a model of each schema becomes in DuckDB.
KINDS: dict[str, Literal["view", "macro"]] = {
    "er": "view",
    "flow": "macro",
    "metric": "macro",
}


def build(
    home: Path, *, models: list[Model] | None = None, progress: Progress | None = None
) -> BuildReport:
    """Build, check and publish; on any failure the former warehouse stays whole."""
    with Warehouse(home, models=models, progress=progress) as warehouse:
        warehouse.load()
        warehouse.create_models()
        warehouse.check()
        return warehouse.publish()


class Warehouse:
    """One build, step by step: load, create_models, check, publish."""

    def __init__(
        self, home: Path, *, models: list[Model] | None = None, progress: Progress | None = None
    ) -> None:
        self.home = home
        self.lake = Lake(home / "lake")
        self.manifest = _current(self.lake)
        self.models = models if models is not None else load_models()
        self.tables: dict[str, int] = {}
        self.missing: list[Missing] = []
        self.model_results: list[ModelResult] = []
        self.check_results: list[CheckResult] = []
        self._progress = progress
        self._aside = home / f".warehouse-{self.manifest.generation}-{os.getpid()}.duckdb"
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> Warehouse:
        self.discard()
        try:
            self._connection = open_file(self._aside, read_only=False)
            create_schemas(self._connection)
        except BaseException:
            self.discard()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()
        if isinstance(error, duckdb.Error | OSError):
            raise LakeError(
                f"Could not build the warehouse in {self.home} ({first_line(error)}); free space "
                "or set OCTANE_HOME to a folder that you may write. The former warehouse stays."
            ) from error

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the file being built."""
        if self._connection is None:
            raise ModelError("The warehouse is not open; use it in a with statement.")
        return self._connection

    def load(self) -> dict[str, int]:
        """Create `octane.*` and the part of `meta.*` that the manifest tells; rows by table."""
        self.missing = find_missing(self.models, self.manifest.tables)
        entries = completed(self.manifest.tables, self.missing)
        self.tables = load_tables(self.connection, self.lake, entries, self._progress)
        create_meta(self.connection, self.manifest, self.tables, self.missing)
        create_functions(self.connection, self.manifest.server_url, self.manifest.shared_space)
        return self.tables

    def create_models(self) -> list[ModelResult]:
        """Create all models in order; one that reads what the lake lacks is 'partial'."""
        self.model_results = create_models(
            self.connection, self.models, self._progress, self.missing
        )
        record_models(self.connection, self.models, self.model_results)
        return self.model_results

    def check(self) -> list[CheckResult]:
        """Run and record all checks; a blocking failure raises `CheckError`."""
        available = {row.name for row in self.model_results if row.status != "unavailable"}
        self.check_results = run_checks(self.connection, self.models, available)
        record_checks(self.connection, self.check_results)
        require_passed(self.check_results)
        return self.check_results

    def publish(self) -> BuildReport:
        """Flush the file and let it take the place of the former one in one rename."""
        self.connection.execute("checkpoint")
        self.connection.close()
        self._connection = None
        _sync(self._aside)
        self._aside.replace(warehouse_path(self.home))
        _sync(self.home)
        if self._progress:
            self._progress(f"published {warehouse_path(self.home)}")
        return BuildReport(
            generation=self.manifest.generation,
            tables=self.tables,
            models=self.model_results,
            checks=self.check_results,
            missing=self.missing,
        )

    def discard(self) -> None:
        """Drop the file being built, if it is still there."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for suffix in ("", ".wal"):
            self._aside.with_name(self._aside.name + suffix).unlink(missing_ok=True)
        shutil.rmtree(self._aside.with_name(self._aside.name + ".tmp"), ignore_errors=True)


def _current(lake: Lake) -> Manifest:
    manifest = lake.current()
    if manifest is None:
        raise UsageError(
            f"There is nothing to build from in {lake.folder}; run 'octane-flows extract' first."
        )
    return manifest


def create_models(
    connection: duckdb.DuckDBPyConnection,
    models: list[Model],
    progress: Progress | None = None,
    missing: Sequence[Missing] = (),
) -> list[ModelResult]:
    """Create views, tables and macros; also used by the golden tests."""
    existing = _existing_tables(connection)
    unavailable: dict[str, str] = {}
    lacks = {model.name: _lacks(model, missing) for model in models}
    results: list[ModelResult] = []
    for model in models:
        if model.schema == "check":
            continue
        for source in model.sources:
            lacks[model.name] |= lacks.get(source, set())
        reason = _missing(model, existing, unavailable)
        result = _create(connection, model) if reason is None else _unavailable(model, reason)
        if result.status == "available" and lacks[model.name]:
            lacking = f"the lake has no {', '.join(sorted(lacks[model.name]))}"
            result = dataclasses.replace(result, status="partial", reason=lacking)
        if result.status == "unavailable":
            unavailable[model.name] = result.reason or ""
        if progress:
            count = f"{result.rows:>10,} rows" if result.rows is not None else result.reason
            progress(f"{model.name:<47} {count}")
        results.append(result)
    return results


def _lacks(model: Model, missing: Sequence[Missing]) -> set[str]:
    """What the model itself reads and the lake does not hold."""
    return {
        f"octane.{one.table}{f'.{one.column}' if one.column else ''}"
        for one in missing
        if model.name in one.models
    }


def _existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select distinct schema_name || '.' || table_name from duckdb_columns() "
        "where schema_name in ('octane', 'meta')"
    ).fetchall()
    return {row[0] for row in rows}


def _missing(model: Model, existing: set[str], unavailable: dict[str, str]) -> str | None:
    for source in model.sources:
        if source in unavailable:
            return f"{source} is unavailable: {unavailable[source]}"
        if source.startswith(("octane.", "meta.")) and source not in existing:
            return f"the server did not give {source}"
    return None


def _unavailable(model: Model, reason: str) -> ModelResult:
    columns = tuple(ColumnResult(column.name, None, column.meaning) for column in model.columns)
    kind = KINDS[model.schema]
    return ModelResult(model.name, kind, "unavailable", columns, model.sources, reason=reason)


def _create(connection: duckdb.DuckDBPyConnection, model: Model) -> ModelResult:
    try:
        for statement in create_statements(model):
            connection.execute(statement)
        described = connection.execute(f"describe select * from {called(model)}").fetchall()
        rows = count(connection, called(model))
    except duckdb.BinderException as error:
        if any(source.startswith("octane.") for source in model.sources):
            # the table is there but a field is not: this server's version or role lacks it
            return _unavailable(model, f"the server lacks a field ({first_line(error)})")
        raise ModelError(f"{model.where} does not run ({first_line(error)}).") from error
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ModelError(f"{model.where} does not run ({first_line(error)}).") from error
    meanings = {column.name: column.meaning for column in model.columns}
    names = [row[0] for row in described]
    if names != list(meanings):
        raise ModelError(
            f"{model.where} documents the columns {', '.join(meanings)} but gives "
            f"{', '.join(names)}; make them agree."
        )
    columns = tuple(ColumnResult(row[0], row[1], meanings[row[0]]) for row in described)
    return ModelResult(
        model.name,
        KINDS[model.schema],
        "available",
        columns,
        model.sources,
        rows=rows,
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
