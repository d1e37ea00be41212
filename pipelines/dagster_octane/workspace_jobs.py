"""One run for each workspace, where many workers read: a job, a sensor and schedules.

The settings' workspaces and Dagster's runs in, requests for runs of `extract_workspace` out. All
are off until someone switches them on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG, RETRY_STRATEGY_TAG

from dagster_octane.extract_assets import WORKSPACES, Mode, extract
from dagster_octane.resources import SITE, one_sentence
from dagster_octane.schedules import AT_WORK, run_mode, until_quiet_hours_end
from octane_flows.config import load_settings

PARTITIONS: Final = str(WORKSPACES.name)

extract_workspace = dg.define_asset_job(
    "extract_workspace",
    selection=dg.AssetSelection.assets(extract),
    executor_def=dg.in_process_executor,
    # a run that was killed after publishing has no step left to repeat from
    tags={RETRY_STRATEGY_TAG: "ALL_STEPS"},
    description="Read one workspace; runs for different workspaces may be at work together.",
)


@dg.sensor(job=extract_workspace, minimum_interval_seconds=3600)
def new_workspaces(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Add each workspace of the settings that is no partition yet, and load it."""
    if reason := until_quiet_hours_end(datetime.now(UTC)):
        return dg.SkipReason(reason)
    known = set(context.instance.get_dynamic_partitions(PARTITIONS))
    with one_sentence():
        new = [one for one in named_workspaces() if one not in known]
    if not new:
        return dg.SkipReason(f"All {len(known)} workspaces are known.")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=one) for one in new],
        dynamic_partitions_requests=[WORKSPACES.build_add_request(new)],
    )


def named_workspaces() -> list[str]:
    """The ids in the settings; where these say all, what the server lists, in one request."""
    from octane_flows.client import Limits, Octane

    settings = load_settings(os.environ)
    if settings.workspaces is not None:
        return list(settings.workspaces)
    with Octane(settings, limits=Limits.of_extract(settings)) as client:
        return [one.id for one in client.workspaces()]


@dg.schedule(job=extract_workspace, cron_schedule="0 * * * *", execution_timezone=SITE.time_zone)
def hourly_by_workspace(
    context: dg.ScheduleEvaluationContext,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Read what changed, a run for each workspace that none is at work on."""
    return _runs(context, Mode.changes)


@dg.schedule(job=extract_workspace, cron_schedule="30 5 * * *", execution_timezone=SITE.time_zone)
def daily_census_by_workspace(
    context: dg.ScheduleEvaluationContext,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Also compare all ids, to find deleted rows, a run for each workspace."""
    return _runs(context, Mode.census)


def _runs(context: dg.ScheduleEvaluationContext, mode: Mode) -> list[dg.RunRequest] | dg.SkipReason:
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    requests = list(_requests(context.instance, mode))
    return requests or dg.SkipReason("No workspace is known that no run is at work on.")


def _requests(instance: dg.DagsterInstance, mode: Mode) -> Iterator[dg.RunRequest]:
    at_work = instance.get_runs(dg.RunsFilter(job_name=extract_workspace.name, statuses=AT_WORK))
    busy = {one.tags.get(PARTITION_NAME_TAG) for one in at_work}
    for one in sorted(set(instance.get_dynamic_partitions(PARTITIONS)) - busy):
        tags = {"octane-flows/mode": mode.value}
        yield dg.RunRequest(partition_key=one, run_config=run_mode(mode), tags=tags)


SCHEDULES = [hourly_by_workspace, daily_census_by_workspace]
SENSORS = [new_workspaces]
