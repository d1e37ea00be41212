"""Hourly, daily and weekly schedules in the site's time zone, and a sensor that starts builds.

All are off until a person switches them on, because the server's administrators may want to choose
the hour: on Dagster's pages, or by their cron line in the YAML of an `OctaneComponent`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import dagster as dg

from dagster_octane.cleanup_job import cleanup
from dagster_octane.extract_assets import Mode
from dagster_octane.resources import SITE, OctaneResource, errors_as_failures
from dagster_octane.warehouse_jobs import build, refresh, update
from octane_flows import warehouse

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
WAREHOUSE_JOBS = (refresh.name, update.name, build.name)


Requests = list[dg.RunRequest] | dg.RunRequest | dg.SkipReason
Evaluation = Callable[[dg.ScheduleEvaluationContext], Requests]
#: `dg.schedule` with the job that it starts.
ScheduleOfJob = Callable[..., Callable[[Evaluation], dg.ScheduleDefinition]]


@dataclass(frozen=True)
class ScheduledJob:
    """What a schedule evaluates and starts, whatever its hour."""

    evaluation: Evaluation
    of_job: ScheduleOfJob

    def at(self, cron: str, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
        """The schedule with this cron line in the site's time zone."""
        decorate = self.of_job(
            cron_schedule=cron,
            execution_timezone=SITE.time_zone,
            default_status=status,
        )
        return decorate(self.evaluation)


#: The schedules by name, also those of `workspace_jobs`.
SCHEDULED: Final[dict[str, ScheduledJob]] = {}


def schedule(of_job: ScheduleOfJob, cron: str) -> Callable[[Evaluation], dg.ScheduleDefinition]:
    """Make a schedule of a function; it is off, and a site may choose another hour for it."""

    def make(evaluation: Evaluation) -> dg.ScheduleDefinition:
        scheduled = ScheduledJob(evaluation, of_job)
        SCHEDULED[evaluation.__name__] = scheduled
        return scheduled.at(cron, dg.DefaultScheduleStatus.STOPPED)

    return make


def _active_job(instance: dg.DagsterInstance) -> str | None:
    """The name of a job that brings the warehouse up to date at this moment."""
    for job in WAREHOUSE_JOBS:
        if instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=ACTIVE)):
            return job
    return None


def until_quiet_hours_end(now: datetime) -> str | None:
    """The reason why nothing may start now; None outside of quiet hours."""
    until = SITE.quiet_hours.until(now) if SITE.quiet_hours is not None else None
    return f"Quiet hours until {until:%a %H:%M} ({SITE.time_zone})." if until else None


def run_mode(mode: Mode) -> Mapping[str, Any]:
    """The run config of an extract in this mode."""
    return {"ops": {"extract": {"config": {"mode": mode.name}}}}


@schedule(partial(dg.schedule, job=update), "0 * * * *")
def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Read what changed, build, report. Skipped while another run does this."""
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    if job := _active_job(context.instance):
        return dg.SkipReason(f"The job {job} is running already.")
    return dg.RunRequest(tags={"octane-flows/mode": Mode.changes.value})


@schedule(partial(dg.schedule, job=refresh), "30 5 * * *")
def daily_census(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Also compare all ids to find deleted rows, and compare every flow with the server."""
    return _request(context, Mode.census)


@schedule(partial(dg.schedule, job=update), "30 2 * * 0")
def weekly_link_sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Also read all links, to find changes that did not change `last_modified` of a row."""
    return _request(context, Mode.sweep)


@schedule(partial(dg.schedule, job=cleanup), "30 4 * * 0")
def weekly_cleanup(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Compact the lake and forget old runs; it sends no request to the server."""
    return dg.RunRequest()


def _request(context: dg.ScheduleEvaluationContext, mode: Mode) -> dg.RunRequest | dg.SkipReason:
    if reason := until_quiet_hours_end(context.scheduled_execution_time):
        return dg.SkipReason(reason)
    return dg.RunRequest(run_config=run_mode(mode), tags={"octane-flows/mode": mode.value})


@dg.sensor(job=build, minimum_interval_seconds=60)
def new_generation(
    context: dg.SensorEvaluationContext, octane: OctaneResource
) -> dg.RunRequest | dg.SkipReason:
    """Start a build when the lake has a newer generation than the warehouse."""
    with errors_as_failures():
        kept = octane.lake().pointer().kept
        if not kept:
            return dg.SkipReason("The lake has no generation yet.")
        built = _built_generation(octane)
    newest = kept[-1]
    if newest.generation == built:
        return dg.SkipReason(f"The warehouse has the newest generation, {built}.")
    if job := _active_job(context.instance):
        return dg.SkipReason(f"The job {job} is running already.")
    as_of = newest.as_of.astimezone(UTC)
    return dg.RunRequest(run_key=f"{newest.generation} of {as_of:%FT%T}")


def _built_generation(octane: OctaneResource) -> int | None:
    if not warehouse.warehouse_path(octane.home()).is_file():
        return None
    with warehouse.connect(octane.home()) as connection:
        rows = connection.execute("select generation from meta.generation").fetchall()
    return int(rows[0][0])


SCHEDULES = [hourly, daily_census, weekly_link_sweep, weekly_cleanup]
SENSORS = [new_generation]
