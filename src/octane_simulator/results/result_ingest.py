"""Checked results become tests, runs and previous runs; called by result_tasks.py.

In: one document's build and results. Out: rows in the store and an `Outcome` for the task.
A test has one run for each release, milestone, program and set of environment tags. The result that
this run had before moves to the run history, so each result is either a run or a previous run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import proxy

from octane_simulator.results.ci_builds import BuildRow, Row, builds_of
from octane_simulator.results.reported_tests import ReportedTests, existing_ids
from octane_simulator.results.result_context import Contexts, Setting
from octane_simulator.results.result_document import Build, Context, Result
from octane_simulator.results.result_history import append_history, history_row
from octane_simulator.results.result_run import RunKey, key_of, kind_of, run_row
from octane_simulator.rules.last_runs import renew_last_runs
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso
from octane_simulator.store.table_layout import quoted

__all__ = ["Ingest", "Outcome"]

_NO_VALUE = object()  # equal to no value


@dataclass
class Outcome:
    """How many results were stored and skipped, and the lines of the task's log."""

    kept: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    warned: bool = False

    @property
    def status(self) -> str:
        """The final status of the task."""
        if self.skipped and not self.kept:
            return "failed"
        return "warning" if self.skipped or self.warned else "success"


@dataclass
class _Batch:
    """What one document changes, written at its end."""

    new: dict[RunKey, Row] = field(default_factory=dict)
    changed: dict[RunKey, tuple[str, Row]] = field(default_factory=dict)
    history: list[tuple[RunKey, Row]] = field(default_factory=list)
    existing_runs: set[str] = field(default_factory=set)  # of the remembered runs


def _milliseconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso.replace("Z", "+00:00")).astimezone(UTC)
    return round(moment.timestamp() * 1000)


class Ingest:
    """Stores results; it remembers the test and the run of each key."""

    def __init__(self, store: Store) -> None:
        self.store: Store = proxy(store)  # a strong reference would keep the store in memory
        self.builds = builds_of(store)
        self._contexts = Contexts(store)
        self._tests = ReportedTests(store)
        self._runs: dict[str, dict[RunKey, str]] = {}
        self._rows: dict[str, Row] = {}  # run id -> what was last written

    def process(self, build: Build | None, results: list[Result], *, skip_errors: bool) -> Outcome:
        """Store all results of one document in their order."""
        outcome = Outcome()
        settings: dict[Context, Setting] = {}
        batch = _Batch()
        accepted: list[tuple[Result, Setting]] = []
        for result in results:
            setting = settings.get(result.context)
            if setting is None:
                setting = settings[result.context] = self._contexts.look_up(result.context)
                outcome.notes += setting.errors
            if setting.errors and not skip_errors:
                outcome.skipped += 1
                continue
            outcome.warned = outcome.warned or bool(setting.errors)
            accepted.append((result, setting))
        outcome.kept = len(accepted)
        row = self._build_row(build, [result for result, _ in accepted]) if accepted else None
        if build is not None and row is not None and row.pipeline is None:
            outcome.notes.append(
                f"No pipeline has the root job {build.job_id!r} of server {build.server_id!r}: "
                "the runs name their build only."
            )
        tests = self._tests.find(accepted)
        now = iso(self.store.now())
        remembered = {id for test in set(tests) for id in self._runs.get(test, {}).values()}
        batch.existing_runs = existing_ids(self.store, "run", remembered)
        for (result, setting), test in zip(accepted, tests, strict=True):
            self._put(batch, result, setting, test, row, now)
        self._write(batch)
        return outcome

    def _build_row(self, build: Build | None, results: list[Result]) -> BuildRow | None:
        if build is None:
            return None
        row = self.builds.find_or_create(
            build.server_id,
            build.job_id,
            build.build_id,
            job_name=build.job_name,
            name=build.build_name,
        )
        if row.status is None:  # the build was not reported: its results decide
            times = [(_milliseconds(r.started), r.duration) for r in results if r.started]
            starts, ends = [start for start, _ in times], [start + took for start, took in times]
            self.builds.report(
                row,
                status="finished",
                result="unstable" if any(r.status == "Failed" for r in results) else "success",
                start=min(starts, default=None),
                duration=max(ends) - min(starts) if starts else None,
            )
        return row

    # Runs ---------------------------------------------------------------------------------------

    def _runs_of(self, kind: str, test: str) -> dict[RunKey, str]:
        """The runs of a test by key; they are read from the store once."""
        runs = self._runs.get(test)
        if runs is None:
            runs = self._runs[test] = {}
            for row in self.store.find(kind, test=test):
                runs[key_of(row, test)] = str(row["id"])
        return runs

    def _put(
        self,
        batch: _Batch,
        result: Result,
        setting: Setting,
        test: str,
        build: BuildRow | None,
        now: str,
    ) -> None:
        kind = "gherkin_automated_run" if result.gherkin else "run_automated"
        planned = result.status == "Planned"
        context_key = (
            test,
            setting.release,
            setting.milestone,
            setting.program,
            frozenset(setting.tags),
        )
        key: RunKey = (*context_key, planned)
        runs = self._runs_of(kind, test)
        if (
            not planned
            and key not in runs
            and (planned_run := runs.pop((*context_key, True), None))
        ):
            # The planned run takes the result, and no result is replaced.
            runs[key] = planned_run
            batch.changed.pop((*context_key, True), None)
            old_row = None
        elif key in batch.new:
            old_row = batch.new[key]
        elif key in batch.changed:
            old_row = batch.changed[key][1]
        else:
            old_row = self._stored_run(batch, kind, runs[key]) if key in runs else None
            if old_row is None:
                runs.pop(key, None)
        row = run_row(kind, result, setting, test, build, now, old_row)
        if old_row is not None and not planned:
            batch.history.append((key, history_row(self.builds, result, old_row)))
        if key in runs:
            batch.changed[key] = (runs[key], row)
        else:
            batch.new[key] = row

    def _stored_run(self, batch: _Batch, kind: str, id: str) -> Row | None:
        """The present values of a run; this class alone writes those that the history keeps."""
        if id in self._rows and id in batch.existing_runs:
            return self._rows[id]
        return self.store.get(kind, id)

    def _write(self, batch: _Batch) -> None:
        ids: dict[RunKey, str] = {}
        for kind in ("run_automated", "gherkin_automated_run"):
            new_rows = {k: row for k, row in batch.new.items() if kind_of(row) == kind}
            if new_rows:
                new_ids = self.store.insert_many(kind, list(new_rows.values()))
                for key, id in zip(new_rows, new_ids, strict=True):
                    ids[key] = self._runs[key[0]][key] = id
                    self._rows[id] = new_rows[key]
        self._renew(list(batch.changed.values()))
        rows = [*batch.new.values(), *(row for _, row in batch.changed.values())]
        for test in {r["test"]["id"] for r in rows if r["test"]["type"] == "gherkin_test"}:
            renew_last_runs(self.store, test)  # manual runs of the same test may be older
        ids |= {key: id for key, (id, _) in batch.changed.items()}
        append_history(self.store, [row | {"run_id": int(ids[key])} for key, row in batch.history])

    def _renew(self, changed: Sequence[tuple[str, Row]]) -> None:
        """Write new results into runs that exist, many at a time."""
        by_names: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        stored = {
            name: (column.kind, f"{name}_id", f"{name}_type")
            for name, column in self.store.columns("run").items()
        }
        for id, row in changed:
            flat: Row = {}
            old_row = self._rows.get(id, {})
            for name, value in row.items():
                old_value = old_row.get(name, _NO_VALUE)
                if old_value is value or old_value == value:
                    continue
                kind, id_column, type_column = stored[name]
                if kind == "link":
                    pairs = [(item["type"], item["id"]) for item in value]
                    self.store.link(kind_of(row), name, id, pairs)
                elif kind == "single":
                    flat[id_column] = None if value is None else value["id"]
                    flat[type_column] = None if value is None else value["type"]
                else:
                    flat[name] = value
            by_names.setdefault(tuple(flat), []).append((*flat.values(), int(id)))
            self._rows[id] = row
        for names, batch in by_names.items():
            sets = [*(f"{quoted(name)} = ?" for name in names), "version_stamp = version_stamp + 1"]
            self.store.connection.executemany(
                f"UPDATE run SET {', '.join(sets)} WHERE id = ?", batch
            )
