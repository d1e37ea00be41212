"""Faults as answers: what replaces an answer, and what spoils a page.

In: a request or a page, and the faults in force. Out: a broken answer, or the page changed. Called
by app.py and routes_entity.py.
"""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from octane_flows.simulator.reads import Page

if TYPE_CHECKING:
    from octane_flows.simulator.core import Simulator

__all__ = ["instead", "spoil"]

_HTML_503 = "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
_HTML_LOGIN = "<html><head><title>Sign in</title></head><body>Please sign in</body></html>"


def instead(simulator: Simulator, request: Request) -> Response | None:
    """The answer of a fault that replaces the real one."""
    faults, path = simulator.faults, request.path
    fault = faults.take("latency", path)
    if fault is not None:
        time.sleep(float(fault.options.get("seconds", 0.1)))
    if faults.take("unavailable", path):
        return Response(_HTML_503, 503, content_type="text/html")
    if faults.take("error_500", path):
        return Response("", 500)
    fault = faults.take("too_many_requests", path)
    if fault is not None:
        response = Response("", 429)
        wait = fault.options.get("retry_after")
        if wait is not None and fault.options.get("as_date"):
            moment = simulator.clock.now() + timedelta(seconds=float(wait))
            wait = format_datetime(moment, usegmt=True)
        if wait is not None:
            response.headers["Retry-After"] = str(wait)
        return response
    if faults.take("html_200", path):
        return Response(_HTML_LOGIN, 200, content_type="text/html")
    return None


def spoil(simulator: Simulator, path: str, page: Page) -> Page:
    """Faults that change a page."""
    faults, pages = simulator.faults, simulator.pages_served
    honest = page.rows
    if faults.take("short_page", path):
        page.rows = page.rows[: len(page.rows) // 2]
    if page.rows and faults.take("duplicate_row", path):
        page.rows = [page.rows[0], *page.rows]
    if path in pages and faults.take("repeated_page", path):
        page.rows = pages[path]
    if faults.take("low_total", path):
        page.total_count = max(0, page.total_count - 1)
        page.exceeds = True
    pages[path] = honest
    return page
