"""The jobs that bring the warehouse up to date, one process each: a process per step costs more.

Assets and checks in, jobs out; schedules, the sensor, the demo and people start them.
"""

from __future__ import annotations

import dagster as dg

from dagster_octane.extract_assets import extract
from dagster_octane.parity_checks import verify_flows

WITHOUT_PROOF = dg.AssetSelection.all() - dg.AssetSelection.checks(verify_flows)

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Extract, warehouse, checks, proof against the live server, report.",
)
update = dg.define_asset_job(
    "update",
    selection=WITHOUT_PROOF,
    executor_def=dg.in_process_executor,
    description="Extract, warehouse, checks, report.",
)
build = dg.define_asset_job(
    "build",
    selection=WITHOUT_PROOF - dg.AssetSelection.assets(extract),
    executor_def=dg.in_process_executor,
    description="Warehouse, checks, report from the lake as it is; asks the server for nothing.",
)
