"""The test-results resource: documents are posted, their tasks are polled.

In: requests below `test-results`. Out: the status or the log of a task, or the XML schema. Called
by workspace_routes.py.
"""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.active_faults import Faults
from octane_simulator.http.wire import object_response
from octane_simulator.model.refusals import (
    ApiError,
    entity_not_found,
    illegal_value,
    method_not_allowed,
    not_found,
)
from octane_simulator.results.result_schema import SchemaError
from octane_simulator.results.result_tasks import QueueFullError, Task, find_task, post
from octane_simulator.results.result_xsd import schema_text
from octane_simulator.store.entity_store import Store

__all__ = ["answer"]

_TASK_PATH = re.compile(r"([0-9]{1,18})(/log)?")


def answer(store: Store, faults: Faults, request: Request) -> Response:
    """POST test-results[?skip-errors=], GET test-results/xsd, GET test-results/<id>[/log]."""
    rest = request.path.partition("/test-results")[2].strip("/")
    if not rest and request.method == "POST":
        return _post(store, faults, request)
    if rest == "xsd" and request.method == "GET":
        return Response(schema_text(), content_type="application/xml")
    task_path = _TASK_PATH.fullmatch(rest)
    if task_path and request.method == "GET":
        task = find_task(store, int(task_path[1]))
        if task is None:
            raise entity_not_found("test_results_task", task_path[1])
        if task_path[2]:
            return Response("\n".join(task.log) + "\n", content_type="text/plain; charset=utf-8")
        return object_response(_status(task, store))
    if task_path or rest in ("", "xsd"):
        raise method_not_allowed()
    raise not_found()


def _post(store: Store, faults: Faults, request: Request) -> Response:
    word = request.args.get("skip-errors", "false").lower()
    if word not in ("true", "false"):
        raise illegal_value(f"skip-errors is {word!r}, not true or false")
    refused = faults.take("full_queue", request.path)
    if refused is not None:
        raise _queue_full(refused.options["status"])
    busy_s = faults.setting("slow_results", "seconds") or 0.0
    try:
        task_id, status = post(store, request.get_data(), skip_errors=word == "true", busy_s=busy_s)
    except QueueFullError as failure:
        raise _queue_full(faults.setting("slow_results", "status") or 503) from failure
    except SchemaError as failure:
        raise ApiError(400, "testbox.invalid_xml", str(failure)) from failure
    return object_response({"status": status, "id": task_id}, 202)


def _queue_full(status: int) -> ApiError:
    """So many results wait that the server takes no more for now."""
    return ApiError(status, "testbox_queue_full", "The queue of test results is full")


def _status(task: Task, store: Store) -> dict[str, object]:
    status = task.status_at(store.now())
    body: dict[str, object] = {
        "id": task.id,
        "status": status,
        "until": task.until.strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }
    if status in ("warning", "failed"):
        body["errorDetails"] = "\n".join(task.log)
    return body
