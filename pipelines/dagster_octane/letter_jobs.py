"""Letters: the job `letter` after a build, a notice when a run failed, one when the data is stale.

The places of the settings in, letters out. All sensors are off until a person switches them on, and
without a place nothing is sent.
"""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from dagster_octane import warehouse_jobs, workspace_jobs
from dagster_octane.resources import GROUP_TAG, SITE, OctaneResource, errors_as_failures
from octane_flows import warehouse
from octane_flows.config import LetterPlaces, load_letter_places
from octane_flows.errors import ServerError

STALE_AFTER: Final = timedelta(hours=26)  # a daily run that is two hours late
BUILDS: Final = [warehouse_jobs.refresh, warehouse_jobs.update, warehouse_jobs.build]
WATCHED: Final = [*BUILDS, workspace_jobs.extract_workspace]


@dg.op
def send_letters(context: dg.OpExecutionContext, octane: OctaneResource) -> None:
    """Tell each place what changed since its last letter."""
    from octane_flows.letters.letter_round import tell_all

    with errors_as_failures():
        places = load_letter_places(os.environ)
        if not places.names:
            context.log.info("No letter: no place is set (OCTANE_SMTP_SERVER and others).")
            return
        say: Callable[[str], None] = context.log.info
        results = tell_all(octane.home(), octane.lake(), places, SITE.time_zone, say=say)
        if errors := [result.error for result in results if result.error is not None]:
            raise dg.Failure(" ".join(errors), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, tags={GROUP_TAG: "letters"})
def letter() -> None:
    """Send what changed since the last letter; without news nothing is sent."""
    send_letters()


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=BUILDS, request_job=letter
)
def letter_after_build(context: dg.RunStatusSensorContext) -> dg.RunRequest:
    """Start the job `letter` when a warehouse was built."""
    return dg.RunRequest(run_key=f"letter after {context.dagster_run.run_id}")


@dg.run_failure_sensor(monitored_jobs=WATCHED)
def letter_of_failure(context: dg.RunFailureSensorContext) -> None:
    """Tell all places that a run failed, with its own sentence."""
    run = context.dagster_run
    _notify(
        context.log,
        f"Octane: the run of {run.job_name} failed",
        f"The run {run.run_id} of {run.job_name} failed: {context.failure_event.message}\n"
        "What was published before is still whole.",
    )


@dg.sensor(minimum_interval_seconds=900)
def letter_of_stale_data(
    context: dg.SensorEvaluationContext, octane: OctaneResource
) -> dg.SensorResult | dg.SkipReason:
    """Tell all places once when the warehouse is older than 26 hours, and when it is new again."""
    with errors_as_failures():
        if not warehouse.warehouse_path(octane.home()).is_file():
            return dg.SkipReason("There is no warehouse yet.")
        with warehouse.connect(octane.home()) as connection:
            rows = connection.execute("select as_of from meta.generation").fetchall()
        as_of: datetime = rows[0][0]
        is_stale = datetime.now(UTC).replace(tzinfo=None) - as_of > STALE_AFTER
        was_stale = context.cursor == "stale"
        if is_stale == was_stale:
            return dg.SkipReason("The warehouse is stale." if is_stale else "It is recent.")
        word = "stale" if is_stale else "recent again"
        text = f"The warehouse's data is of {as_of:%Y-%m-%d %H:%M} UTC."
        _notify(context.log, f"Octane: the data is {word}", text)
    return dg.SensorResult(cursor="stale" if is_stale else "recent")


def _notify(log: logging.Logger, subject: str, text: str) -> None:
    """Tell all places; one that cannot be reached keeps no other from being told."""
    from octane_flows.letters import notice, send_letters

    places: LetterPlaces = load_letter_places(os.environ)
    failures: list[ServerError] = []
    for name in places.names:
        try:
            complaint = send_letters(notice(subject, text, places), places, name)
        except ServerError as error:
            failures.append(error)
            complaint = str(error)
        if complaint is not None:
            log.warning(complaint)
    if failures and len(failures) == len(places.names):
        raise failures[0]


JOBS = [letter]
SENSORS = [letter_after_build, letter_of_failure, letter_of_stale_data]
