"""A faithful ALM Octane REST server for tests and the demo.

In: a dataset name. Out: `Simulator` (state and WSGI application), `serve` (real HTTP on loopback),
`LocalFeeder` (writes in process) and `parse_fault` (faults as text). Imports
nothing else of octane_flows. The way of a request:

    server, app, wire           HTTP in and out; auth, callers, tokens: who calls
    routes_*, metadata          which address is whose; documents, attachments, scripts
    query, sql, search, groups  the query language; reads, counting, rows, render: answers
    values, writes, effects     values in, what the server adds; workflow, ownership, history
    ci*, result_*, test_results builds and results of tests that CI servers report
    schema, relations, udf      the field model; tables, database, store, links: its rows in SQLite
    fault*, misbehave, switches what goes wrong when asked to; control, clock
    core, workspace, seeds      one server with its workspaces; feeder, datasets: what they hold
"""

from __future__ import annotations

from octane_simulator.core import Simulator
from octane_simulator.faults import parse_fault
from octane_simulator.feeder import LocalFeeder
from octane_simulator.server import Running, serve

__all__ = ["LocalFeeder", "Running", "Simulator", "parse_fault", "serve"]
