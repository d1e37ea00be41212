"""The scripts of manual and Gherkin tests: one request a test, so only of tests that changed.

Workspaces of the client and the former generation in, the table `test_script` and how far it is
known out; `run` calls it where OCTANE_SCRIPTS says so. A script belongs to its test: writing it
moves the test's `last_modified`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from octane_flows.errors import AccessError, AnswerError, NotFoundError
from octane_flows.extract.columns import ENTITY_KEYS, OWN_COLUMNS, arrow_schema
from octane_flows.lake import (
    ColumnEntry,
    Draft,
    FileEntry,
    Finding,
    Interval,
    Manifest,
    ReadState,
    TableEntry,
)
from octane_flows.octane import Id, Query, Workspace
from octane_flows.octane import field as column

TABLE = "test_script"
COLLECTIONS = {"test_manual": "manual_tests", "gherkin_test": "gherkin_tests"}
COLUMNS = (
    *ENTITY_KEYS,
    ColumnEntry("script", "VARCHAR", None, None, "Script"),
    ColumnEntry("creation_time", "TIMESTAMP", None, None, "Creation time of the script"),
    ColumnEntry("last_modified", "TIMESTAMP", None, None, "Last change of the script"),
    *OWN_COLUMNS,
)


@dataclass(frozen=True)
class Scripts:
    """What one extract read of scripts; `table` holds former files too."""

    table: TableEntry
    states: Mapping[str, ReadState] = field(default_factory=dict)  # by workspace
    findings: tuple[Finding, ...] = ()


def kept_scripts(parent: Manifest | None) -> TableEntry:
    """The table as the former generation has it; without rows before scripts were ever read."""
    former = parent.tables.get(TABLE) if parent is not None else None
    files = former.files if former is not None else ()
    return TableEntry(TABLE, "entity", TABLE, None, "Test script", COLUMNS, files)


def with_scripts(
    states: Mapping[str, Mapping[str, ReadState]], scripts: Scripts
) -> dict[str, dict[str, ReadState]]:
    """The read states of a generation with those of the scripts."""
    merged = {workspace: dict(one) for workspace, one in states.items()}
    for workspace, state in scripts.states.items():
        merged.setdefault(workspace, {})[TABLE] = state
    return merged


def read_scripts(
    draft: Draft,
    workspaces: Mapping[str, Workspace],
    as_of: datetime,
    *,
    page_size: int,
    concurrency: int,
    overlap: timedelta = timedelta(0),
    settle: timedelta = timedelta(0),
    full: bool = False,
) -> Scripts:
    """Read the scripts of tests that changed since the former generation; at first, or `full`, all.

    `overlap` reads that far back again, and what is read is known up to `settle` before `as_of`.
    """
    kept = kept_scripts(draft.parent)
    files, states, findings = list(kept.files), {}, []
    with ThreadPoolExecutor(concurrency, thread_name_prefix="scripts") as pool:
        for id, workspace in workspaces.items():
            former = _state(draft.parent, id)
            since = former.cursor - overlap if former is not None and not full else None
            reader = _Reader(draft, workspace, as_of, page_size, pool)
            try:
                file = reader.read(since)
            except AccessError as error:
                findings.append(Finding(id, f"scripts of tests may not be read ({error})"))
                continue
            files += [file] if file is not None else []
            cursor = as_of - settle
            states[id] = ReadState("changes", cursor, (Interval(None, cursor),))
    return Scripts(replace(kept, files=tuple(files)), states, tuple(findings))


def _state(parent: Manifest | None, workspace: str) -> ReadState | None:
    return parent.states.get(workspace, {}).get(TABLE) if parent is not None else None


class _Reader:
    """The scripts of one workspace."""

    def __init__(
        self,
        draft: Draft,
        workspace: Workspace,
        as_of: datetime,
        page_size: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.draft = draft
        self.workspace = workspace
        self.as_of = as_of
        self.page_size = page_size
        self.pool = pool

    def read(self, since: datetime | None) -> FileEntry | None:
        """Write one file of the scripts that may have changed; None when there are none."""
        schema = arrow_schema(COLUMNS)
        writer = self.draft.writer(TABLE, schema, workspace=self.workspace.id)
        try:
            for kind, collection in COLLECTIONS.items():
                for ids in self._tests(collection, since):
                    found = self.pool.map(lambda id, kind=kind: self._row(kind, id), ids)
                    rows = [row for row in found if row is not None]
                    writer.write(pa.Table.from_pylist(rows, schema=schema))
        except BaseException:
            writer.discard()
            raise
        return writer.close()

    def _tests(self, collection: str, since: datetime | None) -> Iterator[list[str]]:
        """Ids of tests, page by page in the order of ids."""
        last: str | None = None
        while True:
            query: Query | None = column("last_modified").ge(since) if since is not None else None
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
        script = body.get("script") if isinstance(body, dict) else None
        if script is not None and not isinstance(script, str):
            raise AnswerError(
                f"The script of test {id} in workspace {self.workspace.id} is no text; try again, "
                "and report it if it stays."
            )
        return {
            "id": id,
            "type": kind,
            "script": script,
            "creation_time": _moment(body.get("creation_time") if script is not None else None),
            "last_modified": _moment(body.get("last_modified") if script is not None else None),
            "_workspace_id": self.workspace.id,
            "_generation": self.draft.generation,
            "_extracted_at": self.as_of.astimezone(UTC).replace(tzinfo=None),
            "_deleted": False,
        }


def _moment(value: Any) -> datetime | None:
    """A time of the server in UTC; None where it says none."""
    if not isinstance(value, str):
        return None
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
