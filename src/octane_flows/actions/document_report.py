"""The document report of a saved template: made by the server, waited for, fetched.

A workspace and the name of a template in, the file's bytes out; the command line calls it. Flow 25
by the resources that the vendor's own download tool uses.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from octane_flows.actions.audit_log import AuditLog
from octane_flows.client import Workspace, field
from octane_flows.errors import AnswerError, RequestError, UsageError

POLL_S = 3.0  # as the vendor's tool; it gives up after 120 s, big documents take longer
PATIENCE_S = 600.0
# Fields of a template that belong into the request; its other fields do not.
FIELDS = (
    "header",
    "show_author",
    "print_title_page",
    "print_toc",
    "file_name",
    "ignore_default_footer",
    "report_entries",
    "ignore_default_logo",
    "show_date",
    "title",
    "description",
    "document_type",
    "ignore_default_header",
    "footer",
    "document_orientation",
    "logo",
)


@dataclass(frozen=True)
class Document:
    """A file that the server made: its name there, its bytes, the attachment that holds it."""

    file_name: str
    attachment_id: str
    content: bytes


def document_request(workspace: Workspace, template: str, moment: datetime) -> dict[str, Any]:
    """What would be sent: the template under a file name of its own. Raises UsageError."""
    query = f'"{field("name").eq(template)}"'
    params = {"fields": ",".join(FIELDS), "query": query}
    answer = workspace.ask_private("GET", "report_configurations", params)
    rows = answer.get("data", []) if isinstance(answer, Mapping) else []
    if len(rows) != 1:
        raise UsageError(
            f"Workspace {workspace.id} has {len(rows)} document reports named '{template}', where "
            "one was expected; save the template in Octane, or write its name as it is there."
        )
    body = {name: rows[0][name] for name in FIELDS if rows[0].get(name) is not None}
    name = PurePath(str(body.get("file_name") or template))
    body["file_name"] = f"{name.stem}_{moment:%Y%m%d_%H%M%S}{name.suffix}"
    return body


def make_document(
    workspace: Workspace,
    request: Mapping[str, Any],
    audit: AuditLog,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Document:
    """Send the request, wait for the server's task and fetch the file. Raises ServerError."""
    facts = {"slug": "descendants_of_items", "workspace_id": workspace.id, "body": dict(request)}
    with audit.sending(facts):
        document = _request_and_fetch(workspace, request, sleep)
    audit.append(
        {
            "event": "verdict",
            **facts,
            "outcome": "done",
            "sha256": hashlib.sha256(document.content).hexdigest(),
            "entity_id": document.attachment_id,
            "bytes": len(document.content),
        }
    )
    return document


def _request_and_fetch(
    workspace: Workspace, request: Mapping[str, Any], sleep: Callable[[float], None]
) -> Document:
    answer = workspace.ask_private("POST", "reports", body=request)
    task = answer.get("background_task_id") if isinstance(answer, Mapping) else None
    if not task:
        raise AnswerError("Octane took the document report but named no task; try again.")
    result = _wait(workspace, str(task), sleep)
    attachment = str(result.get("attachment_id") or "")
    if not attachment:
        raise AnswerError(f"The finished task {task} names no file; look for it in Octane.")
    name = str(result.get("file_name") or request["file_name"])
    return Document(name, attachment, workspace.download(attachment))


def _wait(workspace: Workspace, task: str, sleep: Callable[[float], None]) -> Mapping[str, Any]:
    waited = 0.0
    params = {"fields": "status,result", "query": f'"id EQ {task}"'}
    while True:
        answer = workspace.ask_private("GET", "background_tasks", params)
        rows = answer.get("data", []) if isinstance(answer, Mapping) else []
        status = rows[0].get("status") if rows else None
        result = (rows[0].get("result") if rows else None) or {}
        if status == "Finished":
            return dict(result)
        if status == "Error":
            reason = result.get("description") or "without a reason"
            raise RequestError(
                f"Octane could not make the document: {reason}; correct its template."
            )
        if waited >= PATIENCE_S:
            raise AnswerError(
                f"After {PATIENCE_S:.0f} s the task {task} of the document is {status}; look at "
                "Octane's background tasks, and make the document smaller."
            )
        sleep(POLL_S)
        waited += POLL_S
