"""A folder of Allure results: one JSON file a result.

The files of a folder and a collector in; results go into the collector. Results with one history
id are attempts of one test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from octane_flows.results.durations import from_number
from octane_flows.results.json_items import as_list, as_object, as_text
from octane_flows.results.result_collector import ResultCollector
from octane_flows.results.start_times import start_from_number
from octane_flows.results.test_result import Attempt, ErrorText, Result, Status

_STATUSES: dict[str, Status] = {
    "passed": "Passed",
    "failed": "Failed",
    "broken": "Failed",
    "skipped": "Skipped",
    "unknown": "Skipped",
}
_LARGEST = 64 * 1024**2


def read_allure(files: Sequence[Path], collector: ResultCollector) -> None:
    """Read all results of a folder; a file that cannot be read is left out."""
    collector.framework = "Allure"
    attempts: dict[str, list[Result]] = {}
    for file in files:
        try:
            if file.stat().st_size > _LARGEST:
                raise ValueError(f"larger than {_LARGEST // 1024**2} MiB")
            content = json.loads(file.read_bytes().decode("utf-8-sig", "replace"))
        except (OSError, ValueError, RecursionError) as error:
            collector.leave_out(f"{file.name} cannot be read ({str(error).splitlines()[0]})")
            continue
        result = _result(as_object(content), file.name, collector)
        if result is not None:
            history = as_text(as_object(content).get("historyId")) or file.name
            attempts.setdefault(history, []).append(result)
    for group in attempts.values():
        group.sort(key=lambda result: result.started_ms or 0)
        last = group[-1]
        if len(group) > 1:
            last = replace(
                last, attempts=tuple(Attempt(r.status, r.duration_ms, r.error) for r in group)
            )
        collector.add(last)


def _result(content: dict[str, Any], file: str, collector: ResultCollector) -> Result | None:
    word = as_text(content.get("status")).lower()
    if word not in _STATUSES:
        collector.leave_out(f"{file} has the status '{word}', which is not known")
        return None
    labels: dict[str, list[str]] = {}
    for label in map(as_object, as_list(content.get("labels"))):
        labels.setdefault(as_text(label.get("name")), []).append(as_text(label.get("value")))
    parameters = [as_object(each) for each in as_list(content.get("parameters"))]
    details = as_object(content.get("statusDetails"))
    message, trace = as_text(details.get("message")).strip(), as_text(details.get("trace")).strip()
    start, stop = (start_from_number(content.get(name)) for name in ("start", "stop"))
    duration = None if start is None or stop is None else from_number(stop - start, 1.0)
    full, name = as_text(content.get("fullName")), as_text(content.get("name"))
    class_name = next(iter(labels.get("testClass", ())), "")
    if not class_name and full:
        class_name = full.rpartition("#")[0] or full.removesuffix(f".{name}")
    if not class_name or class_name == name:
        class_name = next(iter(labels.get("suite", ())), "") or class_name
    return Result(
        name=name or full,
        status=_STATUSES[word],
        class_name=class_name if class_name != (name or full) else "",
        variant=", ".join(as_text(each.get("value")) for each in parameters),
        started_ms=start,
        started_from="unknown" if start is None else "result",
        duration_ms=duration,
        error=ErrorText(None, message or None, trace) if message or trace else None,
        owner=next(iter(labels.get("owner", ())), None),
        tags=tuple(labels.get("tag", ())),
        attachments=tuple(
            as_text(each.get("source"))
            for each in map(as_object, as_list(content.get("attachments")))
        ),
    )
