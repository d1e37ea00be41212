"""The documented flows: list them, run one, compare one with the live server.

The command line, reports, notebooks and Dagster call these functions.
"""

from octane_flows.flows.catalogue import Flow, flow_named, list_flows
from octane_flows.flows.markdown import flow_table
from octane_flows.flows.run import missing_of, parse_parameters, run_flow
from octane_flows.warehouse.columns import Column
from octane_flows.warehouse.header import Parameter

__all__ = [
    "Column",
    "Flow",
    "Parameter",
    "flow_named",
    "flow_table",
    "list_flows",
    "missing_of",
    "parse_parameters",
    "run_flow",
]
