"""One run for each workspace, for many workers: a job, a sensor and schedules.

The settings' workspaces and Dagster's runs in, requests for runs of `extract_workspace` out. All
are off until a person switches them on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from dagster_octane.extract_assets import WORKSPACES, Mode, extract
from dagster_octane.resources import SITE, errors_as_failures
from dagster_octane.schedules import ACTIVE, run_mode, until_quiet_hours_end
from octane_flows.config import load_settings

PARTITIONS: Final = str(WORKSPACES.name)
#: Tags that Dagster documents, without constants in its public interface.
PARTITION_TAG: Final = "dagster/partition"
RETRY_STRATEGY_TAG: Final = "dagster/retry_strategy"

extract_workspace = dg.define_asset_job(
    "extract_workspace",
    selection=dg.AssetSelection.assets(extract),
    executor_def=dg.in_process_executor,
    # A run that was killed after it published has no failed step from which it could go on.
    tags={RETRY_STRATEGY_TAG: "ALL_STEPS"},
    description="Read one workspace; runs of different workspaces may run at the same time.",
)


@dg.sensor(job=extract_workspace, minimum_interval_seconds=3600)
def new_workspaces(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Add each workspace of the settings that is not a partition yet, and load it."""
    if reason := until_quiet_hours_end(datetime.now(UTC)):
        return dg.SkipReason(reason)
    partitions = set(context.instance.get_dynamic_partitions(PARTITIONS))
    with errors_as_failures():
        new = [workspace for workspace in workspaces_of_settings() if workspace not in partitions]
    if not new:
        return dg.SkipReason(f"All {len(partitions)} workspaces are partitions already.")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=workspace) for workspace in new],
        dynamic_partitions_requests=[WORKSPACES.build_add_request(new)],
    )


def workspaces_of_settings() -> list[str]:
    """The ids in the settings; for `all` the workspaces that the server lists, in one request."""
    from octane_flows.client import Limits, Octane

    settings = load_settings(os.environ)
    if settings.workspaces is not None:
        return list(settings.workspaces)
    with Octane(settings, limits=Limits.of_extract(settings)) as client:
        return [workspace.id for workspace in client.workspaces()]


@dg.schedule(job=extract_workspace, cron_schedule="0 * * * *", execution_timezone=SITE.time_zone)
def hourly_by_workspace(
    context: dg.ScheduleEvaluationContext,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Read what changed, in a run for each workspace that has no active run."""
    return _runs(context, Mode.changes)


@dg.schedule(job=extract_workspace, cron_schedule="30 5 * * *", execution_timezone=SITE.time_zone)
def daily_census_by_workspace(
    context: dg.ScheduleEvaluationContext,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Also compare all ids to find deleted rows, in a run for each workspace."""
    return _runs(context, Mode.census)


def _runs(context: dg.ScheduleEvaluationContext, mode: Mode) -> list[dg.RunRequest] | dg.SkipReason:
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    requests = list(_requests(context.instance, mode))
    return requests or dg.SkipReason("No partition is without an active run.")


def _requests(instance: dg.DagsterInstance, mode: Mode) -> Iterator[dg.RunRequest]:
    active = instance.get_runs(dg.RunsFilter(job_name=extract_workspace.name, statuses=ACTIVE))
    busy = {run.tags.get(PARTITION_TAG) for run in active}
    for workspace in sorted(set(instance.get_dynamic_partitions(PARTITIONS)) - busy):
        tags = {"octane-flows/mode": mode.value}
        yield dg.RunRequest(partition_key=workspace, run_config=run_mode(mode), tags=tags)


SCHEDULES = [hourly_by_workspace, daily_census_by_workspace]
SENSORS = [new_workspaces]
