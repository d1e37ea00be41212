"""One extract: read all that the plan names, add it up, publish one generation.

The client and the data folder in, a published manifest and a report out. Called by the command
line and by Dagster. Anything that does not add up publishes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from octane_flows.errors import AccessError, ExtractError, UsageError
from octane_flows.extract.columns import arrow_schema
from octane_flows.extract.decode import DecodedPage, decode_page
from octane_flows.extract.plan import EntityPlan, Plan, TablePlan, make_plan
from octane_flows.extract.read import ReadCount, read_pages
from octane_flows.extract.rows import Stamp, link_table, short_lists
from octane_flows.extract.scripts import Scripts, kept_scripts, read_scripts, with_scripts
from octane_flows.lake import (
    CertificateRow,
    Draft,
    FileEntry,
    Interval,
    Lake,
    Manifest,
    ReadState,
    SchemaChange,
    TableEntry,
)
from octane_flows.lake.files import TableWriter
from octane_flows.octane import Octane, Workspace

#: Called with (what is being read, entity types done, entity types in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EntityOutcome:
    """One entity type of one workspace: rows and pages read, bytes received."""

    workspace: str
    entity: str
    rows: int
    links: int
    pages: int
    bytes_received: int


@dataclass(frozen=True)
class ExtractReport:
    """What an extract published."""

    manifest: Manifest
    outcomes: tuple[EntityOutcome, ...]

    @property
    def rows(self) -> int:
        """Entities read."""
        return sum(one.rows for one in self.outcomes)


def extract(
    octane: Octane,
    home: Path,
    *,
    workspaces: Sequence[str] | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    page_size: int,
    concurrency: int,
    scripts: bool = False,
    progress: Progress | None = None,
) -> ExtractReport:
    """Read the workspaces (None: all readable ones) into a new generation of `home`'s lake.

    `only` and `skip` name entity types, `scripts` reads those of tests too. Raises ExtractError,
    ServerError or LakeError, and then the former generation is still the current one.
    """
    draft = Lake(home / "lake").draft()
    _require_same_server(draft.parent, octane, home)
    as_of = octane.server_time()
    user = octane.current_user()
    ids = list(workspaces) if workspaces is not None else [one.id for one in octane.workspaces()]
    opened = {one: octane.workspace(one) for one in ids}
    metadata = {one: workspace.metadata() for one, workspace in opened.items()}
    plan = make_plan(metadata, only=only, skip=skip)
    run = _Run(draft, plan, opened, as_of, page_size, concurrency)
    outcomes = run.read(progress)
    certificate = [*run.certificate, *run.carried()]
    tables = _merge_tables(draft.parent, plan, run.files)
    script = Scripts(kept_scripts(draft.parent))
    if scripts:
        script = read_scripts(draft, opened, as_of, page_size=page_size, concurrency=concurrency)
    manifest = draft.publish(
        as_of=as_of,
        server_url=octane.url,
        server_version=octane.version(),
        shared_space=octane.shared_space,
        tables={**tables, script.table.name: script.table},
        states=with_scripts(_states(draft, run.certificate, as_of), script),
        fields=[],
        certificate=certificate,
        schema_changes=_schema_changes(draft, plan),
        politeness=asdict(octane.politeness),
        findings=[*plan.findings, *run.cross_check(), *script.findings],
        signed_in_user_id=user.id if user else None,
        signed_in_user_name=user.name if user else None,
    )
    return ExtractReport(manifest, tuple(outcomes))


def _require_same_server(parent: Manifest | None, octane: Octane, home: Path) -> None:
    if parent is None or (_is_loopback(parent.server_url) and _is_loopback(octane.url)):
        return  # a simulator or a tunnel takes another port each time
    before, now = (parent.server_url, parent.shared_space), (octane.url, octane.shared_space)
    if before != now:
        raise UsageError(
            f"{home} holds shared space {before[1]} of {before[0]}, not {now[1]} of {now[0]}; "
            "give OCTANE_HOME a folder of its own for each."
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class _Run:
    """The reading half of an extract, with what it has counted so far."""

    def __init__(
        self,
        draft: Draft,
        plan: Plan,
        workspaces: dict[str, Workspace],
        as_of: datetime,
        page_size: int,
        concurrency: int,
    ) -> None:
        self.draft = draft
        self.plan = plan
        self.workspaces = workspaces
        self.as_of = as_of
        self.page_size = page_size
        self.concurrency = concurrency
        self.files: dict[str, list[FileEntry]] = {name: [] for name in plan.tables}
        self.certificate: list[CertificateRow] = []

    def read(self, progress: Progress | None) -> list[EntityOutcome]:
        outcomes: list[EntityOutcome] = []
        total = len(self.plan.entities)
        refused: list[str] = []
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="extract") as pool:
            for done, entity in enumerate(self.plan.entities):
                if progress is not None:
                    progress(entity.name, done, total)
                try:
                    outcomes.append(self._entity(entity, pool))
                except AccessError:
                    refused.append(f"{entity.name} (workspace {entity.workspace})")
        if progress is not None:
            progress("published", total, total)
        if refused:
            skips = " ".join(f"--skip {name.split(' ', 1)[0]}" for name in refused)
            raise ExtractError(
                f"The server lists but does not let this user or API key read: "
                f"{', '.join(refused)}. Nothing was published; ask for a role that reads them, "
                f"or leave them out with {skips}."
            )
        return outcomes

    def _entity(self, entity: EntityPlan, pool: ThreadPoolExecutor) -> EntityOutcome:
        workspace = self.workspaces[entity.workspace]
        stamp = Stamp(entity.workspace, self.draft.generation, self.as_of)
        tables = [self.plan.tables[entity.name]] + [
            self.plan.tables[f"{entity.name}__{one.name}"] for one in entity.links
        ]
        writers = {table.name: self._writer(table, entity.workspace) for table in tables}
        count = ReadCount()
        try:
            for page in read_pages(
                workspace,
                entity,
                pool,
                decode=lambda page: decode_page(page, entity, self.plan.tables, stamp),
                page_size=self.page_size,
                windows_in_flight=self.concurrency,
                count=count,
            ):
                whole = self._complete_lists(workspace, entity, page, stamp)
                for name, rows in whole.tables.items():
                    writers[name].write(rows)
        except BaseException:
            for writer in writers.values():
                writer.discard()
            raise
        for name, writer in writers.items():
            file = writer.close()
            if file is not None:
                self.files[name].append(file)
        self.certificate.append(
            CertificateRow(
                workspace=entity.workspace,
                entity=entity.name,
                collection=entity.collection,
                total_count=count.total_count,
                rows_read=count.rows,
                pages=count.pages,
                bytes_received=count.bytes_received,
                status="complete",
            )
        )
        links = sum(writers[table.name].rows for table in tables[1:])
        return EntityOutcome(
            entity.workspace, entity.name, count.rows, links, count.pages, count.bytes_received
        )

    def _writer(self, table: TablePlan, workspace: str) -> TableWriter:
        return self.draft.writer(table.name, arrow_schema(table.columns), workspace=workspace)

    def _complete_lists(
        self, workspace: Workspace, entity: EntityPlan, page: DecodedPage, stamp: Stamp
    ) -> DecodedPage:
        """Ask again, one entity at a time, where a nested list came shorter than it says."""
        for id, field in page.short_lists:
            row = workspace.entity(entity.collection, id, fields=[field.name])
            if any(one is field for _, one in short_lists(entity, [row])):
                raise ExtractError(
                    f"Workspace {entity.workspace}: {entity.name} {id} lists fewer "
                    f"{field.name} than it counts, twice. Nothing was published; run it again."
                )
            name = f"{entity.name}__{field.name}"
            links = link_table(entity, self.plan.tables[name], field, [row], stamp)
            page = page.with_links(name, id, links)
        return page

    def carried(self) -> list[CertificateRow]:
        """What the former generation knew about rows that this extract did not ask for."""
        if self.draft.parent is None:
            return []
        read = {(row.workspace, row.entity) for row in self.certificate}
        return [
            CertificateRow(**{**asdict(row), "status": "carried"})
            for row in self.draft.parent.certificate
            if (row.workspace, row.entity) not in read
        ]

    def cross_check(self) -> list[str]:
        """Findings where an aggregate counts other rows than its subtypes brought."""
        rows = {(row.workspace, row.entity): row.rows_read for row in self.certificate}
        findings = []
        for one in self.plan.aggregates:
            read = [rows.get((one.workspace, subtype)) for subtype in one.subtypes]
            known = [count for count in read if count is not None]
            if len(known) < len(read):
                continue
            counted = self.workspaces[one.workspace].count(one.collection)
            if counted != sum(known):
                findings.append(
                    f"workspace {one.workspace}: {one.collection} counts {counted} rows, its "
                    f"subtypes brought {sum(known)}"
                )
        return findings


def _merge_tables(
    parent: Manifest | None, plan: Plan, files: dict[str, list[FileEntry]]
) -> dict[str, TableEntry]:
    """The tables read now, with the files of workspaces and tables that were not asked for."""
    tables = dict(parent.tables) if parent is not None else {}
    read = {(one.workspace, one.name) for one in plan.entities}
    for name, table in plan.tables.items():
        former = tables.get(name)
        kept = (
            [file for file in former.files if (file.workspace, table.entity) not in read]
            if former is not None
            else []
        )
        columns = {column.name: column for column in table.columns}
        if former is not None:
            # A removed field keeps its column: null in the new files, values in the kept ones.
            for column in former.columns:
                columns.setdefault(column.name, column)
        tables[name] = TableEntry(
            name=name,
            kind="entity" if table.field is None else "link",
            entity=table.entity,
            field=table.field,
            label=table.label,
            columns=tuple(columns.values()),
            files=(*kept, *files[name]),
        )
    return tables


def _states(
    draft: Draft, certificate: Sequence[CertificateRow], as_of: datetime
) -> dict[str, dict[str, ReadState]]:
    """Per workspace and entity type, up to when its rows are known."""
    states = dict(draft.parent.states) if draft.parent is not None else {}
    for row in certificate:
        state = ReadState("changes", as_of, (Interval(None, as_of),))
        states[row.workspace] = {**states.get(row.workspace, {}), row.entity: state}
    return states


def _schema_changes(draft: Draft, plan: Plan) -> list[SchemaChange]:
    """Fields that came, went or changed their type since the former generation, kept for good."""
    if draft.parent is None:
        return []
    changes = list(draft.parent.schema_changes)
    gone_before = {
        (change.entity, change.field) for change in changes if change.change == "removed"
    }
    for name, table in plan.tables.items():
        former = draft.parent.tables.get(name)
        if former is None or table.field is not None:
            continue
        before = {column.name: column for column in former.columns}
        after = {column.name: column for column in table.columns}
        workspace = next(one.workspace for one in plan.entities if one.name == table.entity)
        for column in after.keys() - before.keys():
            changes.append(
                SchemaChange(draft.generation, workspace, name, column, "added", after[column].type)
            )
        for column in before.keys() - after.keys():
            if (name, column) not in gone_before:
                changes.append(
                    SchemaChange(
                        draft.generation, workspace, name, column, "removed", before[column].type
                    )
                )
        for column in before.keys() & after.keys():
            if before[column].type != after[column].type:
                detail = f"{before[column].type} to {after[column].type}"
                changes.append(
                    SchemaChange(draft.generation, workspace, name, column, "retyped", detail)
                )
    return changes
