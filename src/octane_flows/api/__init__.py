"""The Python interface: an opened warehouse whose flows and metrics are typed methods.

A data folder in, DuckDB relations out; `octane_flows.open` calls it for notebooks and scripts.
"""

from octane_flows.api.flows_and_metrics import Flows, Metrics
from octane_flows.api.open_warehouse import OpenWarehouse, open_warehouse

__all__ = ["Flows", "Metrics", "OpenWarehouse", "open_warehouse"]
