"""From the lake's current generation to a published warehouse file.

A data folder in, `<home>/warehouse.duckdb` and a `BuildReport` out; the command line and Dagster
call it. Everything happens in a file beside it that takes its place in one rename at the end.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import duckdb

from octane_flows import __version__
from octane_flows.errors import LakeError, ModelError, UsageError
from octane_flows.lake import Lake, Manifest
from octane_flows.lake.leftovers import delete_leftovers, process_tag
from octane_flows.models.model import Model, load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.portable_files import (
    OPEN_FILES_STAY,
    LockTakenError,
    clone_file,
    exclusive_lock,
    put_in_place,
    sync_file,
)
from octane_flows.warehouse.build_failure import build_failure
from octane_flows.warehouse.build_report import BuildReport, CheckResult, ModelResult
from octane_flows.warehouse.change_history import create_history_views
from octane_flows.warehouse.data_checks import require_passed, run_checks
from octane_flows.warehouse.duckdb_file import (
    delete_write_log,
    is_damaged,
    is_machine_full,
    open_file,
    require_no_folder,
    warehouse_path,
)
from octane_flows.warehouse.incremental.changed_rows import ChangedRows
from octane_flows.warehouse.incremental.previous_build import (
    KeptColumns,
    PreviousBuild,
    read_model_columns,
    read_previous_build,
)
from octane_flows.warehouse.incremental.table_changes import (
    TableChange,
    plan_rebuild,
    plan_update,
    read_loaded,
)
from octane_flows.warehouse.key_checks import key_check_name
from octane_flows.warehouse.link_counts import count_relations, user_defined_relations
from octane_flows.warehouse.meta.create_meta import (
    create_meta,
    record_checks,
    record_models,
    record_relations,
)
from octane_flows.warehouse.meta.generation_tables import BuildRecord
from octane_flows.warehouse.model_creation import (
    Progress,
    affected_models,
    create_functions,
    create_models,
    drop_models,
)
from octane_flows.warehouse.octane_contract import completed, find_missing
from octane_flows.warehouse.phase_versions import keep_versions
from octane_flows.warehouse.spare_file import delete_spare, keep_spare, spare_path, take_spare
from octane_flows.warehouse.table_loading import create_schemas, load_tables
from octane_flows.warehouse.user_defined_values import create_user_defined_values
from octane_flows.warehouse.workspace_choice import choice_in, choice_of, choose, of_workspaces

LOCK = ".publish.lock"
LOCK_WAIT_S = 600.0  # it is held for one look at the published file and one rename
READ_ONLY = 0o444  # of the modes that the user's umask allows; readers need no more


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
        self._target_identity = _identity(self.target)
        self.models = models if models is not None else load_models()
        self.tables: dict[str, int] = {}
        self.missing = find_missing(self.models, self.manifest.tables)
        self.model_results: list[ModelResult] = []
        self.check_results: list[CheckResult] = []
        self._progress = progress
        self._draft = self.target.with_name(
            f".{self.target.stem}-{self.manifest.generation}-{process_tag()}.duckdb"
        )
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._entries = completed(self.manifest.tables, self.missing)
        self._full = full
        self._count_questions = count_questions
        self._changes: list[TableChange] = []
        self._previous = PreviousBuild()
        self._changed_rows: ChangedRows | None = None  # of an update
        self._stored: set[str] = set()  # models whose tables stay, or get their changed rows alone
        self._kept_columns: KeptColumns = {}  # of models that stay as the previous build made them
        self._has_spare = self.target == warehouse_path(home)  # the past is not updated

    def __enter__(self) -> Warehouse:
        require_no_folder(self.target)
        try:
            self.discard()
            delete_leftovers(self.target.parent, f".{self.target.stem}-")
            if self._full and self._has_spare:
                delete_spare(self.target)  # for the space that the new file needs
            if self._full or not (self._open_spare() or self._open_copy()):
                self.discard()
                self.target.parent.mkdir(parents=True, exist_ok=True)
                self._connection = open_file(self._draft, read_only=False)
                self._changes = plan_rebuild(self._entries)
            create_schemas(self.connection)
        except BaseException as error:
            self.discard()
            # an error of opening the draft names a hidden file that is gone again
            cause = error.__cause__ if isinstance(error, LakeError) else None
            if isinstance(cause, duckdb.Error) and str(self._draft) in str(error):
                raise self._failure(cause, "the start") from cause
            if isinstance(error, duckdb.Error | OSError | MemoryError):
                raise self._failure(error, "the start") from error
            raise
        return self

    def _open_spare(self) -> bool:
        """Open the version before the published one if an update of it costs no copy, and no more.

        It is gone where it is not used, so that a copy finds the space that it took.
        """
        if not (self._has_spare and self.target.is_file() and spare_path(self.target).is_file()):
            return False
        try:
            if self._published_generation() >= self.manifest.generation:
                return False  # it has all already
        except LakeError:
            return False  # damaged: a new one takes its place
        if take_spare(self.target, self._draft) and self._open_update(spare=True):
            return True
        self.discard()
        return False

    def _open_copy(self) -> bool:
        """Open a copy of the published file if it can be brought up to date."""
        if self._has_spare:
            delete_spare(self.target)
        if not self.target.is_file():
            return False
        if clone_file(self.target, self._draft):
            self._has_spare = False  # nothing is copied, so there is nothing to save
        else:
            shutil.copyfile(self.target, self._draft)  # without the mode, which is read-only
        return self._open_update()

    def _open_update(self, *, spare: bool = False) -> bool:
        """Open the draft, a former version, if it can be brought up to date; `spare`: cheaply."""
        try:
            self._connection = open_file(self._draft, read_only=False)
        except LakeError as error:
            if error.__cause__ is not None and is_machine_full(error.__cause__):
                raise
            return False  # no warehouse, or a damaged one: a new one takes its place
        if choice_of(self.connection) != self.choice:
            return False
        changes = plan_update(self.connection, self.lake, self.manifest, self._entries)
        if changes is None:
            return False
        previous = read_previous_build(self.connection, models_digest(self.models))
        if spare and (not previous.rows or any(change.since is None for change in changes)):
            return False  # the published one may have more of it
        self._changes = changes
        self._changed_rows = ChangedRows(self.connection, self.lake, changes, self.models)
        changed_tables = self._changed_rows.tables
        affected = affected_models(self.models, changed_tables)
        self._changed_rows.save_previous_rows(previous, affected)
        self._previous = previous.after_change(affected, changed_tables)
        self._stored = {
            model.name
            for model in self.models
            if model.header.is_stored
            and (
                self._previous.rows.get(model.name) is not None
                or self._changed_rows.has_previous_rows(model)
            )
        }
        wanted = {f"octane.{entry.name}" for entry in self._entries}
        if previous.rows and not any(change.since is None for change in changes):
            # the same SQL over the same columns: what the previous build created is still right
            created_anew = {model.name for model in self.models if model.header.is_stored}
            columns = read_model_columns(self.connection)
            for name in created_anew - self._stored:
                columns.pop(name, None)
            self._kept_columns = columns
        drop_models(
            self.connection, keep=wanted | self._stored, are_models_kept=bool(self._kept_columns)
        )
        return True

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
            draft=self._draft,
            target=self.target,
        )

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the file being built."""
        if self._connection is None:
            raise ModelError("The warehouse is not open; use it in a with statement.")
        return self._connection

    def load(self) -> dict[str, int]:
        """Fill `octane.*`, `past.*` and what `meta.*` takes from the manifest; rows by table."""
        self.tables = load_tables(self.connection, self.lake, self._changes, self._progress)
        keep_versions(self.connection, self.lake, self._changes)
        record = BuildRecord(
            __version__,
            models_digest(self.models),
            updated_from=self._previous.generation,
            changed_tables=self._changed_tables(),
            chosen_workspaces=list(self.choice) if self.choice is not None else None,
        )
        create_meta(self.connection, self.manifest, record, self.tables, self.missing)
        create_history_views(self.connection)
        create_functions(self.connection, self.manifest.server_url, self.manifest.shared_space)
        create_user_defined_values(self.connection, self._entries)
        return self.tables

    def _changed_tables(self) -> list[str]:
        if self._changed_rows is not None:
            return self._changed_rows.tables
        return sorted(change.entry.name for change in self._changes if not change.is_nothing)

    def create_models(self) -> list[ModelResult]:
        """Create all models in order; one that reads what the lake does not hold is `partial`."""
        self.model_results = create_models(
            self.connection,
            self.models,
            self._progress,
            self.missing,
            self._previous.rows,
            self._stored,
            self._changed_rows,
            self._kept_columns,
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
            self._previous,
            keys,
            self._changed_rows,
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
            self._previous,
            self._changed_rows,
        )
        record_relations(self.connection, relations)

    def publish(self) -> BuildReport:
        """Flush the file and let it take the place of the previous one in one rename.

        A newer one that another build published meanwhile stays.
        """
        self.connection.execute("checkpoint")
        self.connection.close()
        self._connection = None
        sync_file(self._draft)
        try:
            with exclusive_lock(self.target.with_name(LOCK), wait_s=LOCK_WAIT_S):
                newer = self._published_meanwhile()
                if newer is None:
                    self._take_its_place()
        except LockTakenError:
            raise LakeError(
                f"Another process has held the lock {self.target.with_name(LOCK)} for "
                f"{LOCK_WAIT_S:.0f} s, so nothing was published; end that process, and run "
                "'octane-flows build'. The previous warehouse stays."
            ) from None
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

    def _take_its_place(self) -> None:
        delete_write_log(self.target)
        if not OPEN_FILES_STAY:  # Windows would not replace a read-only file at the next build
            self._draft.chmod(self._draft.stat().st_mode & READ_ONLY)
        if self._has_spare:
            keep_spare(self.target)
        put_in_place(self._draft, self.target)
        sync_file(self.target.parent)

    def _published_meanwhile(self) -> int | None:
        """The generation that another build published, if it is newer than this one's."""
        if _identity(self.target) in (None, self._target_identity):
            return None
        newest = self._published_generation()
        return newest if newest > self.manifest.generation else None

    def _published_generation(self) -> int:
        """0 of a file that is no warehouse."""
        with open_file(self.target, read_only=True) as connection:
            loaded = read_loaded(connection)
        return loaded.generation if loaded is not None else 0

    def discard(self) -> None:
        """Drop the file being built, if it is still there."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for suffix in ("", ".wal"):
            self._draft.with_name(self._draft.name + suffix).unlink(missing_ok=True)
        shutil.rmtree(self._draft.with_name(self._draft.name + ".tmp"), ignore_errors=True)


def _current(lake: Lake) -> Manifest:
    manifest = lake.current()
    if manifest is None:
        raise UsageError(
            f"There is nothing to build from in {lake.folder}; run 'octane-flows extract' first."
        )
    return manifest


def _identity(path: Path) -> tuple[int, int] | None:
    """What differs as soon as another file stands at this path; None when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
