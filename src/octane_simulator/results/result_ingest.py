"""Turns checked results into tests, runs and previous runs; called by result_tasks.py.

In: one document's build and results. Out: rows in the store and an `Outcome` for the task.
A test has one run per release, milestone, program and set of environment tags; what that run held
before moves to the run history, so each result is either a run or a previous run, never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import proxy

from octane_simulator.results.ci_builds import BuildRow, Row, builds_of
from octane_simulator.results.reported_tests import ResultTests, alive
from octane_simulator.results.result_context import Contexts, Setting
from octane_simulator.results.result_document import Build, Context, Result
from octane_simulator.results.result_history import append_history, history_row
from octane_simulator.results.result_run import RunKey, key_of, kind_of, run_row
from octane_simulator.rules.last_runs import renew_last_runs
from octane_simulator.store.entity_store import Store
from octane_simulator.store.server_clock import iso
from octane_simulator.store.table_layout import quoted

__all__ = ["Ingest", "Outcome"]

_UNKNOWN = object()  # equal to no value


@dataclass
class Outcome:
    """How many results were kept and skipped, and what the task's log says."""

    kept: int = 0
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    warned: bool = False

    @property
    def status(self) -> str:
        """The task's final word."""
        if self.skipped and not self.kept:
            return "failed"
        return "warning" if self.skipped or self.warned else "success"


@dataclass
class _Batch:
    """What one document changes, written at its end."""

    new: dict[RunKey, Row] = field(default_factory=dict)
    changed: dict[RunKey, tuple[str, Row]] = field(default_factory=dict)
    history: list[tuple[RunKey, Row]] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)  # runs remembered that still exist


def _milliseconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso.replace("Z", "+00:00")).astimezone(UTC)
    return round(moment.timestamp() * 1000)


class Ingest:
    """The memory of one store: which test and run a key stands for."""

    def __init__(self, store: Store) -> None:
        self.store: Store = proxy(store)  # a strong one would keep the store alive for good
        self.builds = builds_of(store)
        self._contexts = Contexts(store)
        self._tests = ResultTests(store)
        self._runs: dict[str, dict[RunKey, str]] = {}
        self._rows: dict[str, Row] = {}  # run id -> what was last written

    def process(self, build: Build | None, results: list[Result], *, skip_errors: bool) -> Outcome:
        """Store all results of one document in their order."""
        outcome = Outcome()
        settings: dict[Context, Setting] = {}
        batch = _Batch()
        kept: list[tuple[Result, Setting]] = []
        for result in results:
            setting = settings.get(result.context)
            if setting is None:
                setting = settings[result.context] = self._contexts.look_up(result.context)
                outcome.notes += setting.errors
            if setting.errors and not skip_errors:
                outcome.skipped += 1
                continue
            outcome.warned = outcome.warned or bool(setting.errors)
            kept.append((result, setting))
        outcome.kept = len(kept)
        row = self._build_row(build, [result for result, _ in kept]) if kept else None
        if build is not None and row is not None and row.pipeline is None:
            outcome.notes.append(
                f"No pipeline has the root job {build.job_id!r} of server {build.server_id!r}: "
                "the runs name their build only."
            )
        tests = self._tests.find(kept)
        now = iso(self.store.now())
        remembered = {id for test in set(tests) for id in self._runs.get(test, {}).values()}
        batch.alive = alive(self.store, "run", remembered)
        for (result, setting), test in zip(kept, tests, strict=True):
            self._put(batch, result, setting, test, row, now)
        self._write(batch)
        return outcome

    def _build_row(self, build: Build | None, results: list[Result]) -> BuildRow | None:
        if build is None:
            return None
        row = self.builds.find_or_create(
            build.server_id, build.job_id, build.build_id,
            job_name=build.job_name, name=build.build_name,
        )  # fmt: skip
        if row.status is None:  # nobody reported the build: what its results tell stands in
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
        """The runs a test has, by key; read from the store once."""
        known = self._runs.get(test)
        if known is None:
            known = self._runs[test] = {}
            for row in self.store.find(kind, test=test):
                known[key_of(row, test)] = str(row["id"])
        return known

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
        place = (test, setting.release, setting.milestone, setting.program,
                 frozenset(setting.tags))  # fmt: skip
        key: RunKey = (*place, planned)
        known = self._runs_of(kind, test)
        if not planned and key not in known and (waiting := known.pop((*place, True), None)):
            # The plan is carried out: its run takes the result, and no result is replaced.
            known[key] = waiting
            batch.changed.pop((*place, True), None)
            old = None
        elif key in batch.new:
            old = batch.new[key]
        elif key in batch.changed:
            old = batch.changed[key][1]
        else:
            old = self._stored_run(batch, kind, known[key]) if key in known else None
            if old is None:
                known.pop(key, None)
        row = run_row(kind, result, setting, test, build, now, old)
        if old is not None and not planned:
            batch.history.append((key, history_row(self.builds, result, old)))
        if key in known:
            batch.changed[key] = (known[key], row)
        else:
            batch.new[key] = row

    def _stored_run(self, batch: _Batch, kind: str, id: str) -> Row | None:
        """What a run holds now: nothing but this class writes the parts that history keeps."""
        if id in self._rows and id in batch.alive:
            return self._rows[id]
        return self.store.get(kind, id)

    def _write(self, batch: _Batch) -> None:
        ids: dict[RunKey, str] = {}
        for kind in ("run_automated", "gherkin_automated_run"):
            fresh = {k: row for k, row in batch.new.items() if kind_of(row) == kind}
            if fresh:
                made = self.store.insert_many(kind, list(fresh.values()))
                for key, id in zip(fresh, made, strict=True):
                    ids[key] = self._runs[key[0]][key] = id
                    self._rows[id] = fresh[key]
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
            before = self._rows.get(id, {})
            for name, value in row.items():
                held = before.get(name, _UNKNOWN)
                if held is value or held == value:
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
