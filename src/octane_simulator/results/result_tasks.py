"""The test-results resource: XML documents are posted, tasks are polled; called by application.py.

In: a store and a request below .../test-results. Out: the answer of the task resource. Documents
are processed inside the POST; the answer still says "queued", as the server's does.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from weakref import WeakKeyDictionary

from werkzeug.wrappers import Request, Response

from octane_simulator.model.refusals import (
    ApiError,
    entity_not_found,
    illegal_value,
    method_not_allowed,
    not_found,
)
from octane_simulator.results.ci_builds import forget_builds
from octane_simulator.results.result_document import parse
from octane_simulator.results.result_ingest import Ingest
from octane_simulator.results.result_schema import SchemaError
from octane_simulator.results.result_xsd import schema_text
from octane_simulator.store.entity_store import Store
from octane_simulator.store.server_clock import iso

__all__ = ["forget", "handle", "post"]

# How long a task answers; the real time is not documented.
_KEPT_FOR = timedelta(hours=24)
_FIRST_TASK = 1001
_LOCK = RLock()


@dataclass
class _Task:
    id: int
    status: str
    until: datetime
    log: list[str]


class _Tasks:
    """The tasks of one store, found by id and by what was posted."""

    def __init__(self, store: Store) -> None:
        self.ingest = Ingest(store)
        self.by_id: dict[int, _Task] = {}
        self.by_hash: dict[bytes, _Task] = {}


_TASKS: WeakKeyDictionary[Store, _Tasks] = WeakKeyDictionary()


def _tasks_of(store: Store) -> _Tasks:
    with _LOCK:
        if store not in _TASKS:
            _TASKS[store] = _Tasks(store)
        return _TASKS[store]


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def forget(store: Store) -> None:
    """Drop what is remembered of a store's tests, runs and builds; it is read again when needed."""
    forget_builds(store)
    _tasks_of(store).ingest = Ingest(store)


def post(store: Store, body: bytes, *, skip_errors: bool = False) -> tuple[int, str]:
    """Process one document; gives the task's id and the word the POST answers with.

    A document that was posted before, and whose task is still kept, is not processed again.
    Raises `SchemaError`.
    """
    tasks, now = _tasks_of(store), store.now()
    digest = hashlib.sha256(body + b"\0skip" * skip_errors).digest()
    with _LOCK:
        before = tasks.by_hash.get(digest)
        if before is not None and now < before.until:
            return before.id, before.status
        build, results = parse(body)
        try:
            with store.transaction():
                outcome = tasks.ingest.process(build, results, skip_errors=skip_errors)
        except BaseException:
            forget(store)  # what is remembered may name rows that were rolled back
            raise
        task = _Task(_FIRST_TASK + len(tasks.by_id), outcome.status, now + _KEPT_FOR, outcome.notes)
        task.log.append(f"{outcome.kept} results kept, {outcome.skipped} skipped.")
        tasks.by_id[task.id] = tasks.by_hash[digest] = task
        return task.id, "queued"


def _status(task: _Task) -> dict[str, object]:
    body: dict[str, object] = {
        "id": task.id,
        "status": task.status,
        "until": iso(task.until),
    }
    if task.status in ("warning", "failed"):
        body["errorDetails"] = "\n".join(task.log)
    return body


def handle(store: Store, request: Request) -> Response:
    """POST test-results[?skip-errors=], GET test-results/xsd, GET test-results/<id>[/log]."""
    rest = request.path.partition("/test-results")[2].strip("/")
    if not rest and request.method == "POST":
        word = request.args.get("skip-errors", "false").lower()
        if word not in ("true", "false"):
            raise illegal_value(f"skip-errors is {word!r}, not true or false")
        try:
            id, status = post(store, request.get_data(), skip_errors=word == "true")
        except SchemaError as failure:
            raise ApiError(400, "testbox.invalid_xml", str(failure)) from failure
        return _json({"status": status, "id": id}, 202)
    if rest == "xsd" and request.method == "GET":
        return Response(schema_text(), content_type="application/xml")
    found = re.fullmatch(r"([0-9]{1,18})(/log)?", rest)
    if found and request.method == "GET":
        tasks = _tasks_of(store)
        task = tasks.by_id.get(int(found[1]))
        if task is None or store.now() >= task.until:
            raise entity_not_found("test_results_task", found[1])
        if found[2]:
            return Response("\n".join(task.log) + "\n", content_type="text/plain; charset=utf-8")
        return _json(_status(task))
    if found or rest in ("", "xsd"):
        raise method_not_allowed()
    raise not_found()
