"""What a draft becomes after the newest generation, which others may have published meanwhile.

A draft, the generation that it was made from and the newest one in, the next generation out;
`store` calls it at every attempt to publish. Workspaces are what processes share a lake by: all of
the draft's own come from the draft, all of the others from the newest generation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    TableEntry,
    WorkspaceEntry,
)


def rebase(
    draft: Manifest,
    parent: Manifest | None,
    head: Manifest | None,
    *,
    workspaces: Collection[str] | None,
    number: int,
    where: str,
) -> Manifest:
    """The draft as generation `number`, after `head`, with these workspaces as the draft has them.

    None: the draft is about all of them and taken as it is. `where` names the lake in errors.
    Raises LakeError when others published the same workspaces.
    """
    own = set(draft.known_workspaces() if workspaces is None else workspaces)
    told = WorkspaceEntry(
        draft.generation, draft.as_of, draft.signed_in_user_id, draft.signed_in_user_name
    )
    if head is not None:
        changed = own if workspaces is not None else own | set(head.known_workspaces())
        _require_same_server(draft, head, where)
        _require_unchanged(parent, head, changed, where)
        if workspaces is not None:
            draft = _merged(draft, parent, head, own)
    return replace(
        _numbered(draft, own, number),
        parent=head.generation if head is not None else None,
        workspaces={
            **(head.known_workspaces() if head is not None else {}),
            **dict.fromkeys(sorted(own), told),
        },
        compaction_stamp=head.compaction_stamp if head is not None else 0,
    )


def _require_unchanged(
    parent: Manifest | None, head: Manifest, own: Collection[str], where: str
) -> None:
    taken = [one for one in own if head.stamp(one) != (parent.stamp(one) if parent else 0)]
    if taken:
        about = ", ".join(f"workspace {one}" for one in sorted(taken))
        raise LakeError(
            f"Another process published {about} into {where} while this one read it; nothing of "
            "this one was published. Run it again: it will begin with what the other one published."
        )


def _require_same_server(draft: Manifest, head: Manifest, where: str) -> None:
    now, then = (draft.server_url, draft.shared_space), (head.server_url, head.shared_space)
    hosts = [urlsplit(url).hostname or "" for url in (draft.server_url, head.server_url)]
    if now != then and not all(map(is_loopback, hosts)):
        raise LakeError(
            f"Another process published shared space {then[1]} of {then[0]} into {where}, not "
            f"{now[1]} of {now[0]}; nothing of this one was published. Give each a lake of its own."
        )


def _merged(draft: Manifest, parent: Manifest | None, head: Manifest, own: set[str]) -> Manifest:
    """Own workspaces as the draft has them, the others as they are now."""
    as_of = max(draft.as_of, head.as_of)
    former = parent.tables if parent is not None else {}
    names = [*head.tables, *(name for name in draft.tables if name not in head.tables)]
    return replace(
        draft,
        as_of=as_of,
        tables={
            name: _table(draft.tables.get(name), former.get(name), head.tables.get(name), own)
            for name in names
        },
        states={**head.states, **{one: draft.states[one] for one in own if one in draft.states}},
        fields=sorted(
            [
                *(one for one in head.fields if one.workspace not in own),
                *(one for one in draft.fields if one.workspace in own),
            ],
            key=lambda one: (one.workspace, one.entity, one.name),
        ),
        certificate=[
            *(_aged(row, as_of) for row in draft.certificate if row.workspace in own),
            *(_carried(row, as_of) for row in head.certificate if row.workspace not in own),
        ],
        schema_changes=[
            *head.schema_changes,
            *(one for one in draft.schema_changes if one.generation == draft.generation),
        ],
        findings=[
            *(one for one in draft.findings if one.workspace in own),
            *(one for one in head.findings if one.workspace not in own),
        ],
    )


def _table(
    draft: TableEntry | None, former: TableEntry | None, head: TableEntry | None, own: set[str]
) -> TableEntry:
    if draft is None or head is None:
        table = draft or head
        assert table is not None  # the name came from one of the two
        return table
    told = draft if former is None or draft.label != former.label else head
    return replace(
        draft,
        label=told.label,
        columns=_columns(draft.columns, former.columns if former else (), head.columns),
        files=tuple(_files(draft.files, former.files if former else (), head.files, own)),
    )


def _columns(
    draft: Collection[ColumnEntry], former: Collection[ColumnEntry], head: Collection[ColumnEntry]
) -> tuple[ColumnEntry, ...]:
    """The draft's columns, those that others changed as they are now, and those that are new."""
    now = {column.name: column for column in head}
    columns = {
        column.name: now.get(column.name, column) if column in former else column
        for column in draft
    }
    return tuple({**now, **columns}[name] for name in dict.fromkeys([*columns, *now]))


def _files(
    draft: Collection[FileEntry],
    former: Collection[FileEntry],
    head: Collection[FileEntry],
    own: set[str],
) -> Iterator[FileEntry]:
    """Where own files were let go of, own files are the draft's alone.

    Others are the newest generation's, in which they may have been merged meanwhile.
    """
    kept = {file.path for file in draft}
    replaced = {file.workspace for file in former if file.path not in kept} & own
    yield from (file for file in head if file.workspace not in replaced)
    new = kept - {file.path for file in former}
    yield from (
        file
        for file in draft
        if file.workspace in replaced or (file.workspace in own and file.path in new)
    )


def _carried(row: CertificateRow, as_of: datetime) -> CertificateRow:
    """A row of a workspace that this generation did not read."""
    return _aged(replace(row, status="carried", rows_written=0), as_of)


def _aged(row: CertificateRow, as_of: datetime) -> CertificateRow:
    """A row whose lag is that of the generation, which may be later than the row's own extract."""
    lag_s = (as_of - row.cursor).total_seconds() if row.cursor is not None else None
    return replace(row, lag_s=lag_s)


def _numbered(draft: Manifest, own: set[str], number: int) -> Manifest:
    """What the draft says of the generation that it makes, by the number that this one gets."""

    def told(workspace: str, generation: int) -> int:
        return number if generation == draft.generation and workspace in own else generation

    return replace(
        draft,
        generation=number,
        fields=[
            replace(
                one,
                first_generation=told(one.workspace, one.first_generation),
                last_generation=told(one.workspace, one.last_generation),
            )
            for one in draft.fields
        ],
        schema_changes=[
            replace(one, generation=told(one.workspace, one.generation))
            for one in draft.schema_changes
        ],
    )
