"""Elements of a large XML file one after the other, without holding the whole file.

A stream of bytes in, `Element` objects out, each with the line on which it begins; the readers of
XML formats call `iterate_elements`. Entities that expand and external files are refused.
"""

from __future__ import annotations

import xml.sax
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO, Literal
from xml.parsers.expat import XML_PARAM_ENTITY_PARSING_NEVER
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from octane_flows.results.file_notes import FileNotes
from octane_flows.results.repaired_text import xml_text
from octane_flows.results.test_result import ResultFileError

#: Characters kept of one text; what a test printed is kept shorter, because nothing of it is sent.
MOST_CHARACTERS = 1 << 20
MOST_OUTPUT = 1 << 16
OUTPUT_NAMES = frozenset(("system-out", "system-err", "output", "reporter-output", "StdOut"))
_MOST_DEPTH = 500
_MOST_ENTITY = 200


class Element:
    """One XML element: local name, attributes by local name, text, children and line."""

    __slots__ = ("_room", "_texts", "attributes", "children", "line", "name", "parent")

    def __init__(
        self, name: str, attributes: dict[str, str], parent: Element | None, line: int | None
    ) -> None:
        self.name, self.attributes, self.parent, self.line = name, attributes, parent, line
        self.children: list[Element] = []
        self._texts: list[str] = []
        self._room = MOST_OUTPUT if name in OUTPUT_NAMES else MOST_CHARACTERS

    @property
    def text(self) -> str:
        """The text directly within the element."""
        return "".join(self._texts)

    def add_text(self, text: str) -> None:
        """Keep text while there is room for it."""
        if self._room > 0:
            self._texts.append(text[: self._room])
            self._room -= len(text)

    def get(self, name: str, default: str | None = None) -> str | None:
        """An attribute's value."""
        return self.attributes.get(name, default)

    def find(self, *names: str) -> Element | None:
        """The first child with one of the names, looked for in the order of the names."""
        for name in names:
            for child in self.children:
                if child.name == name:
                    return child
        return None

    def find_all(self, *names: str) -> list[Element]:
        """All children with one of the names, in the order of the file."""
        return [child for child in self.children if child.name in names]

    def child_text(self, name: str) -> str | None:
        """The text of the first child of a name."""
        child = self.find(name)
        return None if child is None else child.text

    def descendants(self, *names: str) -> Iterator[Element]:
        """All elements below this one with one of the names."""
        for child in self.children:
            if child.name in names:
                yield child
            yield from child.descendants(*names)

    def ancestors(self) -> Iterator[Element]:
        """The elements around this one, the nearest first."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent


class _Parser(DefusedExpatParser):  # type: ignore[misc]
    """Takes entities that stand for a short text, as old reports have them; refuses all others."""

    def reset(self) -> None:
        """Prepare for a file: what a DOCTYPE names outside of it is never read."""
        super().reset()
        self._parser.SetParamEntityParsing(XML_PARAM_ENTITY_PARSING_NEVER)

    def defused_entity_decl(
        self,
        name: str,
        is_parameter_entity: bool,
        value: str | None,
        base: str | None,
        sysid: str | None,
        pubid: str | None,
        notation_name: str | None,
    ) -> None:
        """Called for each declared entity; only what cannot grow is let through."""
        if value is None or len(value) > _MOST_ENTITY or "&" in value or "%" in value:
            super().defused_entity_decl(
                name, is_parameter_entity, value, base, sysid, pubid, notation_name
            )


Event = tuple[Literal["start", "end"], Element]


class _Builder(ContentHandler):
    def __init__(
        self,
        records: Collection[str],
        containers: Collection[str],
        current_line: Callable[[], int],
    ) -> None:
        super().__init__()
        self.records, self.containers = records, containers
        self.current_line = current_line
        self.events: list[Event] = []
        self.current: Element | None = None
        self._depth = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 (SAX)
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ResultFileError(f"the elements are nested more than {_MOST_DEPTH} deep")
        attributes = {key.rpartition(":")[2]: value for key, value in attrs.items()}
        element = Element(name.rpartition(":")[2], attributes, self.current, self.current_line())
        if self.current is not None:
            self.current.children.append(element)
        self.current = element
        if element.name in self.containers or element.parent is None:
            self.events.append(("start", element))

    def characters(self, content: str) -> None:
        if self.current is not None:
            self.current.add_text(content)

    def endElement(self, name: str) -> None:  # noqa: N802 (SAX)
        self._depth -= 1
        element = self.current
        assert element is not None  # expat reports ends of begun elements only
        self.current = element.parent
        if element.name in self.records or element.name in self.containers:
            self.events.append(("end", element))
            if element.parent is not None:
                element.parent.children.remove(element)
        elif element.parent is None:
            self.events.append(("end", element))


def iterate_elements(
    stream: BinaryIO,
    notes: FileNotes,
    *,
    records: Collection[str],
    containers: Collection[str] = (),
) -> Iterator[Event]:
    """Starts of containers and of the root, ends of records, containers and the root.

    At the end of a record it is whole and already taken from its parent, so that memory stays
    bounded; other children stay with their parent. Raises ResultFileError.
    """
    parser = _Parser(forbid_dtd=False, forbid_entities=True, forbid_external=True)
    builder = _Builder(frozenset(records), frozenset(containers), parser.getLineNumber)
    parser.setContentHandler(builder)
    try:
        for text in xml_text(stream, notes):
            if text:
                parser.feed(text)
            events, builder.events = builder.events, []
            yield from events
        parser.close()
        yield from builder.events
    except xml.sax.SAXParseException as error:
        raise ResultFileError(
            f"line {error.getLineNumber()}: {error.getMessage()}; let the test tool write the "
            "file again"
        ) from error
    except DefusedXmlException as error:
        raise ResultFileError(
            "the file declares entities that grow or lie outside of it, which no test tool writes"
        ) from error
