"""One run for each workspace, for many workers: a job, a sensor and schedules.

The settings' workspaces and Dagster's runs in, requests for runs of `extract_workspace` out. What
starts runs is off until a person switches it on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import dagster as dg

from dagster_octane.asset_metadata import LAKE
from dagster_octane.extract_assets import WORKSPACES, Mode, extract
from dagster_octane.resources import GROUP_TAG, OctaneResource, errors_as_failures
from dagster_octane.schedules import ACTIVE, run_mode, schedule, until_quiet_hours_end
from octane_flows.config import ids_of_workspaces, is_workspace_id, load_settings
from octane_flows.errors import UsageError

PARTITIONS: Final = str(WORKSPACES.name)
#: Tags that Dagster documents, without constants in its public interface.
PARTITION_TAG: Final = "dagster/partition"
RETRY_STRATEGY_TAG: Final = "dagster/retry_strategy"

extract_workspace = dg.define_asset_job(
    "extract_workspace",
    selection=dg.AssetSelection.assets(extract),
    executor_def=dg.in_process_executor,
    # A run that was killed after it published has no failed step from which it could go on.
    tags={RETRY_STRATEGY_TAG: "ALL_STEPS", GROUP_TAG: "keep current"},
    description="Read one workspace; runs of different workspaces may run at the same time.",
)


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def workspace_partitions(
    context: dg.SensorEvaluationContext, octane: OctaneResource
) -> dg.SensorResult | dg.SkipReason:
    """Make partitions of the workspaces of settings and lake; it starts nothing."""
    partitions = set(context.instance.get_dynamic_partitions(PARTITIONS))
    with errors_as_failures():
        try:
            wanted = octane.settings().workspaces or ()
        except UsageError as error:  # a site that has the lake alone needs no server
            if not octane.home().exists():
                return dg.SkipReason(str(error))
            wanted = ()
        manifest = octane.lake().current()
        names = manifest.names if manifest is not None else {}
        ids = {*_ids_of_settings(wanted, names), *names}
    if not (new := sorted(ids - partitions)):
        return dg.SkipReason(f"All {len(partitions)} workspaces are partitions already.")
    return dg.SensorResult(dynamic_partitions_requests=[WORKSPACES.build_add_request(new)])


@dg.sensor(job=extract_workspace, minimum_interval_seconds=3600)
def new_workspaces(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Load each workspace of the settings once that has no rows yet; add it as a partition."""
    if reason := until_quiet_hours_end(datetime.now(UTC)):
        return dg.SkipReason(reason)
    partitions = set(context.instance.get_dynamic_partitions(PARTITIONS))
    requested = set(json.loads(context.cursor or "[]"))
    loaded = context.instance.get_materialized_partitions(LAKE) | requested
    with errors_as_failures():
        new = [workspace for workspace in workspaces_of_settings() if workspace not in loaded]
    if not new:
        return dg.SkipReason(f"All {len(partitions)} workspaces were loaded already.")
    missing = [workspace for workspace in new if workspace not in partitions]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=workspace) for workspace in new],
        dynamic_partitions_requests=[WORKSPACES.build_add_request(missing)] if missing else [],
        cursor=json.dumps(sorted(requested | set(new))),
    )


def workspaces_of_settings() -> list[str]:
    """The ids in the settings; of `all` and of names those that the server lists, in one request.

    Partitions have ids as their keys: a workspace that is renamed keeps its history.
    """
    from octane_flows.client import Limits, Octane

    settings = load_settings(os.environ)
    if settings.workspaces is not None and all(map(is_workspace_id, settings.workspaces)):
        return list(settings.workspaces)
    with Octane(settings, limits=Limits.of_extract(settings)) as client:
        return list(client.workspace_ids(settings.workspaces))


def _ids_of_settings(wanted: Sequence[str], names: Mapping[str, str | None]) -> list[str]:
    """The ids of the settings' workspaces by the lake's names; by the server's before a load."""
    try:
        return list(ids_of_workspaces(wanted, names, where="the lake"))
    except UsageError:
        return workspaces_of_settings()


@schedule(partial(dg.schedule, job=extract_workspace), "0 * * * *")
def hourly_by_workspace(
    context: dg.ScheduleEvaluationContext,
) -> list[dg.RunRequest] | dg.SkipReason:
    """Read what changed, in a run for each workspace that has no active run."""
    return _runs(context, Mode.changes)


@schedule(partial(dg.schedule, job=extract_workspace), "30 5 * * *")
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
SENSORS = [workspace_partitions, new_workspaces]
