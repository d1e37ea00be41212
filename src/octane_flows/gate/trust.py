"""Can the numbers of a gate be trusted? Their certificate, checks and age.

A connection and the present time in, sentences about what stands against it out; none: trusted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

from octane_flows import warehouse
from octane_flows.config import workspace_label

NEEDED_ENTITIES = """
with recursive needed as (
    select 'metric.gate_variables' as name
    union
    select unnest(models.depends_on)
    from needed
    join meta.models as models on models.model = needed.name
)
select distinct split_part(split_part(needed.name, '.', 2), '__', 1) as entity
from needed
where needed.name like 'octane.%'
"""

CERTIFICATE = f"""
select
    certificate.workspace_id,
    certificate.entity,
    certificate.status,
    certificate.note,
    completeness.is_complete,
    certificate.total_count,
    certificate.rows_read,
    certificate.rows_held,
    completeness.rows_loaded,
    coalesce(certificate.rejected_value_count, 0),
    certificate.cursor_at
from meta.certificate as certificate
left join meta.completeness as completeness
    on completeness.workspace_id = certificate.workspace_id
    and completeness.entity = certificate.entity
where certificate.entity in ({NEEDED_ENTITIES})
    and ($workspace is null or certificate.workspace_id = $workspace)
order by all
"""


def doubts(
    connection: duckdb.DuckDBPyConnection,
    workspace: str | None,
    *,
    now: datetime,
    max_age: timedelta | None,
) -> list[str]:
    """What stands against the numbers, as sentences; `now` is UTC without a zone."""
    parameters = {"workspace": workspace}
    rows = connection.execute(CERTIFICATE, parameters).fetchall()
    names = warehouse.workspace_names(connection)
    sentences = []
    if not rows:
        sentences.append(
            "the certificate says nothing about the runs and defects; run octane-flows run"
        )
    oldest: tuple[datetime, str] | None = None
    for row in rows:
        where = f"{row[1]} in workspace {workspace_label(row[0], names)}"
        status, note, is_complete, counted, read, held, loaded, rejected, cursor = row[2:]
        if status not in ("complete", "carried"):
            sentences.append(f"{where} was {status}: {note or 'no reason is known'}")
        elif status == "complete" and not is_complete:
            sentences.append(
                f"{where} is not whole: the server counted {counted}, {read} rows were read, "
                f"{held} are held and {loaded} are in the warehouse"
            )
        elif status == "carried" and held is not None and held != (loaded or 0):
            sentences.append(f"{where}: {held} rows are held and {loaded} are in the warehouse")
        if rejected:
            sentences.append(
                f"{where} has {rejected} values that do not fit; see meta.rejected_values"
            )
        if cursor is not None and (oldest is None or cursor < oldest[0]):
            oldest = (cursor, where)
    sentences += _failed_checks(connection)
    sentences += _stale_workspaces(connection, parameters, names, oldest, now, max_age)
    return sentences


def _failed_checks(connection: duckdb.DuckDBPyConnection) -> list[str]:
    failed = connection.execute(
        "select check_name, violation_count from meta.checks "
        "where not is_passed and severity = 'error' order by check_name"
    ).fetchall()
    sentences = [f"the check {name} failed ({count} violations)" for name, count in failed]
    partial = connection.execute(
        "select status, reason from meta.models "
        "where model = 'metric.gate_variables' and status <> 'available'"
    ).fetchall()
    return sentences + [
        f"metric.gate_variables is {status}: {reason}" for status, reason in partial
    ]


def _stale_workspaces(
    connection: duckdb.DuckDBPyConnection,
    parameters: dict[str, str | None],
    names: dict[str, str | None],
    oldest: tuple[datetime, str] | None,
    now: datetime,
    max_age: timedelta | None,
) -> list[str]:
    if max_age is None:
        return []
    rows = connection.execute(
        "select workspace_id, as_of from meta.workspaces "
        "where $workspace is null or workspace_id = $workspace order by workspace_id",
        parameters,
    ).fetchall()
    moments = [(as_of, f"workspace {workspace_label(id, names)}") for id, as_of in rows]
    moments += [oldest] if oldest is not None else []
    return [
        f"{where} was last read {moment:%Y-%m-%d %H:%M} UTC, {_hours(now - moment)} ago, and "
        f"--max-age allows {_hours(max_age)}"
        for moment, where in moments
        if now - moment > max_age
    ]


def _hours(duration: timedelta) -> str:
    hours = duration.total_seconds() / 3600
    return f"{hours / 24:,.1f} days" if hours >= 48 else f"{hours:,.1f} hours"
