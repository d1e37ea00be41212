"""A faithful ALM Octane REST server for tests and the demo.

In: a dataset name. Out: `Simulator` (state and WSGI application), `serve` (real HTTP on loopback)
and `LocalFeeder` (writes in process). Imports nothing else of octane_flows.
"""

from __future__ import annotations

from octane_flows.simulator.core import LocalFeeder, Simulator
from octane_flows.simulator.server import Running, serve

__all__ = ["LocalFeeder", "Running", "Simulator", "serve"]
