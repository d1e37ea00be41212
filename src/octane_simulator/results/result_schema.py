"""The rules for test-results XML.

In: the root element of a document. Out: nothing, or a `SchemaError` that says where it breaks the
rules of the vendor's published schema (order, attributes, enumerations, lengths), which are tables
here. Used by result_document.py, and by result_xsd.py, which writes them as an XML schema.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["TYPES", "Check", "Part", "SchemaError", "Type", "check"]

_LONG = re.compile(r"[+-]?[0-9]+\Z")
_URL = r"([hH][tT][tT][pP][sS]?://.*|[tT][dD][sS]?://.*|[tT][eE][sS][tT][dD][iI][rR][eE][cC][tT][oO][rR][sS]?:.*)"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


class SchemaError(Exception):
    """The document is not XML or breaks the schema; the text says where."""


@dataclass(frozen=True)
class Check:
    """What an attribute takes: `wrong` names a breach, the rest says the same in an XML schema."""

    wrong: Callable[[str], str | None]
    base: str = "string"
    facets: tuple[tuple[str, str], ...] = ()


def _text(least: int, most: int) -> Check:
    def wrong(value: str) -> str | None:
        if least <= len(value) <= most:
            return None
        return f"has {len(value)} characters, allowed are {least} to {most}"

    return Check(wrong, "string", (("minLength", str(least)), ("maxLength", str(most))))


def _one_of(*words: str) -> Check:
    allowed = frozenset(words)

    def wrong(value: str) -> str | None:
        return None if value in allowed else f"is {value!r}, allowed are {', '.join(words)}"

    return Check(wrong, "string", tuple(("enumeration", word) for word in words))


def _no_long(value: str) -> str | None:
    stripped = value.strip()
    if len(stripped) <= 20 and _LONG.match(stripped) and -(2**63) <= int(stripped) < 2**63:
        return None
    return f"is {value!r}, which is no whole number of 64 bits"


def _no_moment(value: str) -> str | None:
    # Beyond the schema: a number that no calendar holds could not be stored as a date.
    wrong = _no_long(value)
    if wrong is None and not 0 <= int(value) <= _LAST_MOMENT:
        return f"is {value!r}, which is no time in milliseconds since 1970"
    return wrong


def _no_url(value: str) -> str | None:
    if 6 <= len(value) <= 512 and re.match(_URL + r"\Z", value, re.DOTALL):
        return None
    return "is no http(s), td or testdirector address of 6 to 512 characters"


def _nothing_wrong(_value: str) -> str | None:
    return None


_LAST_MOMENT = 253_402_300_799_999
_long = Check(_no_long, "long")
_moment = Check(_no_moment, "long", (("minInclusive", "0"), ("maxInclusive", str(_LAST_MOMENT))))
_url = Check(_no_url, "string", (("minLength", "6"), ("maxLength", "512"), ("pattern", _URL)))
_anything = Check(_nothing_wrong)
_S1, _S0 = _text(1, 255), _text(0, 255)
_S3800, _S03800 = _text(1, 3800), _text(0, 3800)
_STATUS = _one_of("Passed", "Skipped", "Failed", "Planned")


@dataclass(frozen=True)
class Part:
    """One place in a sequence: the elements allowed there and how often."""

    elements: Mapping[str, str]  # element name -> type name
    least: int = 0
    most: int | None = 1
    one_kind: bool = False


@dataclass(frozen=True)
class Type:
    """An element's children in their order, its attributes, and whether it holds text."""

    parts: tuple[Part, ...] = ()
    required: Mapping[str, Check] | None = None
    optional: Mapping[str, Check] | None = None
    mixed: bool = False
    open: bool = False

    @cached_property
    def needs_a_child(self) -> bool:
        """Whether an empty element breaks the rules."""
        return any(part.least for part in self.parts)


def _part(name: str, kind: str, least: int = 0, most: int | None = 1) -> Part:
    return Part({name: kind}, least, most)


_CONTEXT = (
    _part("suite_ref", "suite_ref"),
    _part("program_ref", "ref"),
    Part({"release_ref": "ref", "release": "release"}),
    _part("milestone_ref", "ref"),
    _part("backlog_items", "backlog_items"),
    _part("product_areas", "product_areas"),
    _part("test_fields", "test_fields"),
    _part("environment", "environment"),
)

TYPES: dict[str, Type] = {
    "test_result": Type(
        (_part("build", "build"), *_CONTEXT, _part("test_runs", "test_runs", 1)),
    ),
    "build": Type(
        required={"server_id": _S1, "job_id": _S1, "build_id": _S1},
        optional={"job_name": _S1, "build_name": _S1, "sub_type": _S0, "artifact_id": _S0},
    ),
    "release": Type(required={"name": _S1}),
    "ref": Type(required={"id": _long}),
    "suite_ref": Type(required={"id": _long}, optional={"external_run_id": _S0, "component": _S0}),
    "backlog_items": Type((_part("backlog_item_ref", "ref", 0, None),)),
    "product_areas": Type((_part("product_area_ref", "ref", 0, None),)),
    "test_fields": Type((_part("test_field", "test_field", 0, None),)),
    "test_field": Type(
        required={
            "type": _one_of("Test_Level", "Test_Type", "Testing_Tool_Type", "Framework"),
            "value": _S1,
        }
    ),
    "environment": Type((_part("taxonomy", "taxonomy", 0, None),)),
    "taxonomy": Type(required={"type": _S1, "value": _S1}),
    "test_runs": Type(
        (Part({"test_run": "test_run", "gherkin_test_run": "gherkin"}, 0, None, one_kind=True),)
    ),
    "test_run": Type(
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
    "error": Type(optional={"type": _anything, "message": _anything}, mixed=True),
    "text": Type(mixed=True),
    "steps": Type((_part("step", "step", 0, None),), optional={"iteration": _S1}),
    "step": Type(
        (
            _part("error_message", "text"),
            _part("input_parameters", "parameters"),
            _part("output_parameters", "parameters"),
        ),
        required={"name": _S3800, "duration": _long, "status": _S1},
        optional={"external_step_id": _S1},
    ),
    "parameters": Type((_part("parameter", "parameter", 1, None),)),
    "parameter": Type(required={"name": _S1}, optional={"value": _S0, "type": _S0}),
    "gherkin": Type(
        (_part("feature", "feature", 1),),
        required={"name": _S0, "duration": _long, "status": _STATUS},
        optional={"external_run_id": _S0},
    ),
    "feature": Type(
        (_part("file", "file", 1), _part("scenarios", "scenarios")),
        required={"name": _S0, "path": _S1, "tag": _S0, "started": _moment},
        optional={"identifier": _S0},
    ),
    "file": Type(mixed=True, open=True),
    "scenarios": Type(
        (_part("background", "background"), _part("scenario", "scenario", 0, None)),
    ),
    "background": Type((_part("steps", "background_steps"),)),
    "background_steps": Type((_part("step", "background_step", 0, None),)),
    "background_step": Type(
        (_part("error_message", "text"),),
        required={"name": _S3800},
        optional={"duration": _long, "status": _S1},
    ),
    "scenario": Type(
        (_part("steps", "steps", 1),),
        required={"name": _S03800, "status": _STATUS},
        optional={"outlineIndex": _long},
    ),
}


def _check_attributes(element: ET.Element, kind: Type) -> None:
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
        wrong = check.wrong(value)
        if wrong:
            raise SchemaError(f"Attribute {name!r} of <{element.tag}> {wrong}.")


def check(root: ET.Element) -> None:
    """Raise `SchemaError` when a document breaks a rule."""
    if root.tag != "test_result":
        raise SchemaError(f"The root element is <{root.tag}>, expected is <test_result>.")
    _check(root, "test_result")


def _check(element: ET.Element, kind_name: str) -> None:
    kind = TYPES[kind_name]
    if kind.open:
        return
    _check_attributes(element, kind)
    texts = [element.text, *(child.tail for child in element)]
    if not kind.mixed and any(text and not text.isspace() for text in texts):
        raise SchemaError(f"Element <{element.tag}> may not hold text.")
    children = list(element)
    if not children and not kind.needs_a_child:
        return
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
            actual = f"<{children[position].tag}>" if position < len(children) else "its end"
            expected = " or ".join(f"<{name}>" for name in part.elements)
            raise SchemaError(f"Element <{element.tag}> needs {expected} where {actual} stands.")
    if position < len(children):
        raise SchemaError(
            f"Element <{children[position].tag}> is not allowed at this place in <{element.tag}>."
        )
