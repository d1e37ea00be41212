"""What an extract did with each entity type, and what becomes of it: tables, states and the report.

Counts and files come in, records go out; `extract_journal` keeps results over a kill, `run_extract`
publishes them and gives the report to the command line and to Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from octane_flows.extract.extract_plan import Key, Plan
from octane_flows.extract.rejected_values import TakenValues
from octane_flows.lake import FileEntry, Manifest, ReadState, TableEntry
from octane_flows.lake.manifest import SchemaChangeKind

Files = dict[str, list[FileEntry]]  # by table


@dataclass
class ReadCount:
    """What reading a collection cost and brought; only its own reading adds to it.

    `first_count` is the server's count at the beginning, None where it does not count so far.
    """

    total_count: int = 0
    first_count: int | None = None
    rows: int = 0
    pages: int = 0
    bytes_received: int = 0

    def add_page(self, rows: int, bytes_received: int) -> None:
        """Count one page."""
        self.rows += rows
        self.pages += 1
        self.bytes_received += bytes_received

    def followed_by(self, later: ReadCount) -> ReadCount:
        """The count of both, where `later` read what this reading had left."""
        return ReadCount(
            self.rows + later.total_count,
            None if later.first_count is None else self.rows + later.first_count,
            self.rows + later.rows,
            self.pages + later.pages,
            self.bytes_received + later.bytes_received,
        )


@dataclass(frozen=True)
class Counts:
    """What one entity type cost and brought, for the certificate."""

    total_count: int = 0
    rows_read: int = 0
    pages: int = 0
    bytes_received: int = 0
    rows_written: int = 0
    links_written: int = 0
    rows_held: int | None = None
    server_count_start: int | None = None
    server_count_end: int | None = None


@dataclass(frozen=True)
class Result:
    """What an extract did with one entity type of one workspace.

    `replaces`: the files take the place of all previous ones. `lists`: roots that were added or
    removed, with their change. `fields` is what was requested: another plan cannot use the result.
    `taken` are values that were changed to fit their columns.
    `owners_read_to`: of the owners up to this id the link sets that other rows change were read.
    """

    workspace: str
    entity: str
    kind: str
    state: ReadState
    counts: Counts
    files: Files = field(default_factory=dict)
    replaces: bool = False
    notes: tuple[str, ...] = ()
    lists: tuple[tuple[str, SchemaChangeKind], ...] = ()
    fields: tuple[str, ...] = ()
    owners_read_to: int | None = None
    taken: tuple[TakenValues, ...] = ()

    @property
    def key(self) -> Key:
        """The workspace and the entity type."""
        return self.workspace, self.entity

    def with_files(self, files: Files, *, rows: int, links: int, cost: ReadCount) -> Result:
        """The result with the files of a later reading, their rows and what the reading cost."""
        merged = {name: list(entries) for name, entries in self.files.items()}
        for name, entries in files.items():
            merged.setdefault(name, []).extend(entries)
        counts = replace(
            self.counts,
            pages=self.counts.pages + cost.pages,
            bytes_received=self.counts.bytes_received + cost.bytes_received,
            rows_written=self.counts.rows_written + rows,
            links_written=self.counts.links_written + links,
        )
        return replace(self, counts=counts, files=merged)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {**asdict(self), "state": self.state.to_json()}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Result:
        """Read back what `to_json` gave."""
        return cls(
            **{
                **body,
                "state": ReadState.from_json(body["state"]),
                "counts": Counts(**body["counts"]),
                "files": files_from_json(body["files"]),
                "notes": tuple(body["notes"]),
                "lists": tuple((id, change) for id, change in body["lists"]),
                "fields": tuple(body["fields"]),
                "taken": tuple(TakenValues(**entry) for entry in body["taken"]),
            }
        )


def files_from_json(body: dict[str, list[dict[str, Any]]]) -> Files:
    """Read back file entries by table."""
    return {name: [FileEntry(**entry) for entry in files] for name, files in body.items()}


def merge_tables(
    parent: Manifest | None, plan: Plan, results: Mapping[Key, Result]
) -> dict[str, TableEntry]:
    """The tables of the next generation by name: previous files, new files, columns of both.

    The files of a full reading take the place of its workspace's previous ones.
    """
    tables = dict(parent.tables) if parent is not None else {}
    for name, table in plan.tables.items():
        previous = tables.get(name)
        files: list[FileEntry] = []
        if previous is not None:
            files = [
                file
                for file in previous.files
                if not _is_replaced(results.get((file.workspace, table.entity)))
            ]
        for (_, entity), result in results.items():
            if entity == table.entity:
                files += result.files.get(name, ())
        columns = {column.name: column for column in table.columns}
        if previous is not None:
            # A removed field keeps its column: null in the new files, values in the kept ones.
            for column in previous.columns:
                columns.setdefault(column.name, column)
        tables[name] = TableEntry(
            name=name,
            kind="entity" if table.field is None else "link",
            entity=table.entity,
            field=table.field,
            label=table.label,
            columns=tuple(columns.values()),
            files=tuple(files),
            values_since=previous.values_since if previous is not None else {},
        )
    return tables


def with_values_since(
    tables: Mapping[str, TableEntry], values_since: Mapping[Key, Mapping[str, int]]
) -> dict[str, TableEntry]:
    """The tables with the first generation whose values count, of fields that went or returned."""
    changed = dict(tables)
    for (workspace, entity), since in values_since.items():
        for name, table in changed.items():
            fields = {column.field for column in table.columns} | {table.field}
            if table.entity == entity and not fields.isdisjoint(since):
                merged = dict(table.values_since)
                for field_name in fields & since.keys():
                    if field_name is not None:
                        before = merged.get(field_name, {})
                        merged[field_name] = {**before, workspace: since[field_name]}
                changed[name] = replace(table, values_since=merged)
    return changed


def _is_replaced(result: Result | None) -> bool:
    return result is not None and result.replaces


def merge_states(
    parent: Manifest | None, results: Mapping[Key, Result]
) -> dict[str, dict[str, ReadState]]:
    """The read states of the next generation; those of types that were not read stay."""
    states = parent.states.items() if parent is not None else ()
    merged = {workspace: dict(by_entity) for workspace, by_entity in states}
    for (workspace, entity), result in results.items():
        merged.setdefault(workspace, {})[entity] = result.state
    return merged


@dataclass(frozen=True)
class EntityOutcome:
    """One entity type of one workspace: rows and pages read, bytes received, rows written."""

    workspace: str
    entity: str
    rows: int
    links: int
    pages: int
    bytes_received: int
    rows_written: int = 0


@dataclass(frozen=True)
class ExtractReport:
    """What an extract published; `resumed` counts entity types that a stopped one had read.

    `unread` are workspaces that were to be read and could not be, with the reasons.
    """

    manifest: Manifest
    outcomes: tuple[EntityOutcome, ...]
    resumed: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Entities read."""
        return sum(outcome.rows for outcome in self.outcomes)

    @property
    def rejected_values(self) -> int:
        """Values of the workspaces that were read which the lake cannot hold."""
        workspaces = {outcome.workspace for outcome in self.outcomes}
        certificate = self.manifest.certificate
        return sum(row.rejected_values for row in certificate if row.workspace in workspaces)

    @property
    def rows_written(self) -> int:
        """New versions and tombstones."""
        return sum(outcome.rows_written for outcome in self.outcomes)

    @property
    def has_changes(self) -> bool:
        """Whether any data file was written."""
        return any(outcome.rows_written or outcome.links for outcome in self.outcomes)


def outcomes(results: Iterable[Result]) -> tuple[EntityOutcome, ...]:
    """One outcome for each result."""
    return tuple(
        EntityOutcome(
            result.workspace,
            result.entity,
            result.counts.rows_read,
            result.counts.links_written,
            result.counts.pages,
            result.counts.bytes_received,
            result.counts.rows_written,
        )
        for result in results
    )
