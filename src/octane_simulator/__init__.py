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

from octane_simulator.faults.active_faults import parse_fault
from octane_simulator.local_feeder import LocalFeeder
from octane_simulator.running_simulator import Running, serve
from octane_simulator.simulator import Simulator

__all__ = ["LocalFeeder", "Running", "Simulator", "parse_fault", "serve"]
