"""The warehouse: one DuckDB file built from the lake, checked, then swapped in.

`build` and `connect` are what the command line, Dagster, reports and notebooks call.
"""

from octane_flows.models.model import Model, load_models
from octane_flows.warehouse.build_gaps import gaps_of_report, gaps_of_warehouse
from octane_flows.warehouse.build_report import BuildReport, CheckResult, ColumnResult, ModelResult
from octane_flows.warehouse.data_checks import Check, list_checks, run_checks
from octane_flows.warehouse.duckdb_file import connect, open_file, warehouse_path
from octane_flows.warehouse.free_sql import (
    require_finite,
    restrict,
    restricted_rows,
    sql_relation,
    table_relation,
)
from octane_flows.warehouse.model_creation import create_models
from octane_flows.warehouse.named_workspaces import workspace_id_of, workspace_names
from octane_flows.warehouse.octane_history import attach_history, history, history_named_in
from octane_flows.warehouse.table_loading import create_schemas, create_table, load_tables
from octane_flows.warehouse.warehouse_as_of import connect_as_of, forget_past, generations
from octane_flows.warehouse.warehouse_build import Warehouse, build

__all__ = [
    "BuildReport",
    "Check",
    "CheckResult",
    "ColumnResult",
    "Model",
    "ModelResult",
    "Warehouse",
    "attach_history",
    "build",
    "connect",
    "connect_as_of",
    "create_models",
    "create_schemas",
    "create_table",
    "forget_past",
    "gaps_of_report",
    "gaps_of_warehouse",
    "generations",
    "history",
    "history_named_in",
    "list_checks",
    "load_models",
    "load_tables",
    "open_file",
    "require_finite",
    "restrict",
    "restricted_rows",
    "run_checks",
    "sql_relation",
    "table_relation",
    "warehouse_path",
    "workspace_id_of",
    "workspace_names",
]
