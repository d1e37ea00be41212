"""Texts of failures, errors, reruns and skips in JUnit XML.

Elements in, `ErrorText` and numbers out; `junit_xml` calls them.
"""

from __future__ import annotations

import re

from octane_flows.results.durations import from_number
from octane_flows.results.repaired_text import first_line
from octane_flows.results.test_result import ErrorText
from octane_flows.results.xml_elements import Element


def error_of(failures: list[Element]) -> ErrorText | None:
    """The first failure as type and message, the texts of all as details."""
    if not failures:
        return None
    first = failures[0]
    parts: list[str] = []
    for failure in failures:
        text = failure.text.strip() or (failure.child_text("stackTrace") or "").strip()
        message = (failure.get("message") or "").strip()
        if failure is not first and message and not _stands_in(message, text):
            text = f"{message}\n{text}".strip()
        parts.append(text)
    message_text = (first.get("message") or "").strip()
    details = "\n\n".join(part for part in parts if part)
    if not message_text and details:
        message_text = first_line(details)
    return ErrorText(first.get("type") or None, message_text or None, details)


def _stands_in(message: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(message)}(?!\w)", text) is not None


def skip_reason(skip: Element | None, case: Element) -> ErrorText | None:
    """Why a test was skipped, or what a passed one warns of."""
    if skip is None:
        warning = case.find("warning")
        return None if warning is None else error_of([warning])
    message, text = (skip.get("message") or "").strip(), skip.text.strip()
    kind = skip.get("type") or None
    if not (message or text or kind):
        return None
    return ErrorText(kind, message or first_line(text) or None, text)


def seconds_of(element: Element) -> float | None:
    """The time of a rerun, in milliseconds."""
    try:
        seconds = float((element.get("time") or "nan").replace(",", "."))
    except ValueError:
        return None
    return from_number(seconds, 1000.0)
