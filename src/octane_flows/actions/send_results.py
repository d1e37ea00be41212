"""Handing test-results documents in and waiting for the server's word.

A workspace, documents and an audit log in, the server's statuses out; `report-results` calls it.
While the server's queue of test results is full, the same document is sent again and again, up to a
bound that all documents of a report share.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from octane_flows.actions.audit_log import AuditLog
from octane_flows.actions.results_xml import Document
from octane_flows.client import Workspace
from octane_flows.errors import AnswerError, QueueFullError

POLL_S = 0.5  # the vendor's tool asks every 0.1 s; nobody waits for less than that here
PATIENCE_S = 300.0
QUEUE_POLL_S = 10.0  # clients in production wait ten seconds and send again


class QueuePatience:
    """How long the documents of one report may wait in all for places in the server's queue.

    `on_wait` is called once, when the first document begins to wait.
    """

    def __init__(
        self,
        bound_s: float,
        *,
        on_wait: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._left_s = bound_s
        self._on_wait: Callable[[], None] | None = on_wait
        self._sleep = sleep
        self._monotonic = monotonic

    def post(self, send: Callable[[], str]) -> str:
        """Call `send` until the queue has a place. Raises its QueueFullError after the bound."""
        while True:
            started = self._monotonic()
            try:
                return send()
            except QueueFullError:
                if self._left_s <= 0:
                    raise
            if self._on_wait is not None:
                self._on_wait()
                self._on_wait = None
            self._sleep(min(QUEUE_POLL_S, self._left_s))  # the last attempt is at the bound itself
            self._left_s -= self._monotonic() - started


def send_document(
    workspace: Workspace,
    document: Document,
    audit: AuditLog,
    *,
    skip_errors: bool = False,
    patience: QueuePatience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Hand a document in and wait; gives the server's last word: success, warning or failed.

    The server knows a document that it had before and does not process it twice. Raises
    QueueFullError when the patience ended before the server's queue had a place; without patience,
    nothing waits for a place.
    """
    patience = patience or QueuePatience(0.0)
    facts = {
        "slug": "report_results",
        "workspace_id": workspace.id,
        "sha256": hashlib.sha256(document.xml).hexdigest(),
        "bytes": len(document.xml),
        "results": document.result_count,
    }
    with audit.sending(facts):
        task = patience.post(
            lambda: workspace.post_test_results(document.xml, skip_errors=skip_errors)
        )
        status = _wait(workspace, task, sleep)
    audit.append({"event": "verdict", **facts, "outcome": status, "task": task})
    return status


def _wait(workspace: Workspace, task: str, sleep: Callable[[float], None]) -> str:
    waited = 0.0
    while (status := workspace.test_results_status(task)) in ("queued", "running"):
        if waited >= PATIENCE_S:
            raise AnswerError(
                f"After {PATIENCE_S:.0f} s the task {task} of test results is {status}; report the "
                "same files again later: the server does not process them twice."
            )
        sleep(POLL_S)
        waited += POLL_S
    return status
