"""Which state an answer speaks of, and whether everything that it rests on was read.

An opened warehouse and the name of a question or table in, records out; every answer has them.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import duckdb

from octane_flows.agents.agent_answers import utc_text
from octane_flows.config import workspace_label
from octane_flows.warehouse import workspace_names

GENERATION = "select generation.generation, generation.as_of from meta.generation as generation"
#: Incomplete entity types that a model reads, over all models below it; null: of all.
INCOMPLETE = """
with recursive models_below(name) as (
    select cast($name as varchar)
    union
    select unnest(models.depends_on)
    from models_below
    join meta.models as models on models.model = models_below.name
),
entities as (
    select tables.entity
    from meta.tables as tables
    join models_below on models_below.name = 'octane.' || tables.table_name
    union
    select replace(models_below.name, 'octane.', '') from models_below
)
select completeness.entity, completeness.workspace_id, completeness.status, completeness.note
from meta.completeness as completeness
where not completeness.is_complete
    and ($name is null or completeness.entity in (select entities.entity from entities))
order by completeness.entity, completeness.workspace_id
"""
BEHIND = """
select workspaces.workspace_id, workspaces.as_of
from meta.workspaces as workspaces, meta.generation as generation
where workspaces.as_of < generation.as_of - interval 1 day
order by workspaces.workspace_id
"""
NAMED = 20  # entity types and workspaces that a sentence names; the tool certificate has all


def generation_of(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Number and time of the generation of the lake that a warehouse holds."""
    [(generation, as_of)] = connection.execute(GENERATION).fetchall()
    return {"generation": generation, "as_of": utc_text(as_of)}


def named_workspaces(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The warehouse's workspaces by id with their names, the first ones where they are many."""
    return dict(islice(workspace_names(connection).items(), NAMED))


def completeness(
    connection: duckdb.DuckDBPyConnection, name: str | None, findings: list[str]
) -> dict[str, Any]:
    """Whether all was read that `name` (None: everything) rests on; sentences that say what not."""
    sentences = list(findings)
    names = workspace_names(connection)
    incomplete = connection.execute(INCOMPLETE, {"name": name}).fetchall()
    if incomplete:
        types = "; ".join(
            f"{entity} of workspace {workspace_label(workspace, names)} "
            f"({': '.join(filter(None, (status, note)))})"
            for entity, workspace, status, note in incomplete[:NAMED]
        )
        more = f" and {len(incomplete) - NAMED} others" if len(incomplete) > NAMED else ""
        sentences.append(f"not read whole: {types}{more}; the tool certificate has all")
    behind = connection.execute(BEHIND).fetchall()
    sentences += [
        f"workspace {workspace_label(workspace, names)} was last read at {utc_text(as_of)}"
        for workspace, as_of in behind[:NAMED]
    ]
    return {"is_complete": not sentences, "findings": sentences}
