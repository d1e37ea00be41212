"""The simulator's own command as a command of octane-flows: simulate.

What the server holds and how it misbehaves in, one JSON line with its address out.
"""

from __future__ import annotations

from octane_flows.cli.command_line import app
from octane_simulator.simulator_command import simulate

app.command(
    epilog="Example: octane-flows simulate --dataset empty --fault latency:seconds=0.05,spread=0.5"
)(simulate)
