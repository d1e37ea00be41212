"""Runs on many workers: Dagster's own Celery launcher, which asks whether a worker still lives.

`deploy/celery/dagster.yaml` names `WorkerLauncher`; `python -m dagster_octane.celery_workers` is a
worker that takes its broker from the same file. Needs the extra `distributed`.
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

#: A worker's main process does nothing but answer: one that is silent three times is gone.
ATTEMPTS: Final = 3
PATIENCE_S: Final = 6.0
#: One run at a time, and none taken in advance that another worker could begin.
WORKER: Final = ("worker", "--pool=prefork", "--concurrency=1", "--without-mingle",
                 "--without-gossip")  # fmt: skip


class WorkerLauncher(CeleryRunLauncher):
    """Starts runs as Celery tasks; a run whose worker was killed fails, and is run again.

    The result backend says of such a run for ever that it has started, so the worker is asked.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to the broker."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Dagster makes the same task anew for each run
            super().launch_run(context)

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether somebody works on a run; Dagster's monitor asks every few seconds."""
        told = super().check_run_worker_health(run)
        if told.status not in (WorkerStatus.RUNNING, WorkerStatus.UNKNOWN):
            return told
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        worker = self._worker(task)
        if any(self._is_held(task, worker) for _ in range(ATTEMPTS)):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        told = super().check_run_worker_health(run)  # it may have ended while we asked
        if told.status is not WorkerStatus.RUNNING:
            return told
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"The worker {worker} does not answer, or lost the run."
        )

    def _worker(self, task: str) -> str | None:
        """Who began it, as the result backend has it; None where that was lost."""
        told = self.celery.AsyncResult(task).info
        return told.get("hostname") if isinstance(told, dict) else None

    def _is_held(self, task: str, worker: str | None) -> bool:
        """Whether a worker, any where it is not known which, has the task in its hands."""
        asked = self.celery.control.inspect(
            destination=[worker] if worker else None, timeout=PATIENCE_S
        )
        answers: dict[str, dict[str, Any]] = asked.query_task([task]) or {}
        return any(task in held for held in answers.values())


def application(dagster_home: str) -> Celery:
    """The Celery application of a folder's `dagster.yaml`, with Dagster's tasks."""
    launcher = InstanceRef.from_dir(dagster_home).run_launcher
    if not isinstance(launcher, CeleryRunLauncher):
        raise SystemExit(
            f"{dagster_home}/dagster.yaml names no Celery launcher; put deploy/celery/dagster.yaml "
            "there."
        )
    create_execute_job_task(launcher.celery)
    create_resume_job_task(launcher.celery)
    return launcher.celery


def main(arguments: Sequence[str]) -> None:
    """Work until told to stop; arguments such as `--loglevel=INFO` go to Celery."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise SystemExit("DAGSTER_HOME is not set; it is the folder with dagster.yaml.")
    name = f"--hostname=worker-{os.getpid()}@%h"  # several on one machine must differ
    application(home).worker_main([*WORKER, name, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
