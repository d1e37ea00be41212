"""The job `cleanup`: compacts the lake, deletes old generations and forgets old runs.

The lake and Dagster's runs in, fewer files and runs out; a weekly schedule starts it.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from dagster_octane.extract_assets import WAIT_S
from dagster_octane.resources import GROUP_TAG, RETRY, OctaneResource, errors_as_failures
from octane_flows import lake, warehouse

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


class LakeCleanup(dg.Config):
    """How many generations stay; without a limit all of them do."""

    keep_generations: int | None = Field(default=None, description="How many of the newest stay.")
    keep_days: int | None = Field(default=None, description="Older generations are deleted.")


class RunCleanup(dg.Config):
    """How long Dagster remembers runs."""

    keep_days: int = Field(default=30, description="Older runs and their events are deleted.")


@dg.op(retry_policy=RETRY)
def clean_lake(context: dg.OpExecutionContext, config: LakeCleanup, octane: OctaneResource) -> None:
    """Merge small files; delete old generations if a limit is set."""
    with errors_as_failures(), lake.write_lock(octane.home(), "cleanup", wait_s=WAIT_S):
        opened_lake = octane.lake()
        compaction = lake.compact(opened_lake)
        context.log.info(f"Merged {compaction.files_before} files into {compaction.files_after}.")
        if config.keep_generations is None and config.keep_days is None:
            return
        before = None
        if config.keep_days is not None:
            before = datetime.now(UTC) - timedelta(days=config.keep_days)
        expiry = lake.expire(opened_lake, keep=config.keep_generations, before=before)
        warehouse.forget_past(octane.home(), {kept.generation for kept in expiry.kept})
    context.log.info(
        f"Deleted {len(expiry.expired)} generations and {expiry.bytes / 1e6:,.1f} MB; "
        f"{len(expiry.kept)} generations stay."
    )


@dg.op(ins={"after": dg.In(dg.Nothing)})
def forget_runs(context: dg.OpExecutionContext, config: RunCleanup) -> None:
    """Delete old runs, except those that were the last to materialise an asset."""
    cutoff = datetime.now(UTC) - timedelta(days=config.keep_days)
    instance = context.instance
    assets = instance.get_asset_records(list(instance.all_asset_keys()))
    last_run_ids = {asset.asset_entry.last_run_id for asset in assets}
    old_runs = instance.get_run_records(dg.RunsFilter(statuses=ENDED, created_before=cutoff))
    run_ids = [record.dagster_run.run_id for record in old_runs]
    forgotten = [run_id for run_id in run_ids if run_id not in last_run_ids]
    for run_id in forgotten:
        instance.delete_run(run_id)
    context.log.info(f"Deleted {len(forgotten)} runs older than {config.keep_days} days.")


@dg.job(executor_def=dg.in_process_executor, tags={GROUP_TAG: "look after"})
def cleanup() -> None:
    """Compact the lake, delete old generations, forget old runs."""
    forget_runs(after=clean_lake())
