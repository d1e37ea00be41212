"""A verdict as text, JSON or JUnit XML.

A `Verdict` in, a text out; the command `gate` prints it.
"""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

from octane_flows.gate.verdict import Verdict

#: What XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(verdict: Verdict) -> str:
    """A line for each criterion, then what stands against the numbers, then the verdict."""
    scope = verdict.scope
    place = f" in workspace {scope.workspace_id} {scope.workspace_name}"
    lines = [
        f"gate         {scope.type.replace('_', ' ')} {scope.name}"
        f"{place if scope.workspace_name else ''}, as of {verdict.as_of} UTC"
    ]
    width = max((len(reason.criterion) for reason in verdict.reasons), default=0)
    lines += [
        f"{reason.result:<12} {reason.criterion:<{width}}  {reason.shown_values}"
        for reason in verdict.reasons
    ]
    lines += [f"doubt        {doubt}" for doubt in verdict.doubts]
    lines.append(f"verdict      {verdict.status}")
    return "\n".join(lines) + "\n"


def as_json(verdict: Verdict) -> str:
    """The verdict with all variables of the scope."""
    scope = verdict.scope
    content = {
        "status": verdict.status,
        "exit_code": verdict.exit_code,
        "scope": {
            "type": scope.type,
            "name": scope.name,
            "workspace_id": scope.workspace_id,
            "workspace_name": scope.workspace_name,
        },
        "generation": verdict.generation,
        "as_of": f"{verdict.as_of}Z",
        "criteria": [
            {"criterion": reason.criterion, "result": reason.result, "values": reason.values}
            for reason in verdict.reasons
        ],
        "doubts": list(verdict.doubts),
        "variables": [
            {"name": name, "value": value, "formula": scope.formulas[name]}
            for name, value in scope.values.items()
        ],
    }
    return json.dumps(content, indent=1) + "\n"  # ASCII alone, for any terminal and program


def as_junit(verdict: Verdict) -> str:
    """JUnit XML: a test case for each criterion, and one for what the numbers rest on.

    Where the numbers cannot be trusted, the criteria are skipped: none of them counts as passed.
    """
    name = _xml(f"gate.{verdict.scope.type}.{verdict.scope.name}")
    failed = sum(reason.holds is not True for reason in verdict.reasons)
    doubtful = bool(verdict.doubts)
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(verdict.reasons) + 1),
        failures=str(0 if doubtful else failed),
        errors=str(int(doubtful)),
        skipped=str(len(verdict.reasons) if doubtful else 0),
    )
    trust = ElementTree.SubElement(suite, "testcase", classname=name, name="complete and recent")
    if doubtful:
        error = ElementTree.SubElement(trust, "error", message=_xml(verdict.doubts[0]))
        error.text = _xml("\n".join(verdict.doubts))
    for reason in verdict.reasons:
        case = ElementTree.SubElement(
            suite, "testcase", classname=name, name=_xml(reason.criterion)
        )
        if doubtful:
            ElementTree.SubElement(case, "skipped", message="the numbers cannot be trusted")
        elif reason.holds is not True:
            ElementTree.SubElement(case, "failure", message=_xml(reason.shown_values))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    body = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)
