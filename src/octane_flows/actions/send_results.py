"""Handing test-results documents in and waiting for the server's word.

A workspace, documents and an audit log in, the server's statuses out; `report-results` calls it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from octane_flows.actions.audit_log import AuditLog
from octane_flows.actions.results_xml import Document
from octane_flows.client import Workspace
from octane_flows.errors import AnswerError

POLL_S = 0.5  # the vendor's tool asks every 0.1 s; nobody waits for less than that here
PATIENCE_S = 300.0


def send_document(
    workspace: Workspace,
    document: Document,
    audit: AuditLog,
    *,
    skip_errors: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Hand a document in and wait; gives the server's last word: success, warning or failed.

    The server knows a document that it had before and does not process it twice.
    """
    facts = {
        "slug": "report_results",
        "workspace_id": workspace.id,
        "sha256": hashlib.sha256(document.xml).hexdigest(),
        "bytes": len(document.xml),
        "results": document.result_count,
    }
    with audit.sending(facts):
        task = workspace.post_test_results(document.xml, skip_errors=skip_errors)
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
