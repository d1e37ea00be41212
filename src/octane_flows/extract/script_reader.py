"""The scripts of manual and Gherkin tests: one request for each test that changed.

Workspaces of the client and the previous generation come in, the table `test_script` and its read
states go out; `run_extract` calls it where OCTANE_SCRIPTS says so. A script belongs to its test:
a new script moves the test's `last_modified`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from octane_flows.client import Id, Query, Workspace
from octane_flows.client import field as column
from octane_flows.errors import AccessError, AnswerError, NotFoundError
from octane_flows.extract.extract_journal import Journal, Part
from octane_flows.extract.extract_plan import (
    CHANGED,
    arrow_schema,
)
from octane_flows.extract.field_values import (
    HALF_CHARACTER,
    MisfitError,
    ValueNotes,
    column_moment,
    has_half_character,
    mended_text,
)
from octane_flows.extract.options import Options
from octane_flows.extract.rejected_values import TakenValues, value_sentences
from octane_flows.extract.server_times import Moments
from octane_flows.lake import (
    ColumnEntry,
    Draft,
    Finding,
    Interval,
    Manifest,
    ReadState,
    RejectedValue,
    TableEntry,
)
from octane_flows.lake.key_columns import ENTITY_KEYS, OWN_COLUMNS
from octane_flows.lake.table_writer import TableWriter

TABLE = "test_script"
COLLECTIONS = {"test_manual": "manual_tests", "gherkin_test": "gherkin_tests"}
COLUMNS = (
    *ENTITY_KEYS,
    ColumnEntry("script", "VARCHAR", None, None, "Script"),
    ColumnEntry("creation_time", "TIMESTAMP", None, None, "Creation time of the script"),
    ColumnEntry("last_modified", "TIMESTAMP", None, None, "Last change of the script"),
    *OWN_COLUMNS,
)
SCHEMA = arrow_schema(COLUMNS)
PART_TESTS = 1_000  # a kill costs at most so many requests again; each part is a file


@dataclass(frozen=True)
class Scripts:
    """What one extract read of scripts; `table` has the previous files, too."""

    table: TableEntry
    states: Mapping[str, ReadState] = field(default_factory=dict)  # by workspace
    findings: tuple[Finding, ...] = ()

    def added_to(
        self, states: Mapping[str, Mapping[str, ReadState]]
    ) -> dict[str, dict[str, ReadState]]:
        """The read states of a generation with those of the scripts."""
        merged = {workspace: dict(by_entity) for workspace, by_entity in states.items()}
        for workspace, state in self.states.items():
            merged.setdefault(workspace, {})[TABLE] = state
        return merged


def previous_scripts(parent: Manifest | None) -> TableEntry:
    """The table as the previous generation has it; without rows before scripts were ever read."""
    previous = parent.tables.get(TABLE) if parent is not None else None
    files = previous.files if previous is not None else ()
    return TableEntry(TABLE, "entity", TABLE, None, "Test script", COLUMNS, files)


def read_scripts(
    draft: Draft,
    workspaces: Mapping[str, Workspace],
    moments: Moments,
    options: Options,
    journal: Journal,
) -> Scripts:
    """Read the scripts of tests that changed since the previous generation; at first all.

    As for rows, the refresh reads `overlap` back and the cursor stays `settle` behind. What a
    stopped extract has read is taken over from the journal. A refusal is a finding.
    """
    table = previous_scripts(draft.parent)
    files, states, findings = list(table.files), {}, []
    with ThreadPoolExecutor(options.concurrency, thread_name_prefix="scripts") as pool:
        for id, workspace in workspaces.items():
            state = _state(draft.parent, id)
            since = None
            if state is not None and not options.full:
                since = moments.overlap_start(state.cursor)
            reader = _Reader(draft, workspace, moments, since, options.page_size, pool, journal)
            try:
                reader.read()
            except AccessError as error:
                reader.delete_files()
                findings.append(Finding(id, f"scripts of tests may not be read ({error})"))
                continue
            files += reader.files
            cursor, rejected = reader.moments.cursor, reader.rejected
            states[id] = ReadState("changes", cursor, (Interval(None, cursor),), rejected=rejected)
            findings += [Finding(id, text) for text in value_sentences(TABLE, (), reader.taken)]
    return Scripts(replace(table, files=tuple(files)), states, tuple(findings))


def _state(parent: Manifest | None, workspace: str) -> ReadState | None:
    return parent.states.get(workspace, {}).get(TABLE) if parent is not None else None


class _Reader:
    """The scripts of one workspace that may have changed since a time, part by part.

    `moments` are those of the first part: changes after it are still to be read.
    """

    def __init__(
        self,
        draft: Draft,
        workspace: Workspace,
        moments: Moments,
        since: datetime | None,
        page_size: int,
        pool: ThreadPoolExecutor,
        journal: Journal,
    ) -> None:
        self.draft = draft
        self.workspace = workspace
        self.since = since
        self.page_size = page_size
        self.pool = pool
        self.journal = journal
        part = journal.parts.get((workspace.id, TABLE))
        self.part = part if part is not None and self._fits(part) else None
        self.moments = moments if self.part is None else moments.not_after(self.part.as_of)
        self.files = list(self.part.files[TABLE]) if self.part is not None else []
        self.notes = ValueNotes()
        self._rejected = {(value.id, value.field): value for value in self._rejected_before()}
        self.writer = self._new_file()

    def _rejected_before(self) -> tuple[RejectedValue, ...]:
        if self.part is not None:
            return self.part.rejected
        state = _state(self.draft.parent, self.workspace.id)
        return state.rejected if state is not None and self.since is not None else ()

    @property
    def rejected(self) -> tuple[RejectedValue, ...]:
        """The values that the lake cannot hold, in the order of tests."""
        return tuple(self._rejected[key] for key in sorted(self._rejected))

    @property
    def taken(self) -> tuple[TakenValues, ...]:
        """The values that were changed to fit."""
        adjustments = self.notes.adjustments
        kinds = dict.fromkeys((entry.field, entry.what) for entry in adjustments)
        return tuple(
            TakenValues(name, what, ids[0], len(ids))
            for name, what in kinds
            if (ids := [e.id for e in adjustments if (e.field, e.what) == (name, what)])
        )

    def _new_file(self) -> TableWriter:
        return self.draft.writer(TABLE, SCHEMA, workspace=self.workspace.id)

    def _reading(self, kind: str) -> str:
        return f"{kind}: {self.since}"

    def _fits(self, part: Part) -> bool:
        readings = map(self._reading, COLLECTIONS)
        return part.fields == tuple(SCHEMA.names) and part.readings[0] in readings

    def read(self) -> None:
        """Write files of the scripts."""
        try:
            for kind, collection, last in self._left():
                for ids in self._tests(collection, last):
                    scripts = self.pool.map(lambda id, kind=kind: self._row(kind, id), ids)
                    rows = [row for row in scripts if row is not None]
                    self._note_rejected(ids)
                    self.writer.write(pa.Table.from_pylist(rows, schema=SCHEMA))
                    if self.writer.rows >= PART_TESTS:
                        self._journal_part(kind, ids[-1])
        except BaseException:
            self.writer.discard()
            raise
        self._close()

    def _note_rejected(self, ids: Sequence[str]) -> None:
        """What was rejected of some tests takes the place of what was rejected before."""
        keys = [key for key in self._rejected if key[0] in ids]
        before = {key: self._rejected.pop(key) for key in keys}
        for misfit in self.notes.misfits:
            key = (misfit.id, misfit.field)
            value = RejectedValue(*key, misfit.value, self.moments.as_of)
            old = before.get(key)
            is_same = old is not None and old.value == value.value
            self._rejected[key] = old if old is not None and is_same else value
        self.notes.misfits.clear()

    def delete_files(self) -> None:
        """Delete what was written."""
        for file in self.files:
            self.draft.lake.storage.delete(file.path)

    def _left(self) -> Iterator[tuple[str, str, str | None]]:
        """Kinds of tests and their collections, each with the last test whose script is stored."""
        kinds, last = list(COLLECTIONS), None
        if self.part is not None:
            place = [self._reading(kind) for kind in kinds].index(self.part.readings[0])
            kinds = kinds[place:]
            last = str(self.part.up_to)
        for kind in kinds:
            yield kind, COLLECTIONS[kind], last
            last = None

    def _close(self) -> None:
        file = self.writer.close()
        self.files += [file] if file is not None else []

    def _journal_part(self, kind: str, last: str) -> None:
        """Add what is read up to a test to the journal."""
        self._close()
        self.writer = self._new_file()
        self.journal.append(
            Part(
                workspace=self.workspace.id,
                entity=TABLE,
                fields=tuple(SCHEMA.names),
                as_of=self.moments.as_of,
                readings=(self._reading(kind),),
                up_to=int(last),
                rows=sum(file.rows for file in self.files),
                files={TABLE: self.files},
                rejected=self.rejected,
            )
        )

    def _tests(self, collection: str, last: str | None) -> Iterator[list[str]]:
        """Ids of tests after the last one, page by page in the order of ids."""
        changed = column(CHANGED).ge(self.since) if self.since is not None else None
        while True:
            query: Query | None = changed
            if last is not None:
                after = column("id").gt(Id(last))
                query = after if query is None else query & after
            page = self.workspace.page(
                collection, fields=["id"], query=query, order_by="id", limit=self.page_size
            )
            ids = [str(row["id"]) for row in page.rows]
            if ids:
                yield ids
            if len(ids) >= page.total_count:
                return
            if not ids or ids[-1] == last:
                raise AnswerError(
                    f"Listing {collection} of workspace {self.workspace.id} gave an empty page "
                    f"while {page.total_count} are left; try again."
                )
            last = ids[-1]

    def _row(self, kind: str, id: str) -> dict[str, Any] | None:
        try:
            body = self.workspace.get(f"tests/{id}/script")
        except NotFoundError:  # deleted since it was listed
            return None
        answer = body if isinstance(body, dict) else {}
        script = self._text(id, answer.get("script"))
        return {
            "id": id,
            "type": kind,
            "script": script,
            "creation_time": self._moment(id, answer, "creation_time"),
            "last_modified": self._moment(id, answer, "last_modified"),
            "_workspace_id": self.workspace.id,
            "_generation": self.draft.generation,
            "_extracted_at": self.moments.as_of.astimezone(UTC).replace(tzinfo=None),
            "_deleted": False,
        }

    def _text(self, id: str, script: Any) -> str | None:
        if script is not None and not isinstance(script, str):
            self.notes.reject(id, "script", script)
            return None
        if script is not None and has_half_character(script):
            self.notes.adjust(id, "script", HALF_CHARACTER)
            return mended_text(script)
        return script

    def _moment(self, id: str, answer: Mapping[str, Any], name: str) -> datetime | None:
        """A time of the script in UTC; None where there is none, or none that fits."""
        if answer.get("script") is None:
            return None
        try:
            moment, what = column_moment(answer.get(name))
        except MisfitError:
            self.notes.reject(id, name, answer.get(name))
            return None
        if what is not None:
            self.notes.adjust(id, name, what)
        return moment
