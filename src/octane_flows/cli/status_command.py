"""The command that tells what lake and warehouse hold: status.

Settings from the environment in, lines on standard output out.
"""

from __future__ import annotations

from octane_flows.cli.command_line import app, data_folder, data_lake, output
from octane_flows.cli.command_options import AsOf


@app.command(epilog="Example: octane-flows status")
def status(as_of: AsOf = None) -> None:
    """Tell what the lake and the warehouse hold, and how complete it is."""
    from octane_flows.status import print_status

    print_status(data_folder(), data_lake(), output, as_of=as_of)
