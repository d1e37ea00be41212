"""Rebase: a draft becomes the generation after the newest one, which may not be its parent.

A draft, the generation that it was made from and the newest one in, the next generation out;
`draft` calls it at every attempt to publish. Processes share a lake by workspaces: the draft's own
workspaces come from the draft, all others from the newest generation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import LakeError
from octane_flows.lake.manifest import (
    CertificateRow,
    ColumnEntry,
    FileEntry,
    Manifest,
    ServerFinding,
    TableEntry,
    WorkspaceEntry,
    carried_status,
)


def rebase(
    draft: Manifest,
    parent: Manifest | None,
    head: Manifest | None,
    *,
    workspaces: Collection[str] | None,
    names: Mapping[str, str | None] | None = None,
    number: int,
    where: str,
) -> Manifest:
    """The draft as generation `number`, after `head`, with `workspaces` as the draft has them.

    `workspaces` None: the draft is the whole lake; `names` are those of its workspaces by id.
    `where` names the lake in errors. Raises LakeError when another process published the same
    workspaces.
    """
    own = _workspaces_of(draft) if workspaces is None else set(workspaces)
    entry = WorkspaceEntry(
        draft.generation, draft.as_of, draft.signed_in_user_id, draft.signed_in_user_name
    )
    if head is not None:
        changed = own if workspaces is not None else own | set(head.workspaces)
        _require_same_server(draft, head, where)
        _require_unchanged(parent, head, changed, where)
        if workspaces is not None:
            draft = _merged(draft, parent, head, own)
    return replace(
        _numbered(draft, own, number),
        parent=head.generation if head is not None else None,
        workspaces={
            **(head.workspaces if head is not None else {}),
            **{id: replace(entry, name=(names or {}).get(id)) for id in sorted(own)},
        },
        compaction_stamp=head.compaction_stamp if head is not None else 0,
    )


def _workspaces_of(draft: Manifest) -> set[str]:
    files = {file.workspace for table in draft.tables.values() for file in table.files}
    return {*draft.states, *files}


def _require_unchanged(
    parent: Manifest | None, head: Manifest, own: Collection[str], where: str
) -> None:
    published = [
        workspace
        for workspace in own
        if head.stamp(workspace) != (parent.stamp(workspace) if parent else 0)
    ]
    if published:
        names = ", ".join(f"workspace {workspace}" for workspace in sorted(published))
        raise LakeError(
            f"Another process published {names} into {where} while this process read it; "
            "nothing of this process was published. Run it again: it will start from what the "
            "other process published."
        )


def _require_same_server(draft: Manifest, head: Manifest, where: str) -> None:
    own = (draft.server_url, draft.shared_space)
    published = (head.server_url, head.shared_space)
    hosts = [urlsplit(url).hostname or "" for url in (draft.server_url, head.server_url)]
    if own != published and not all(map(is_loopback, hosts)):
        raise LakeError(
            f"Another process published shared space {published[1]} of {published[0]} into "
            f"{where}, not {own[1]} of {own[0]}; nothing of this process was published. Give each "
            "shared space a lake of its own."
        )


def _merged(draft: Manifest, parent: Manifest | None, head: Manifest, own: set[str]) -> Manifest:
    """Own workspaces as the draft has them, the others as the newest generation has them."""
    as_of = max(draft.as_of, head.as_of)
    # of workspaces that the draft could not read it says why
    unread = {
        (row.workspace, row.entity): row
        for row in draft.certificate
        if row.workspace not in own and row.status in ("refused", "absent")
    }
    described = own | {finding.workspace for finding in draft.findings}
    parent_tables = parent.tables if parent is not None else {}
    names = [*head.tables, *(name for name in draft.tables if name not in head.tables)]
    return replace(
        draft,
        as_of=as_of,
        tables={
            name: _table(
                draft.tables.get(name), parent_tables.get(name), head.tables.get(name), own
            )
            for name in names
        },
        states={**head.states, **{id: draft.states[id] for id in own if id in draft.states}},
        fields=sorted(
            [
                *(field for field in head.fields if field.workspace not in own),
                *(field for field in draft.fields if field.workspace in own),
            ],
            key=lambda field: (field.workspace, field.entity, field.name),
        ),
        certificate=[
            *(_with_lag(row, as_of) for row in draft.certificate if row.workspace in own),
            *(
                _carried(unread.get((row.workspace, row.entity), row), as_of)
                for row in head.certificate
                if row.workspace not in own
            ),
        ],
        schema_changes=[
            *head.schema_changes,
            *(change for change in draft.schema_changes if change.generation == draft.generation),
        ],
        findings=[
            *draft.findings,
            *(finding for finding in head.findings if finding.workspace not in described),
        ],
        server=_server_findings(draft, head),
    )


def _server_findings(draft: Manifest, head: Manifest) -> list[ServerFinding]:
    """The draft's, and of features that it did not ask for the newest generation's."""
    if draft.server_version != head.server_version:
        return draft.server
    features = {finding.feature for finding in draft.server}
    return [
        *draft.server,
        *(finding for finding in head.server if finding.feature not in features),
    ]


def _table(
    draft: TableEntry | None, parent: TableEntry | None, head: TableEntry | None, own: set[str]
) -> TableEntry:
    if draft is None or head is None:
        table = draft or head
        assert table is not None  # the name came from one of the two
        return table
    _require_same_columns(draft, parent, head)
    labelled = draft if parent is None or draft.label != parent.label else head
    return replace(
        draft,
        label=labelled.label,
        values_since=_values_since(draft, head, own),
        columns=_columns(draft.columns, parent.columns if parent else (), head.columns),
        files=tuple(_files(draft.files, parent.files if parent else (), head.files, own)),
    )


def _require_same_columns(draft: TableEntry, parent: TableEntry | None, head: TableEntry) -> None:
    """Two processes may give a new column to different fields at the same time: one tries again."""
    newest = {column.name.casefold(): column for column in head.columns}
    previous = parent.columns if parent is not None else ()
    for column in draft.columns:
        other = newest.get(column.name.casefold(), column)
        is_new = column not in previous and other not in previous
        if is_new and (column.field, column.type) != (other.field, other.type):
            raise LakeError(
                f"Another process added the column {other.name} to the table {draft.name} for "
                "another field or type meanwhile; nothing of this process was published. Run it "
                "again: the column will then have another name."
            )


def _values_since(
    draft: TableEntry, head: TableEntry, own: Collection[str]
) -> dict[str, dict[str, int]]:
    """From when on values count: in own workspaces as the draft says, in others as the newest."""
    merged: dict[str, dict[str, int]] = {}
    for entry, is_own in ((draft, True), (head, False)):
        for name, since in entry.values_since.items():
            for workspace, generation in since.items():
                if (workspace in own) is is_own:
                    merged.setdefault(name, {})[workspace] = generation
    return merged


def _columns(
    draft: Collection[ColumnEntry], parent: Collection[ColumnEntry], head: Collection[ColumnEntry]
) -> tuple[ColumnEntry, ...]:
    """The draft's own changes, on top of the columns that the newest generation has."""
    newest = {column.name: column for column in head}
    columns = {
        column.name: newest.get(column.name, column) if column in parent else column
        for column in draft
    }
    return tuple({**newest, **columns}[name] for name in dict.fromkeys([*columns, *newest]))


def _files(
    draft: Collection[FileEntry],
    parent: Collection[FileEntry],
    head: Collection[FileEntry],
    own: set[str],
) -> Iterator[FileEntry]:
    """The files of the newest generation, which may be compacted meanwhile, and the new files.

    A workspace of which the draft dropped files has the draft's files alone.
    """
    kept = {file.path for file in draft}
    replaced = {file.workspace for file in parent if file.path not in kept} & own
    yield from (file for file in head if file.workspace not in replaced)
    new = kept - {file.path for file in parent}
    yield from (
        file
        for file in draft
        if file.workspace in replaced or (file.workspace in own and file.path in new)
    )


def _carried(row: CertificateRow, as_of: datetime) -> CertificateRow:
    """A row of a workspace that this generation did not read."""
    return _with_lag(replace(row, status=carried_status(row.status), rows_written=0), as_of)


def _with_lag(row: CertificateRow, as_of: datetime) -> CertificateRow:
    """A row with its lag behind the generation, which may be later than the row's own extract."""
    lag_s = (as_of - row.cursor).total_seconds() if row.cursor is not None else None
    return replace(row, lag_s=lag_s)


def _numbered(draft: Manifest, own: set[str], number: int) -> Manifest:
    """The draft with its own number replaced by the number under which it is published."""
    if number == draft.generation:
        return draft

    def renumbered(workspace: str, generation: int) -> int:
        return number if generation == draft.generation and workspace in own else generation

    return replace(
        draft,
        generation=number,
        fields=[
            replace(
                field,
                first_generation=renumbered(field.workspace, field.first_generation),
                last_generation=renumbered(field.workspace, field.last_generation),
            )
            for field in draft.fields
        ],
        schema_changes=[
            replace(change, generation=renumbered(change.workspace, change.generation))
            for change in draft.schema_changes
        ],
    )
