"""The rules for test-results XML as an XML schema, for `GET test-results/xsd`.

In: the tables of result_schema.py. Out: XSD text. Called by result_tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from xml.sax.saxutils import quoteattr

from octane_simulator.results.result_schema import TYPES, Check, Part, Type

__all__ = ["schema_text"]


@cache
def schema_text() -> str:
    """The whole schema: one complex type for each kind of element."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">',
        '<xs:element name="test_result" type="test_result"/>',
    ]
    for name, kind in TYPES.items():
        mixed = ' mixed="true"' if kind.mixed else ""
        lines += [f'<xs:complexType name="{name}"{mixed}>', *_content(kind), "</xs:complexType>"]
    return "\n".join([*lines, "</xs:schema>", ""])


def _content(kind: Type) -> Iterator[str]:
    if kind.open:
        yield "<xs:sequence>"
        yield '<xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/>'
        yield "</xs:sequence>"
        yield '<xs:anyAttribute processContents="skip"/>'
        return
    if kind.parts:
        yield "<xs:sequence>"
        for part in kind.parts:
            yield from _part(part)
        yield "</xs:sequence>"
    yield from _attributes(kind.required or {}, "required")
    yield from _attributes(kind.optional or {}, "optional")


def _part(part: Part) -> Iterator[str]:
    most = "unbounded" if part.most is None else str(part.most)
    occurs = f' minOccurs="{part.least}" maxOccurs="{most}"'
    elements = [f'<xs:element name="{name}" type="{kind}"' for name, kind in part.elements.items()]
    if len(elements) == 1:
        yield f"{elements[0]}{occurs}/>"
    elif part.one_kind:  # many elements, all of the same name
        yield "<xs:choice>"
        yield from (f"{element}{occurs}/>" for element in elements)
        yield "</xs:choice>"
    else:
        yield f"<xs:choice{occurs}>"
        yield from (f"{element}/>" for element in elements)
        yield "</xs:choice>"


def _attributes(checks: Mapping[str, Check], use: str) -> Iterator[str]:
    for name, check in checks.items():
        if not check.facets:
            yield f'<xs:attribute name="{name}" type="xs:{check.base}" use="{use}"/>'
            continue
        yield f'<xs:attribute name="{name}" use="{use}"><xs:simpleType>'
        yield f'<xs:restriction base="xs:{check.base}">'
        yield from (f"<xs:{facet} value={quoteattr(value)}/>" for facet, value in check.facets)
        yield "</xs:restriction></xs:simpleType></xs:attribute>"
