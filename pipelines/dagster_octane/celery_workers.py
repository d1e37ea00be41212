"""Runs on many workers: Dagster's Celery launcher, with a check that the worker is still alive.

`deploy/celery/dagster.yaml` names `WorkerLauncher`; `python -m dagster_octane.celery_workers` is a
worker that takes its broker from the same file. Needs the extra `distributed`. A launcher of one's
own needs names from Dagster's private modules; no other module of this package uses such names.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final

from celery import Celery
from dagster import DagsterRun
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

#: The main process of a worker only answers such questions; after three silent ones it is dead.
ATTEMPTS: Final = 3
ANSWER_WITHIN_S: Final = 6.0
#: One run at a time, and no run reserved that another worker could begin.
WORKER: Final = (
    "worker",
    "--pool=prefork",
    "--concurrency=1",
    "--without-mingle",
    "--without-gossip",
)


class WorkerLauncher(CeleryRunLauncher):
    """Starts runs as Celery tasks; a run whose worker was killed fails and is started again.

    The result backend would report such a run as started for ever, so this asks the worker itself.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to the broker."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Dagster defines the same task again for each run
            super().launch_run(context)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a worker works on a run; Dagster's monitor asks every few seconds."""
        health = super().check_run_worker_health(run)
        if health.status not in (WorkerStatus.RUNNING, WorkerStatus.UNKNOWN):
            return health
        task_id = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        worker = self._worker_of(task_id)
        if any(self._has_task(worker, task_id) for _ in range(ATTEMPTS)):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        health = super().check_run_worker_health(run)  # the run may have ended meanwhile
        if health.status is not WorkerStatus.RUNNING:
            return health
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"The worker {worker} does not answer, or it lost the run."
        )

    def _worker_of(self, task_id: str) -> str | None:
        """The worker that began a task, from the result backend; None if the backend lost it."""
        info = self.celery.AsyncResult(task_id).info
        return info.get("hostname") if isinstance(info, dict) else None

    def _has_task(self, worker: str | None, task_id: str) -> bool:
        """Whether this worker, or any worker if None is given, has the task."""
        inspection = self.celery.control.inspect(
            destination=[worker] if worker else None, timeout=ANSWER_WITHIN_S
        )
        answers: dict[str, dict[str, Any]] = inspection.query_task([task_id]) or {}
        return any(task_id in tasks for tasks in answers.values())


def application(dagster_home: str) -> Celery:
    """The Celery application of a folder's `dagster.yaml`, with Dagster's tasks."""
    launcher = InstanceRef.from_dir(dagster_home).run_launcher
    if not isinstance(launcher, CeleryRunLauncher):
        raise SystemExit(
            f"{dagster_home}/dagster.yaml names no Celery launcher; copy "
            "deploy/celery/dagster.yaml into that folder."
        )
    create_execute_job_task(launcher.celery)
    create_resume_job_task(launcher.celery)
    return launcher.celery


def main(arguments: Sequence[str]) -> None:
    """Work until a signal ends it; arguments such as `--loglevel=INFO` go to Celery."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise SystemExit("DAGSTER_HOME is not set; set it to the folder that has dagster.yaml.")
    name = f"--hostname=worker-{os.getpid()}@%h"  # unique on this machine
    application(home).worker_main([*WORKER, name, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
