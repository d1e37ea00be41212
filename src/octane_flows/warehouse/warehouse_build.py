"""From the lake's current generation to a published warehouse file.

A data folder in, `<home>/warehouse.duckdb` and a `BuildReport` out; the command line and Dagster
call it. Everything happens in a file beside it that takes its place in one rename at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import duckdb

from octane_flows import __version__
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.models.model import Model, load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.warehouse.build_failure import build_failure
from octane_flows.warehouse.build_report import BuildReport, CheckResult, ModelResult
from octane_flows.warehouse.change_history import create_history_views
from octane_flows.warehouse.data_checks import require_passed, run_checks
from octane_flows.warehouse.draft_file import DraftFile
from octane_flows.warehouse.duckdb_file import delete_write_log, is_damaged, warehouse_path
from octane_flows.warehouse.incremental.build_start import BuildStart, start_update
from octane_flows.warehouse.incremental.table_changes import plan_rebuild
from octane_flows.warehouse.key_checks import key_check_name
from octane_flows.warehouse.link_counts import count_relations, user_defined_relations
from octane_flows.warehouse.meta.create_meta import (
    create_meta,
    record_checks,
    record_models,
    record_relations,
)
from octane_flows.warehouse.meta.generation_tables import BuildRecord
from octane_flows.warehouse.model_creation import Progress, create_functions, create_models
from octane_flows.warehouse.octane_contract import completed, find_missing
from octane_flows.warehouse.phase_versions import keep_versions
from octane_flows.warehouse.table_loading import create_schemas, load_tables
from octane_flows.warehouse.user_defined_values import create_user_defined_values
from octane_flows.warehouse.workspace_choice import choice_in, choice_of, choose, of_workspaces


def build(
    home: Path,
    *,
    lake: Lake | None = None,
    workspaces: Sequence[str] | None = None,
    full: bool = False,
    count_questions: bool = False,
    models: list[Model] | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Bring the warehouse to the lake's current generation, check and publish it.

    `workspaces`: ids of those that it is to hold, or `["all"]`; None: those that it was built for.
    Only what is new since the generation that it holds is read, unless `full` or for other
    workspaces. `count_questions` also runs flows, metrics and plans with their defaults, to count
    their rows and check their keys. On any failure the previous warehouse stays whole, as does a
    newer one that somebody else published meanwhile. A damaged one is not brought up to date, but
    built anew.
    """

    def build_once(*, is_full: bool) -> BuildReport:
        with Warehouse(
            home,
            lake=lake,
            workspaces=workspaces,
            full=is_full,
            count_questions=count_questions,
            models=models,
            progress=progress,
        ) as warehouse:
            warehouse.load()
            warehouse.create_models()
            warehouse.check()
            return warehouse.publish()

    try:
        return build_once(is_full=full)
    except LakeError as error:
        if full or error.__cause__ is None or not is_damaged(error.__cause__):
            raise
    if progress is not None:
        progress(f"{warehouse_path(home)} is damaged, so it is built anew")
    return build_once(is_full=True)


class Warehouse:
    """One build, step by step: load, create_models, check, publish.

    `lake` is that of `home` unless given; `manifest` its current generation, `target` the published
    file unless given. The attribute `manifest` holds the chosen workspaces alone.
    """

    def __init__(
        self,
        home: Path,
        *,
        lake: Lake | None = None,
        manifest: Manifest | None = None,
        target: Path | None = None,
        workspaces: Sequence[str] | None = None,
        full: bool = False,
        count_questions: bool = False,
        models: list[Model] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.home = home
        self.lake = lake or Lake(home / "lake")
        delete_write_log(warehouse_path(home))  # nobody could read what the file was built for
        whole = manifest or _current(self.lake)
        self.choice = (
            choose(workspaces, whole) if workspaces is not None else choice_in(warehouse_path(home))
        )
        self.manifest = of_workspaces(whole, self.choice)
        self.target = target or warehouse_path(home)
        self.models = models if models is not None else load_models()
        self.tables: dict[str, int] = {}
        self.missing = find_missing(self.models, self.manifest.tables)
        self.model_results: list[ModelResult] = []
        self.check_results: list[CheckResult] = []
        self._progress = progress
        is_of_past = self.target != warehouse_path(home)  # the past is not updated
        self._draft = DraftFile(self.target, self.manifest.generation, has_spare=not is_of_past)
        self._entries = completed(self.manifest.tables, self.missing)
        self._full = full
        self._count_questions = count_questions
        self._start = BuildStart([])

    def __enter__(self) -> Warehouse:
        try:
            if self._full or not self._draft.open_previous(self._start_update):
                self._draft.open_new()
                self._start = BuildStart(plan_rebuild(self._entries))
            create_schemas(self.connection)
        except BaseException as error:
            self.discard()
            # an error of opening the draft names a hidden file that is gone again
            cause = error.__cause__ if isinstance(error, LakeError) else None
            if isinstance(cause, duckdb.Error) and str(self._draft.path) in str(error):
                raise self._failure(cause, "the start") from cause
            if isinstance(error, duckdb.Error | OSError | MemoryError):
                raise self._failure(error, "the start") from error
            raise
        return self

    def _start_update(self, is_spare: bool) -> bool:
        """Whether the open draft, a former version, can be brought up to date."""
        if choice_of(self.connection) != self.choice:
            return False
        start = start_update(
            self.connection,
            self.lake,
            self.manifest,
            self._entries,
            self.models,
            is_spare=is_spare,
        )
        self._start = start or self._start
        return start is not None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()
        if isinstance(error, duckdb.Error | OSError | MemoryError):
            raise self._failure(error) from error

    def _failure(self, error: BaseException, step: str = "") -> LakeError:
        return build_failure(
            error,
            step,
            home=self.home,
            generation=self.manifest.generation,
            draft=self._draft.path,
            target=self.target,
        )

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the file being built."""
        return self._draft.connection

    def load(self) -> dict[str, int]:
        """Fill `octane.*`, `past.*` and what `meta.*` takes from the manifest; rows by table."""
        self.tables = load_tables(self.connection, self.lake, self._start.changes, self._progress)
        keep_versions(self.connection, self.lake, self._start.changes)
        record = BuildRecord(
            __version__,
            models_digest(self.models),
            updated_from=self._start.previous.generation,
            changed_tables=self._start.changed_tables,
            chosen_workspaces=list(self.choice) if self.choice is not None else None,
        )
        create_meta(self.connection, self.manifest, record, self.tables, self.missing)
        create_history_views(self.connection)
        create_functions(self.connection, self.manifest.server_url, self.manifest.shared_space)
        create_user_defined_values(self.connection, self._entries)
        return self.tables

    def create_models(self) -> list[ModelResult]:
        """Create all models in order; one that reads what the lake does not hold is `partial`."""
        self.model_results = create_models(
            self.connection,
            self.models,
            self._progress,
            self.missing,
            self._start.previous.rows,
            self._start.stored,
            self._start.changed_rows,
            self._start.kept_columns,
            count_questions=self._count_questions,
        )
        record_models(self.connection, self.models, self.model_results)
        return self.model_results

    def check(self) -> list[CheckResult]:
        """Run and record all checks; a blocking failure raises `CheckError`.

        Checks that read nothing that changed keep the result of the previous build.
        """
        keys = [row.key for row in self.model_results if row.key is not None]
        self.check_results = run_checks(
            self.connection,
            self.models,
            self.missing,
            self._start.previous,
            keys,
            self._start.changed_rows,
        )
        record_checks(self.connection, self.check_results)
        self._mark_repeated_keys()
        self._record_relations()
        require_passed(self.check_results)
        return self.check_results

    def _mark_repeated_keys(self) -> None:
        """Flows and metrics whose key is repeated are published, and marked as such."""
        details = {result.name: result.detail for result in self.check_results if not result.passed}
        names = {model.name: key_check_name(model) for model in self.models}
        marked = [
            dataclasses.replace(
                result,
                status="repeated",
                reason="; ".join(filter(None, (details[names[result.name]], result.reason))),
            )
            if names[result.name] in details
            else result
            for result in self.model_results
        ]
        if marked != self.model_results:
            self.model_results = marked
            record_models(self.connection, self.models, marked)

    def _record_relations(self) -> None:
        relations = count_relations(
            self.connection,
            self.models,
            user_defined_relations(self.models, self.manifest.fields, self._entries),
            self.model_results,
            self.check_results,
            self._start.previous,
            self._start.changed_rows,
        )
        record_relations(self.connection, relations)

    def publish(self) -> BuildReport:
        """Flush the file and let it take the place of the previous one in one rename.

        A newer one that another build published meanwhile stays.
        """
        newer = self._draft.publish()
        if self._progress and newer is None:
            self._progress(f"published {self.target}")
        return BuildReport(
            generation=self.manifest.generation,
            tables=self.tables,
            models=self.model_results,
            checks=self.check_results,
            missing=self.missing,
            workspaces=tuple(self.manifest.workspaces),
            newer=newer,
        )

    def discard(self) -> None:
        """Drop the file being built, if it is still there."""
        self._draft.discard()


def _current(lake: Lake) -> Manifest:
    manifest = lake.current()
    if manifest is None:
        raise UsageError(
            f"There is nothing to build from in {lake.folder}; run 'octane-flows extract' first."
        )
    return manifest
