"""The Python interface: an opened warehouse whose flows, metrics and plans are typed methods.

A data folder in, DuckDB relations out; `octane_flows.open` calls it for notebooks and scripts.
"""

from octane_flows.api.flows_and_metrics import Flows, Metrics, Plans
from octane_flows.api.open_warehouse import OpenWarehouse, open_warehouse

__all__ = ["Flows", "Metrics", "OpenWarehouse", "Plans", "open_warehouse"]
