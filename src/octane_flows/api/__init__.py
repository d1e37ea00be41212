"""The Python interface: an opened warehouse whose flows, metrics and plans are typed methods.

A data folder in, DuckDB relations out; `octane_flows.open` calls it for notebooks and scripts.
"""

from octane_flows.api.flows_and_metrics import Flows, Metrics, Plans
from octane_flows.api.open_warehouse import OpenWarehouse, open_warehouse
from octane_flows.api.plotted_answer import Answer, Plot

__all__ = [
    "Answer",
    "Flows",
    "Metrics",
    "OpenWarehouse",
    "Plans",
    "Plot",
    "open_warehouse",
]
