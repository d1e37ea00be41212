"""The test-results XML: bytes come in, checked records go out.

`parse` is called by test_results.py for each POST. It holds the rules of the vendor's published
schema (order, attributes, enumerations, lengths) as tables and raises `SchemaError` on a breach.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

__all__ = ["Build", "Context", "Result", "SchemaError", "parse"]

Check = Callable[[str], str | None]

_LONG = re.compile(r"[+-]?[0-9]+\Z")
_URL = re.compile(r"(https?://.*|tds?://.*|testdirectors?:.*)\Z", re.IGNORECASE | re.DOTALL)
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SchemaError(Exception):
    """The document is not XML or breaks the schema; the text says where."""


def _text(least: int, most: int) -> Check:
    def check(value: str) -> str | None:
        if least <= len(value) <= most:
            return None
        return f"has {len(value)} characters, allowed are {least} to {most}"

    return check


def _one_of(*words: str) -> Check:
    allowed = frozenset(words)

    def check(value: str) -> str | None:
        return None if value in allowed else f"is {value!r}, allowed are {', '.join(words)}"

    return check


def _long(value: str) -> str | None:
    stripped = value.strip()
    if len(stripped) <= 20 and _LONG.match(stripped) and -(2**63) <= int(stripped) < 2**63:
        return None
    return f"is {value!r}, which is no whole number of 64 bits"


def _moment(value: str) -> str | None:
    # Beyond the schema: a number that no calendar holds could not be stored as a date.
    wrong = _long(value)
    if wrong is None and not 0 <= int(value) < 253_402_300_800_000:
        return f"is {value!r}, which is no time in milliseconds since 1970"
    return wrong


def _url(value: str) -> str | None:
    if 6 <= len(value) <= 512 and _URL.match(value):
        return None
    return "is no http(s), td or testdirector address of 6 to 512 characters"


def _anything(_value: str) -> str | None:
    return None


_S1, _S0 = _text(1, 255), _text(0, 255)
_S3800, _S03800 = _text(1, 3800), _text(0, 3800)
_STATUS = _one_of("Passed", "Skipped", "Failed", "Planned")


@dataclass(frozen=True)
class _Part:
    """One place in a sequence: the elements allowed there and how often."""

    elements: Mapping[str, str]  # element name -> type name
    least: int = 0
    most: int | None = 1
    one_kind: bool = False


@dataclass(frozen=True)
class _Type:
    parts: tuple[_Part, ...] = ()
    required: Mapping[str, Check] | None = None
    optional: Mapping[str, Check] | None = None
    mixed: bool = False
    open: bool = False


def _part(name: str, kind: str, least: int = 0, most: int | None = 1) -> _Part:
    return _Part({name: kind}, least, most)


_CONTEXT = (
    _part("suite_ref", "suite_ref"),
    _part("program_ref", "ref"),
    _Part({"release_ref": "ref", "release": "release"}),
    _part("milestone_ref", "ref"),
    _part("backlog_items", "backlog_items"),
    _part("product_areas", "product_areas"),
    _part("test_fields", "test_fields"),
    _part("environment", "environment"),
)

_TYPES: dict[str, _Type] = {
    "test_result": _Type(
        (_part("build", "build"), *_CONTEXT, _part("test_runs", "test_runs", 1)),
    ),
    "build": _Type(
        required={"server_id": _S1, "job_id": _S1, "build_id": _S1},
        optional={"job_name": _S1, "build_name": _S1, "sub_type": _S0, "artifact_id": _S0},
    ),
    "release": _Type(required={"name": _S1}),
    "ref": _Type(required={"id": _long}),
    "suite_ref": _Type(required={"id": _long}, optional={"external_run_id": _S0, "component": _S0}),
    "backlog_items": _Type((_part("backlog_item_ref", "ref", 0, None),)),
    "product_areas": _Type((_part("product_area_ref", "ref", 0, None),)),
    "test_fields": _Type((_part("test_field", "test_field", 0, None),)),
    "test_field": _Type(
        required={
            "type": _one_of("Test_Level", "Test_Type", "Testing_Tool_Type", "Framework"),
            "value": _S1,
        }
    ),
    "environment": _Type((_part("taxonomy", "taxonomy", 0, None),)),
    "taxonomy": _Type(required={"type": _S1, "value": _S1}),
    "test_runs": _Type(
        (_Part({"test_run": "test_run", "gherkin_test_run": "gherkin"}, 0, None, one_kind=True),)
    ),
    "test_run": _Type(
        (
            *_CONTEXT,
            _part("error", "error"),
            _part("description", "text"),
            _part("steps", "steps", 0, None),
        ),
        required={"name": _S1, "duration": _long, "status": _STATUS},
        optional={
            "module": _S0,
            "package": _S0,
            "class": _S0,
            "run_name": _S1,
            "manual": _one_of("true", "false", "1", "0"),
            "started": _moment,
            "external_report_url": _url,
            "external_assets": _anything,
            "external_test_id": _S0,
            "external_run_id": _S0,
            "run_type": _S0,
        },
    ),
    "error": _Type(optional={"type": _anything, "message": _anything}, mixed=True),
    "text": _Type(mixed=True),
    "steps": _Type((_part("step", "step", 0, None),), optional={"iteration": _S1}),
    "step": _Type(
        (
            _part("error_message", "text"),
            _part("input_parameters", "parameters"),
            _part("output_parameters", "parameters"),
        ),
        required={"name": _S3800, "duration": _long, "status": _S1},
        optional={"external_step_id": _S1},
    ),
    "parameters": _Type((_part("parameter", "parameter", 1, None),)),
    "parameter": _Type(required={"name": _S1}, optional={"value": _S0, "type": _S0}),
    "gherkin": _Type(
        (_part("feature", "feature", 1),),
        required={"name": _S0, "duration": _long, "status": _STATUS},
        optional={"external_run_id": _S0},
    ),
    "feature": _Type(
        (_part("file", "file", 1), _part("scenarios", "scenarios")),
        required={"name": _S0, "path": _S1, "tag": _S0, "started": _moment},
        optional={"identifier": _S0},
    ),
    "file": _Type(mixed=True, open=True),
    "scenarios": _Type(
        (_part("background", "background"), _part("scenario", "scenario", 0, None)),
    ),
    "background": _Type((_part("steps", "background_steps"),)),
    "background_steps": _Type((_part("step", "background_step", 0, None),)),
    "background_step": _Type(
        (_part("error_message", "text"),),
        required={"name": _S3800},
        optional={"duration": _long, "status": _S1},
    ),
    "scenario": _Type(
        (_part("steps", "steps", 1),),
        required={"name": _S03800, "status": _STATUS},
        optional={"outlineIndex": _long},
    ),
}


def _check_attributes(element: ET.Element, kind: _Type) -> None:
    required, optional = kind.required or {}, kind.optional or {}
    for name in required:
        if name not in element.attrib:
            raise SchemaError(f"Element <{element.tag}> lacks the attribute {name!r}.")
    for name, value in element.attrib.items():
        check = required.get(name) or optional.get(name)
        if check is None:
            if name.startswith(_INSTANCE):
                continue
            raise SchemaError(f"Element <{element.tag}> has an unknown attribute {name!r}.")
        wrong = check(value)
        if wrong:
            raise SchemaError(f"Attribute {name!r} of <{element.tag}> {wrong}.")


def _check(element: ET.Element, kind_name: str) -> None:
    kind = _TYPES[kind_name]
    if kind.open:
        return
    _check_attributes(element, kind)
    texts = [element.text, *(child.tail for child in element)]
    if not kind.mixed and any(text and not text.isspace() for text in texts):
        raise SchemaError(f"Element <{element.tag}> may not hold text.")
    children = list(element)
    position = 0
    for part in kind.parts:
        count, first = 0, ""
        while position < len(children) and (part.most is None or count < part.most):
            tag = children[position].tag
            if tag not in part.elements or (part.one_kind and first not in ("", tag)):
                break
            _check(children[position], part.elements[tag])
            first, count, position = tag, count + 1, position + 1
        if count < part.least:
            found = f"<{children[position].tag}>" if position < len(children) else "its end"
            expected = " or ".join(f"<{name}>" for name in part.elements)
            raise SchemaError(f"Element <{element.tag}> needs {expected} where {found} stands.")
    if position < len(children):
        raise SchemaError(
            f"Element <{children[position].tag}> is not allowed at this place in <{element.tag}>."
        )


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


@dataclass(frozen=True)
class Result:
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
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")  # the server keeps whole seconds


def _context(element: ET.Element, outer: Context) -> Context:
    """The context given on one element laid over the outer one: the inner part wins."""
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
    assert feature is not None  # the schema check has seen it
    details = next((found.text for found in feature.iter("error_message") if found.text), None)
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
    if root.tag != "test_result":
        raise SchemaError(f"The root element is <{root.tag}>, expected is <test_result>.")
    _check(root, "test_result")
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
