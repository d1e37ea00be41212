"""A faithful ALM Octane REST server for tests and the demo.

In: a dataset name. Out: `Simulator` (state and WSGI application), `serve` (real HTTP on loopback),
`LocalFeeder` (writes in process) and `parse_fault` (faults as text). It imports nothing of
octane_flows. The folders, from the ground up; a folder imports only those above it in this list:

    model      entity types, fields and relations; refusals
    store      the rows of a workspace in SQLite, the clock and the caller that stamp them
    faults     the kinds of faults, those in force, and the answers that they break
    query      the query language; pages, groups and single entities as JSON
    rules      what the server checks and adds when rows are written
    results    builds and test results that CI servers report
    http       the server, sign-in, and the routes
    datasets   what a new simulator holds
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octane_simulator.faults.active_faults import parse_fault
    from octane_simulator.local_feeder import LocalFeeder
    from octane_simulator.running_simulator import Running, serve
    from octane_simulator.simulator import Simulator

__all__ = ["LocalFeeder", "Running", "Simulator", "parse_fault", "serve"]

_MODULES = {
    "LocalFeeder": "local_feeder",
    "Running": "running_simulator",
    "Simulator": "simulator",
    "parse_fault": "faults.active_faults",
    "serve": "running_simulator",
}


def __getattr__(name: str) -> Any:
    """Import a name at its first use: the command line shows its help without the server."""
    if name not in _MODULES:
        raise AttributeError(f"module 'octane_simulator' has no attribute '{name}'")
    return getattr(importlib.import_module(f"octane_simulator.{_MODULES[name]}"), name)
