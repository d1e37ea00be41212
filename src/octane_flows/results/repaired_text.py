"""Bytes of result files to text that a parser takes: encodings, marks, forbidden characters.

A stream of bytes in, pieces of text out; the readers of XML and JSON call it. What is repaired is
noted: bytes that are no text of the declared encoding are taken as Windows-1252, characters that
XML forbids become U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from octane_flows.results.file_notes import FileNotes
from octane_flows.results.test_result import ResultFileError

CHUNK_BYTES = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z][\w.:-]*)[\"']")
_DECLARATION = re.compile(r"<\?xml[^>]*\?>")
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE_BYTE = re.compile(r"[\udc80-\udcff]")
_MARKUP = re.compile(r"<!\[CDATA\[|\]\]>|&#(?:x[0-9a-fA-F]+|[0-9]+);")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NO_ENCODINGS = frozenset(("idna", "punycode", "undefined", "unicode_escape", "unicode-escape",
                           "raw_unicode_escape", "raw-unicode-escape"))  # fmt: skip
_LONGEST_REFERENCE = 12
# longer than every mark that may be cut by the end of a chunk
_HELD_BACK = 16


def decoded(stream: BinaryIO, notes: FileNotes) -> Iterator[str]:
    """The stream as text, chunk by chunk, without a byte order mark."""
    head = stream.read(CHUNK_BYTES)
    encoding, skipped = _encoding_of(head)
    if not _is_text_encoding(encoding):
        notes.add("repaired", f"the encoding '{encoding}' is not known; read as UTF-8", 1)
        encoding = "utf-8"
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    chunk = head[skipped:]
    line = 1
    while chunk:
        try:
            text = decoder.decode(chunk)
        except UnicodeError as error:
            raise ResultFileError(f"the text is not {encoding} ({error})") from error
        yield _without_raw_bytes(text, encoding, notes, line)
        line += text.count("\n")
        chunk = stream.read(CHUNK_BYTES)
    try:
        rest = decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise ResultFileError(f"the text is not {encoding} ({error})") from error
    if rest:
        yield _without_raw_bytes(rest, encoding, notes, line)


def _encoding_of(head: bytes) -> tuple[str, int]:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    if head[:2] in (b"<\x00", b"[\x00", b"{\x00"):
        return "utf-16-le", 0
    if head[:2] in (b"\x00<", b"\x00[", b"\x00{"):
        return "utf-16-be", 0
    declared = _DECLARED.search(head[:512])
    if declared is None:
        return "utf-8", 0
    name = declared[1].decode("ascii").lower()
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        return name, 0
    # what is written in single bytes cannot be the UTF-16 that it declares
    return ("utf-8", 0) if codec.startswith(("utf-16", "utf-32")) else (codec, 0)


def _is_text_encoding(name: str) -> bool:
    """Whether it stands for characters: Python also has codecs such as base64 and idna."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    is_text = getattr(codec, "_is_text_encoding", True)
    return bool(is_text) and codec.name not in _NO_ENCODINGS


def _without_raw_bytes(text: str, encoding: str, notes: FileNotes, line: int) -> str:
    match = _SURROGATE_BYTE.search(text)
    if match is None:
        return text
    notes.add(
        "repaired",
        f"bytes that are no {encoding} were read as Windows-1252",
        line + text.count("\n", 0, match.start()),
    )

    def as_windows(match: re.Match[str]) -> str:
        return bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace")

    return _SURROGATE_BYTE.sub(as_windows, text)


def xml_text(stream: BinaryIO, notes: FileNotes) -> Iterator[str]:
    """The text of an XML file that starts with its first element and holds allowed characters."""
    pending, in_cdata, is_start, line = "", False, True, 1
    for piece in decoded(stream, notes):
        pending += piece
        if is_start:
            stripped = pending.lstrip(" \t\r\n\ufeff")
            if len(stripped) < _HELD_BACK * 8 and len(piece) >= _HELD_BACK:
                continue
            pending, is_start = _without_declaration(pending, stripped), False
        ready, pending = pending[:-_HELD_BACK], pending[-_HELD_BACK:]
        # a character reference must not be cut in two
        cut = ready.rfind("&", max(0, len(ready) - _HELD_BACK))
        if cut >= 0 and ";" not in ready[cut:]:
            ready, pending = ready[:cut], ready[cut:] + pending
        cut = ready.rfind("<", max(0, len(ready) - len("<![CDATA[")))
        if cut >= 0:
            ready, pending = ready[:cut], ready[cut:] + pending
        text, in_cdata = _allowed(ready, in_cdata, notes, line)
        line += ready.count("\n")
        yield text
    if is_start:
        stripped = pending.lstrip(" \t\r\n\ufeff")
        pending = _without_declaration(pending, stripped)
    text, _ = _allowed(pending, in_cdata, notes, line)
    yield text


def _without_declaration(text: str, stripped: str) -> str:
    """The text from its first element on; its lines keep their numbers."""
    match = _DECLARATION.match(stripped)
    rest = stripped if match is None else stripped[match.end() :]
    return "\n" * text.count("\n", 0, len(text) - len(rest)) + rest


def _allowed(text: str, in_cdata: bool, notes: FileNotes, line: int) -> tuple[str, bool]:
    match = _FORBIDDEN.search(text)
    if match is not None:
        notes.add(
            "repaired",
            "control characters that XML forbids were replaced",
            line + text.count("\n", 0, match.start()),
            count=len(_FORBIDDEN.findall(text)),
        )
        text = _FORBIDDEN.sub("\ufffd", text)
    if "&#" not in text:
        opened, closed = text.rfind("<![CDATA["), text.rfind("]]>")
        if opened != closed:
            in_cdata = opened > closed
        return text, in_cdata
    pieces: list[str] = []
    position = 0
    for match in _MARKUP.finditer(text):
        mark = match[0]
        if mark == "<![CDATA[":
            in_cdata = True
        elif mark == "]]>":
            in_cdata = False
        elif not in_cdata and not _is_allowed_reference(mark):
            notes.add(
                "repaired",
                "references to characters that XML forbids were replaced",
                line + text.count("\n", 0, match.start()),
            )
            pieces += (text[position : match.start()], "\ufffd")
            position = match.end()
    pieces.append(text[position:])
    return "".join(pieces), in_cdata


def _is_allowed_reference(mark: str) -> bool:
    digits = mark[2:-1]
    if len(digits.lstrip("x0")) > _LONGEST_REFERENCE:
        return False
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return False
    return _FORBIDDEN.fullmatch(chr(code)) is None


def printable(text: str) -> str:
    """A text without the characters that XML forbids, such as the colours of a terminal."""
    return _FORBIDDEN.sub("\ufffd", text)


def first_line(text: str) -> str:
    """The first line that holds a word."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def without_escapes(text: str) -> str:
    """A text without the escape sequences that colour it on a terminal."""
    return _ESCAPE.sub("", text)
