"""Tasks of posted test results: documents are processed inside the POST, tasks are polled.

In: a store and a document. Out: a task with its status and log. The first answer still says
"queued", as the server's does. Called by result_routes.py and, in process, by LocalFeeder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from weakref import WeakKeyDictionary

from octane_simulator.results.ci_builds import forget_builds
from octane_simulator.results.result_document import parse
from octane_simulator.results.result_ingest import Ingest
from octane_simulator.store.entity_store import Store

__all__ = ["QUEUE_SIZE", "QueueFullError", "Task", "find_task", "forget", "post"]

QUEUE_SIZE = 50  # tasks that may wait or run

# How long a task answers; the real time is not documented.
_KEPT_FOR = timedelta(hours=24)
_FIRST_TASK = 1001
_LOCK = RLock()


class QueueFullError(Exception):
    """So many tasks wait that the server takes no more documents."""


@dataclass
class Task:
    """What became of one document; `until` is when the server forgets the task.

    Until `ready` the task shows that it waits or runs, although its results are stored.
    """

    id: int
    status: str
    until: datetime
    log: list[str]
    posted: datetime
    ready: datetime

    def status_at(self, now: datetime) -> str:
        """The status that the server shows at a time."""
        if now >= self.ready:
            return self.status
        return "queued" if now - self.posted < (self.ready - self.posted) / 2 else "running"


class _Tasks:
    """The tasks of one store, by id and by posted document."""

    def __init__(self, store: Store) -> None:
        self.ingest = Ingest(store)
        self.by_id: dict[int, Task] = {}
        self.by_hash: dict[bytes, Task] = {}


_TASKS: WeakKeyDictionary[Store, _Tasks] = WeakKeyDictionary()


def _tasks_of(store: Store) -> _Tasks:
    with _LOCK:
        if store not in _TASKS:
            _TASKS[store] = _Tasks(store)
        return _TASKS[store]


def forget(store: Store) -> None:
    """Drop what is remembered about tests, runs and builds; it is read again when needed."""
    forget_builds(store)
    _tasks_of(store).ingest = Ingest(store)


def post(
    store: Store, body: bytes, *, skip_errors: bool = False, busy_s: float = 0.0
) -> tuple[int, str]:
    """Process one document; returns the task's id and the status that the POST answers with.

    A document that was posted before, and whose task still answers, is not processed again.
    The task waits and runs for `busy_s` seconds. Raises `SchemaError` and `QueueFullError`.
    """
    tasks, now = _tasks_of(store), store.now()
    digest = hashlib.sha256(body + b"\0skip" * skip_errors).digest()
    with _LOCK:
        previous = tasks.by_hash.get(digest)
        if previous is not None and now < previous.until:
            return previous.id, previous.status_at(now)
        if sum(now < task.ready for task in tasks.by_id.values()) >= QUEUE_SIZE:
            raise QueueFullError
        build, results = parse(body)
        try:
            with store.transaction():
                outcome = tasks.ingest.process(build, results, skip_errors=skip_errors)
        except BaseException:
            forget(store)  # the memory may name rows that were rolled back
            raise
        ready = now + timedelta(seconds=busy_s)
        task = Task(
            _FIRST_TASK + len(tasks.by_id),
            outcome.status,
            now + _KEPT_FOR,
            outcome.notes,
            now,
            ready,
        )
        task.log.append(f"{outcome.kept} results kept, {outcome.skipped} skipped.")
        tasks.by_id[task.id] = tasks.by_hash[digest] = task
        return task.id, "queued"


def find_task(store: Store, task_id: int) -> Task | None:
    """A task by id, as long as the server remembers it."""
    task = _tasks_of(store).by_id.get(task_id)
    return None if task is None or store.now() >= task.until else task
