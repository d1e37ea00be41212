"""The certificate of a generation: per workspace and entity type what was asked, came and is held.

Results of this extract and the former certificate in, certificate rows out; `run` publishes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.lake import CertificateRow, Manifest, ReadState


def certificate_rows(
    parent: Manifest | None,
    entities: Iterable[EntityPlan],
    results: Mapping[Key, Result],
    refused: Mapping[Key, str],
    as_of: datetime,
) -> list[CertificateRow]:
    """A row for each entity type that was read, refused, or carried from the former generation."""
    former = {(row.workspace, row.entity): row for row in parent.certificate} if parent else {}
    rows: dict[Key, CertificateRow] = {}
    for entity in entities:
        key = (entity.workspace, entity.name)
        if key in results:
            rows[key] = _row(entity, results[key], as_of)
        elif key in refused and key in former:
            rows[key] = _kept(former[key], parent, as_of, "refused", refused[key])
    for key, row in former.items():
        if key not in rows:
            rows[key] = _kept(row, parent, as_of, "carried", row.note)
    return list(rows.values())


def _row(entity: EntityPlan, result: Result, as_of: datetime) -> CertificateRow:
    counts, state = result.counts, result.state
    notes = list(result.notes)
    if state.mode == "changes" and not state.is_whole:
        notes.append(f"held in part: {_parts(state)}")
    return CertificateRow(
        workspace=entity.workspace,
        entity=entity.name,
        collection=entity.collection,
        total_count=counts.total_count,
        rows_read=counts.rows_read,
        pages=counts.pages,
        bytes_received=counts.bytes_received,
        status="complete",
        note="; ".join(notes),
        mode=result.kind,
        rows_written=counts.rows_written,
        rows_held=counts.rows_held,
        server_count_start=counts.server_count_start,
        server_count_end=counts.server_count_end,
        cursor=state.cursor,
        lag_s=(as_of - state.cursor).total_seconds(),
        census_at=state.census.at if state.census else None,
        census_result=state.census.result if state.census else "",
        tombstones=state.deleted,
    )


def _kept(
    row: CertificateRow, parent: Manifest | None, as_of: datetime, status: str, note: str
) -> CertificateRow:
    """A row of the former certificate: nothing was read, so the lag grows."""
    state = parent.states.get(row.workspace, {}).get(row.entity) if parent is not None else None
    cursor = state.cursor if state is not None else row.cursor
    return replace(
        row,
        status="refused" if status == "refused" else "carried",
        note=note,
        rows_written=0,
        cursor=cursor,
        lag_s=(as_of - cursor).total_seconds() if cursor is not None else None,
    )


def _parts(state: ReadState) -> str:
    texts = []
    for one in state.intervals:
        start = f"from {one.start:%Y-%m-%d %H:%M:%S}" if one.start else "from the beginning"
        texts.append(f"{start} to {one.end:%Y-%m-%d %H:%M:%S}")
    return ", ".join(texts)
