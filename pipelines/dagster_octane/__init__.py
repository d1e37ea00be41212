"""Dagster and only Dagster: the same steps as the command line, as assets, checks and a job."""

import gc
import sys

# In a process that Dagster started nothing but Dagster is loaded yet, and stays to the end. Looking
# through all that for garbage, time and again and at the end, took more than half a second a run.
# Not for DuckDB, which comes later: its extension complains at the end of objects that are left.
if "octane_flows" not in sys.modules:
    gc.freeze()
