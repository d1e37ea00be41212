"""ALM Octane's documented flows as queries over a Parquet lake and a DuckDB warehouse.

    import octane_flows as of

    with of.open() as wh:
        wh.flows.modules_with_recent_failures(hours=24).df()

Importing this package loads nothing; opening a warehouse loads DuckDB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from octane_flows.api import OpenWarehouse

__all__ = ["__version__", "open"]

__version__ = "0.1.0"


def open(home: str | PathLike[str] | None = None) -> OpenWarehouse:
    """Open the published warehouse of a data folder, read-only.

    `home` None: OCTANE_HOME, else `home` in octane-flows.toml, else ./data, as the command line
    does. Close it or use it in a `with` block. Raises `errors.UsageError` where there is none.
    """
    from octane_flows.api import open_warehouse

    return open_warehouse(home)
