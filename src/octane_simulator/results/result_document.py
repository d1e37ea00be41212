"""What a test-results document says: its build and its results, checked and in order.

In: the bytes of a POST. Out: records, or a `SchemaError`. Called by result_tasks.py.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from octane_simulator.results.result_schema import SchemaError, check

__all__ = ["Build", "Context", "Result", "parse"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Build:
    """The CI build that the results belong to, in the CI server's own ids."""

    server_id: str
    job_id: str
    job_name: str
    build_id: str
    build_name: str


@dataclass(frozen=True)
class Context:
    """What may be given at the root or in one run; None means not given there."""

    suite: str | None = None
    program: str | None = None
    release: tuple[str, str] | None = None  # ("id" | "name", value)
    milestone: str | None = None
    backlog: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    fields: tuple[tuple[str, str], ...] | None = None
    environment: tuple[tuple[str, str], ...] | None = None


class Result(NamedTuple):
    """One test's result; times in ISO text (UTC), duration in milliseconds."""

    test: tuple[str, str, str, str]  # component, package, class, name
    status: str
    duration: int
    started: str | None
    context: Context
    run_name: str
    gherkin: bool = False
    error_type: str | None = None
    error_message: str | None = None
    error_details: str | None = None
    description: str | None = None
    report_url: str | None = None
    steps: int = 0
    script: str | None = None


def _iso(value: str | None) -> str | None:
    if value is None:
        return None
    moment = _EPOCH + timedelta(milliseconds=int(value))
    return moment.isoformat()[:19] + "Z"  # the server keeps whole seconds


def _context(element: ET.Element, outer: Context) -> Context:
    """The context of an element over that of the document: the inner part wins."""
    given: dict[str, object] = {}
    for child in element:
        match child.tag:
            case "suite_ref" | "program_ref" | "milestone_ref":
                given[child.tag.removesuffix("_ref")] = str(int(child.attrib["id"]))
            case "release_ref":
                given["release"] = ("id", str(int(child.attrib["id"])))
            case "release":
                given["release"] = ("name", child.attrib["name"])
            case "backlog_items":
                given["backlog"] = tuple(str(int(item.attrib["id"])) for item in child)
            case "product_areas":
                given["areas"] = tuple(str(int(item.attrib["id"])) for item in child)
            case "test_fields":
                given["fields"] = tuple((i.attrib["type"], i.attrib["value"]) for i in child)
            case "environment":
                given["environment"] = tuple((i.attrib["type"], i.attrib["value"]) for i in child)
    return replace(outer, **given) if given else outer  # type: ignore[arg-type]


def _test_run(element: ET.Element, outer: Context) -> Result:
    get = element.attrib.get
    name = element.attrib["name"]
    error = element.find("error") if len(element) else None
    return Result(
        test=(get("module", ""), get("package", ""), get("class", ""), name),
        status=element.attrib["status"],
        duration=int(element.attrib["duration"]),
        started=_iso(get("started")),
        context=_context(element, outer) if len(element) else outer,
        run_name=get("run_name", name),
        error_type=None if error is None else error.get("type"),
        error_message=None if error is None else error.get("message"),
        error_details=None if error is None else "".join(error.itertext()).strip() or None,
        description=element.findtext("description") if len(element) else None,
        report_url=get("external_report_url"),
        steps=len(element.findall("steps/step")) if len(element) else 0,
    )


def _gherkin_run(element: ET.Element, outer: Context) -> Result:
    feature = element.find("feature")
    assert feature is not None  # the schema check requires it
    details = next(
        (message.text for message in feature.iter("error_message") if message.text), None
    )
    name = element.attrib["name"] or feature.attrib["name"]
    return Result(
        test=("", "", "", name),
        status=element.attrib["status"],
        duration=int(element.attrib["duration"]),
        started=_iso(feature.attrib["started"]),
        context=outer,
        run_name=name,
        gherkin=True,
        error_details=details.strip() if details else None,
        steps=len(feature.findall("scenarios/scenario/steps/step")),
        script=feature.findtext("file"),
    )


def parse(body: bytes) -> tuple[Build | None, list[Result]]:
    """Check a document against the schema and read its build and results in document order."""
    if b"<!DOCTYPE" in body:
        raise SchemaError("The document holds a DOCTYPE, which test results may not.")
    try:
        root = ET.fromstring(body)
    except (ET.ParseError, ValueError, LookupError) as failure:
        raise SchemaError(f"The body is not well-formed XML: {failure}.") from failure
    check(root)
    build, given = None, root.find("build")
    if given is not None:
        get = given.attrib.get
        server, job, number = (given.attrib[name] for name in ("server_id", "job_id", "build_id"))
        build = Build(server, job, get("job_name", job), number, get("build_name", number))
    outer = _context(root, Context())
    runs = root.find("test_runs")
    results = [
        _gherkin_run(run, outer) if run.tag == "gherkin_test_run" else _test_run(run, outer)
        for run in (runs if runs is not None else ())
    ]
    return build, results
