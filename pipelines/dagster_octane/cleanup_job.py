"""Keeping things small: the job `upkeep` compacts the lake and forgets old generations and runs.

The lake and Dagster's own history in, a smaller lake and history out; a weekly schedule starts it.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import Field

from dagster_octane.extract_assets import WAIT_S
from dagster_octane.resources import RETRY, OctaneResource, one_sentence
from octane_flows import lake, warehouse

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


class LakeUpkeep(dg.Config):
    """How much of the past stays; without a bound every generation does."""

    keep_generations: int | None = Field(default=None, description="Newest that can be asked.")
    keep_days: int | None = Field(default=None, description="Older generations are let go of.")


class RunUpkeep(dg.Config):
    """How long Dagster remembers runs."""

    keep_days: int = Field(default=30, description="Older runs and their events are deleted.")


@dg.op(retry_policy=RETRY)
def tidy_lake(context: dg.OpExecutionContext, config: LakeUpkeep, octane: OctaneResource) -> None:
    """Merge small files; let go of old generations if a bound is set."""
    with one_sentence(), lake.write_lock(octane.home(), "upkeep", wait_s=WAIT_S):
        held = octane.lake()
        done = lake.compact(held)
        context.log.info(f"Merged {done.files_before} files into {done.files_after}.")
        if config.keep_generations is None and config.keep_days is None:
            return
        before = None
        if config.keep_days is not None:
            before = datetime.now(UTC) - timedelta(days=config.keep_days)
        gone = lake.expire(held, keep=config.keep_generations, before=before)
        warehouse.forget_past(octane.home(), {one.generation for one in gone.kept})
    context.log.info(
        f"Let go of {len(gone.generations)} generations and {gone.bytes / 1e6:,.1f} MB; "
        f"{len(gone.kept)} generations are kept."
    )


@dg.op(ins={"after": dg.In(dg.Nothing)})
def forget_runs(context: dg.OpExecutionContext, config: RunUpkeep) -> None:
    """Delete old runs, but for those that materialised an asset last."""
    cutoff = datetime.now(UTC) - timedelta(days=config.keep_days)
    instance = context.instance
    keys = instance.all_asset_keys()
    last = {one.asset_entry.last_run_id for one in instance.get_asset_records(list(keys))}
    old = instance.get_run_records(dg.RunsFilter(statuses=ENDED, created_before=cutoff))
    forgotten = [one.dagster_run.run_id for one in old if one.dagster_run.run_id not in last]
    for run_id in forgotten:
        instance.delete_run(run_id)
    context.log.info(f"Forgot {len(forgotten)} runs that are older than {config.keep_days} days.")


@dg.job(executor_def=dg.in_process_executor)
def upkeep() -> None:
    """Compact the lake, let go of what is too old, forget old runs."""
    forget_runs(after=tidy_lake())
