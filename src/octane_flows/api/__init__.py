"""The Python interface: an opened warehouse whose flows and metrics are typed methods.

A data folder in, DuckDB relations out; `octane_flows.open` calls it for notebooks and scripts.
"""

from octane_flows.api.open_warehouse import OpenWarehouse, open_warehouse
from octane_flows.api.question_methods import Flows, Metrics

__all__ = ["Flows", "Metrics", "OpenWarehouse", "open_warehouse"]
