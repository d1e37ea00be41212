"""Faults as answers: what replaces an answer, and what changes a page.

In: the faults in force, and a request or a page. Out: a broken answer, an earlier time for a write,
or the page with its faults. Called by application.py and entity_routes.py.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from time import sleep

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.collection_page import Page
from octane_simulator.store.simulated_clock import Clock

__all__ = ["broken_page", "replacing_answer", "shifted_parameters", "time_of_write"]

_HTML_503 = "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
_HTML_LOGIN = "<html><head><title>Sign in</title></head><body>Please sign in</body></html>"


def replacing_answer(faults: Faults, clock: Clock, request: Request) -> Response | None:
    """The answer of a fault that replaces the real one."""
    path = request.path
    sleep(faults.wait(path))
    if faults.take("unavailable", path):
        return Response(_HTML_503, 503, content_type="text/html")
    if faults.take("error_500", path):
        return Response("", 500)
    fault = faults.take("servlet_error", path)
    if fault is not None:
        return _servlet_error(fault.options["status"])
    fault = faults.take("too_many_requests", path)
    if fault is not None:
        response = Response("", 429)
        wait = fault.options["retry_after"]
        if wait is not None and fault.options["as_date"]:
            moment = clock.now() + timedelta(seconds=wait)
            response.headers["Retry-After"] = format_datetime(moment, usegmt=True)
        elif wait is not None:
            response.headers["Retry-After"] = f"{wait:g}"
        return response
    if faults.take("html_200", path):
        return Response(_HTML_LOGIN, 200, content_type="text/html")
    return None


def _servlet_error(status: int) -> Response:
    """An error of the layer below the resources, which is not in the platform's shape."""
    inner = json.dumps({"errorCode": "SERVLET_ERROR", "accumulatedMessage": "The request failed"})
    body = json.dumps({"message": html.escape(inner)})
    return Response(body, status, content_type="application/json")


@contextmanager
def time_of_write(faults: Faults, clock: Clock, request: Request) -> Iterator[None]:
    """The time that a request writes into rows: the server's, or an earlier one."""
    writes = request.method in {"POST", "PUT"}
    fault = faults.take("late_commit", request.path) if writes else None
    with clock.backdated(fault.options["seconds"] if fault else 0):
        yield


def shifted_parameters(
    faults: Faults, path: str, parameters: Mapping[str, str]
) -> Mapping[str, str]:
    """The parameters of a page whose rows have moved since the previous page."""
    offset = parameters.get("offset", "")
    if not offset.isdecimal() or int(offset) == 0:
        return parameters
    fault = faults.take("shifted_page", path)
    if fault is None:
        return parameters
    return {**parameters, "offset": str(max(0, int(offset) + fault.options["by"]))}


def broken_page(faults: Faults, path: str, fields: str, page: Page) -> Page:
    """The page as the faults in force change it; `fields` are those of the request, as text."""
    pages, place = faults.previous_pages, (path, fields)
    unbroken_rows = page.rows
    if faults.take("short_page", path):
        page.rows = page.rows[: len(page.rows) // 2]
    if page.rows and faults.take("duplicate_row", path):
        page.rows = [page.rows[0], *page.rows]
    if place in pages and faults.take("repeated_page", path):
        page.rows = pages[place]
    limit = faults.setting("count_limit", "max")
    low_total = faults.take("low_total", path)
    if low_total is not None:
        total = low_total.options["total"]
        limit = max(0, page.total_count - 1) if total is None else total
    if limit is not None and page.total_count > limit:
        page.total_count, page.exceeds = limit, True
    pages[place] = unbroken_rows
    return page
