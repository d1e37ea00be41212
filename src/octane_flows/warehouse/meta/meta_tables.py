"""All tables of `meta`, in the order in which the documents list them.

Nothing in, tables with comments out; `create_meta` fills them, the documents list them.
"""

from __future__ import annotations

from typing import Any

import duckdb

from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.meta import (
    certificate_tables,
    field_table,
    generation_tables,
    model_tables,
    parameter_table,
    relation_table,
)
from octane_flows.warehouse.meta.meta_table import MetaTable

TABLES: tuple[MetaTable[Any], ...] = (
    generation_tables.GENERATION,
    generation_tables.BUILD,
    generation_tables.WORKSPACES,
    generation_tables.SERVER,
    generation_tables.FILES,
    generation_tables.POLITENESS,
    certificate_tables.CERTIFICATE,
    certificate_tables.REJECTED_VALUES,
    certificate_tables.SCHEMA_CHANGES,
    field_table.FIELDS,
    generation_tables.FINDINGS,
    generation_tables.OCTANE_TABLES,
    generation_tables.WORKSPACE_ROWS,
    generation_tables.MISSING,
    model_tables.MODELS,
    model_tables.COLUMNS,
    relation_table.RELATIONS,
    model_tables.FLOWS,
    model_tables.METRICS,
    parameter_table.PARAMETERS,
    model_tables.CHECKS,
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty meta tables with their comments, in place of those of an earlier build."""
    with transaction(connection):
        connection.execute("drop schema if exists meta cascade")
        connection.execute("create schema meta")
        for table in TABLES:
            table.create(connection)
