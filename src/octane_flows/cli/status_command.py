"""The command that tells what lake and warehouse hold: status.

Settings from the environment in, lines on standard output out.
"""

from __future__ import annotations

from octane_flows.cli.command_line import app, data_folder, data_lake, output
from octane_flows.cli.command_options import AsOf, NoPager
from octane_flows.cli.terminal_pager import paged


@app.command(epilog="Example: octane-flows status")
def status(as_of: AsOf = None, no_pager: NoPager = False) -> None:
    """Tell what the lake and the warehouse hold, and how complete it is."""
    from octane_flows.status import print_status

    home, lake = data_folder(), data_lake()
    with paged(output, is_wanted=not no_pager):
        print_status(home, lake, output, as_of=as_of)
