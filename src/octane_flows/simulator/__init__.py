"""A faithful ALM Octane REST server for tests and the demo.

In: a dataset name. Out: `Simulator` (state and WSGI application), `serve` (real HTTP on loopback),
`LocalFeeder` (writes in process) and `parse_fault` (faults as text). Imports
nothing else of octane_flows.
"""

from __future__ import annotations

from octane_flows.simulator.core import LocalFeeder, Simulator
from octane_flows.simulator.faults import parse_fault
from octane_flows.simulator.server import Running, serve

__all__ = ["LocalFeeder", "Running", "Simulator", "parse_fault", "serve"]
