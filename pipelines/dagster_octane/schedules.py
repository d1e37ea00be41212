"""When things happen, in the site's time zone: hourly, daily and weekly runs, and a build sensor.

All are off until someone switches them on: the server's administrators may want a say in the hour.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from dagster_octane.cleanup_job import upkeep
from dagster_octane.extract_assets import Mode
from dagster_octane.jobs import build, refresh, update
from dagster_octane.resources import SITE, OctaneResource, one_sentence
from octane_flows import warehouse

AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
WRITERS = (refresh.name, update.name, build.name)


def _at_work(instance: dg.DagsterInstance) -> str | None:
    """The name of a job that already brings the warehouse up to date."""
    for job in WRITERS:
        if instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=AT_WORK)):
            return job
    return None


def until_quiet_hours_end(now: datetime) -> str | None:
    """Why nothing starts now; None outside of quiet hours."""
    until = SITE.quiet_hours.until(now) if SITE.quiet_hours is not None else None
    return f"Quiet hours until {until:%a %H:%M} ({SITE.time_zone})." if until else None


def run_mode(mode: Mode) -> Mapping[str, Any]:
    """The run config of an extract in this mode."""
    return {"ops": {"extract": {"config": {"mode": mode.name}}}}


@dg.schedule(job=update, cron_schedule="0 * * * *", execution_timezone=SITE.time_zone)
def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Read what changed, build, report; left out while another run does so."""
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    if job := _at_work(context.instance):
        return dg.SkipReason(f"The job {job} is at work already.")
    return dg.RunRequest(tags={"octane-flows/mode": Mode.changes.value})


@dg.schedule(job=refresh, cron_schedule="30 5 * * *", execution_timezone=SITE.time_zone)
def daily_census(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Also compare all ids, to find deleted rows, and prove every flow against the server."""
    return _request(context, Mode.census)


@dg.schedule(job=update, cron_schedule="30 2 * * 0", execution_timezone=SITE.time_zone)
def weekly_link_sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Also read links alone, to find those that changed while their rows do not say so."""
    return _request(context, Mode.sweep)


@dg.schedule(job=upkeep, cron_schedule="30 4 * * 0", execution_timezone=SITE.time_zone)
def weekly_upkeep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Compact the lake, forget old runs; it asks the server for nothing."""
    return dg.RunRequest()


def _request(context: dg.ScheduleEvaluationContext, mode: Mode) -> dg.RunRequest | dg.SkipReason:
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    return dg.RunRequest(run_config=run_mode(mode), tags={"octane-flows/mode": mode.value})


@dg.sensor(job=build, minimum_interval_seconds=60)
def new_generation(
    context: dg.SensorEvaluationContext, octane: OctaneResource
) -> dg.RunRequest | dg.SkipReason:
    """Start a build when the lake is newer than the warehouse, however it was extracted."""
    with one_sentence():
        kept = octane.lake().pointer().kept
        if not kept:
            return dg.SkipReason("The lake holds no generation yet.")
        built = _built(octane)
    newest = kept[-1]
    if newest.generation == built:
        return dg.SkipReason(f"The warehouse shows generation {built}, the newest one.")
    if job := _at_work(context.instance):
        return dg.SkipReason(f"The job {job} is at work already.")
    as_of = newest.as_of.astimezone(UTC)
    return dg.RunRequest(run_key=f"{newest.generation} of {as_of:%FT%T}")


def _built(octane: OctaneResource) -> int | None:
    if not warehouse.warehouse_path(octane.home()).is_file():
        return None
    with warehouse.connect(octane.home()) as connection:
        rows = connection.execute("select generation from meta.generation").fetchall()
    return int(rows[0][0])


SCHEDULES = [hourly, daily_census, weekly_link_sweep, weekly_upkeep]
SENSORS = [new_generation]
