"""Runs and their context as the server's test-results XML, and handing it in.

Elements of `read_result_files` and a `Context` in, bytes out; a workspace of the client takes them.
The command line calls it. Flows 15 and 16: Octane creates the tests and runs that it does not have.
"""

from __future__ import annotations

import hashlib
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from octane_flows.actions.audit_log import AuditLog
from octane_flows.client import Workspace
from octane_flows.errors import AnswerError, UsageError

POLL_S = 0.5  # the vendor's tool asks every 0.1 s; nobody waits for less than that here
PATIENCE_S = 300.0
FIELD_TYPES = ("Test_Level", "Test_Type", "Testing_Tool_Type", "Framework")


@dataclass(frozen=True)
class Context:
    """What the results belong to; ids are Octane's, `fields` and `environment` pairs of texts."""

    server_id: str
    job_id: str
    build_id: str
    job_name: str | None = None
    build_name: str | None = None
    release_id: str | None = None
    release_name: str | None = None
    milestone_id: str | None = None
    backlog_item_ids: tuple[str, ...] = ()
    application_module_ids: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def to_xml(context: Context, runs: Iterable[ET.Element]) -> bytes:
    """The document; elements in the order of the vendor's schema. Raises UsageError."""
    found = list(runs)
    if not found:
        raise UsageError("The files hold no results; name files of a test run that ran.")
    if len({run.tag for run in found}) > 1:
        raise UsageError(
            "Octane takes Gherkin results and others in separate reports; report the files apart."
        )
    root = ET.Element("test_result")
    build = {"server_id": context.server_id, "job_id": context.job_id, "build_id": context.build_id}
    optional = {"job_name": context.job_name, "build_name": context.build_name}
    ET.SubElement(root, "build", {**build, **{k: v for k, v in optional.items() if v is not None}})
    if context.release_id is not None and context.release_name is not None:
        raise UsageError("A release is named by id or by name; leave one of the two out.")
    if context.release_id is not None:
        ET.SubElement(root, "release_ref", id=_id(context.release_id))
    if context.release_name is not None:
        ET.SubElement(root, "release", name=context.release_name)
    if context.milestone_id is not None:
        ET.SubElement(root, "milestone_ref", id=_id(context.milestone_id))
    _references(root, "backlog_items", "backlog_item_ref", context.backlog_item_ids)
    _references(root, "product_areas", "product_area_ref", context.application_module_ids)
    for kind, _ in context.fields:
        if kind not in FIELD_TYPES:
            raise UsageError(f"'{kind}' is no test field; use {', '.join(FIELD_TYPES)}.")
    _pairs(root, "test_fields", "test_field", context.fields)
    _pairs(root, "environment", "taxonomy", context.environment)
    ET.SubElement(root, "test_runs").extend(found)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def counts(runs: Iterable[ET.Element]) -> Counter[str]:
    """How many runs ended how."""
    return Counter(run.get("status", "") for run in runs)


def report(
    workspace: Workspace,
    document: bytes,
    audit: AuditLog,
    *,
    skip_errors: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Hand the document in and wait; gives the server's last word: success, warning or failed.

    The server knows a document that it had before and does not process it twice.
    """
    facts = {
        "slug": "report_results",
        "workspace_id": workspace.id,
        "sha256": hashlib.sha256(document).hexdigest(),
        "bytes": len(document),
    }
    with audit.sending(facts):
        task = workspace.post_test_results(document, skip_errors=skip_errors)
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


def _references(root: ET.Element, group: str, name: str, ids: tuple[str, ...]) -> None:
    if ids:
        listed = ET.SubElement(root, group)
        for one in ids:
            ET.SubElement(listed, name, id=_id(one))


def _pairs(root: ET.Element, group: str, name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    if pairs:
        listed = ET.SubElement(root, group)
        for kind, value in pairs:
            ET.SubElement(listed, name, type=kind, value=value)


def _id(text: str) -> str:
    if not text.isdigit():
        raise UsageError(f"'{text}' is no id of Octane; write the number, such as 1003.")
    return text
