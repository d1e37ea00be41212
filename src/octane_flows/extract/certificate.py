"""The certificate of a generation: what was requested, read and stored, and what is odd about it.

Results of this extract and the previous certificate come in, a row for each workspace and entity
type and findings go out; `run_extract` publishes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from octane_flows.client import Workspace
from octane_flows.extract.entity_result import Result
from octane_flows.extract.extract_plan import EntityPlan, Key, Plan
from octane_flows.extract.rejected_values import value_sentences
from octane_flows.lake import CertificateRow, Finding, Manifest, ReadState
from octane_flows.lake.manifest import CertificateStatus, carried_status


def certificate_rows(
    parent: Manifest | None,
    entities: Iterable[EntityPlan],
    results: Mapping[Key, Result],
    refused: Mapping[Key, str],
    absent: Mapping[Key, str],
    as_of: datetime,
) -> list[CertificateRow]:
    """A row for each entity type that was read, refused or absent, or is carried over as it was.

    `refused` may no longer be read and `absent` are no longer there, both with the reason.
    """
    previous = {(row.workspace, row.entity): row for row in parent.certificate} if parent else {}
    rows: dict[Key, CertificateRow] = {}
    for entity in entities:
        key = (entity.workspace, entity.name)
        if key in results:
            rows[key] = _row(entity, results[key], as_of)
    for key, row in previous.items():
        if key in rows:
            continue
        if key in refused:
            rows[key] = _carried(row, parent, as_of, "refused", refused[key])
        elif key in absent:
            rows[key] = _carried(row, parent, as_of, "absent", absent[key])
        else:
            rows[key] = _carried(row, parent, as_of, carried_status(row.status), row.note)
    return list(rows.values())


def _row(entity: EntityPlan, result: Result, as_of: datetime) -> CertificateRow:
    counts, state = result.counts, result.state
    notes = list(result.notes)
    if state.mode == "changes" and not state.is_whole:
        notes.append(f"stored in part: {_intervals(state)}")
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
        rejected_values=len(state.rejected),
    )


def _carried(
    row: CertificateRow,
    parent: Manifest | None,
    as_of: datetime,
    status: CertificateStatus,
    note: str,
) -> CertificateRow:
    """A row of the previous certificate: nothing was read, so the lag grows."""
    state = parent.states.get(row.workspace, {}).get(row.entity) if parent is not None else None
    cursor = state.cursor if state is not None else row.cursor
    return replace(
        row,
        status=status,
        note=note,
        rows_written=0,
        cursor=cursor,
        lag_s=(as_of - cursor).total_seconds() if cursor is not None else None,
    )


def _intervals(state: ReadState) -> str:
    texts = []
    for interval in state.intervals:
        start = (
            f"from {interval.start:%Y-%m-%d %H:%M:%S}" if interval.start else "from the beginning"
        )
        texts.append(f"{start} to {interval.end:%Y-%m-%d %H:%M:%S}")
    return ", ".join(texts)


def refusals(refused: Mapping[Key, str]) -> list[Finding]:
    """Findings about types that may no longer be read."""
    return [
        Finding(
            workspace,
            f"{entity} may no longer be read; its stored rows are kept as they were, and none of "
            f"them counts as deleted: {reason}",
        )
        for (workspace, entity), reason in refused.items()
    ]


def findings_on_values(
    results: Iterable[Result], states: Mapping[str, Mapping[str, ReadState]]
) -> list[Finding]:
    """Findings about values that do not fit, of all types of the workspaces that were read."""
    taken = {(result.workspace, result.entity): result.taken for result in results}
    return [
        Finding(workspace, sentence)
        for workspace in dict.fromkeys(workspace for workspace, _ in taken)
        for entity, state in sorted(states[workspace].items())
        for sentence in value_sentences(entity, state.rejected, taken.get((workspace, entity), ()))
    ]


def cross_check(
    plan: Plan, results: Mapping[Key, Result], workspaces: Mapping[str, Workspace]
) -> list[Finding]:
    """Findings where an aggregate counts other rows than a full reading of its subtypes brought."""
    findings = []
    for aggregate in plan.aggregates:
        subtypes = [results.get((aggregate.workspace, name)) for name in aggregate.subtypes]
        counts = [
            result.counts.rows_read for result in subtypes if result and result.kind == "full"
        ]
        if len(counts) < len(subtypes) or not counts:
            continue
        server_count = workspaces[aggregate.workspace].count(aggregate.collection)
        if server_count != sum(counts):
            findings.append(
                Finding(
                    aggregate.workspace,
                    f"{aggregate.collection} counts {server_count} rows, its subtypes brought "
                    f"{sum(counts)}",
                )
            )
    return findings
