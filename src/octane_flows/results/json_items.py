"""JSON result files as Python values, one item of a large array after the other.

A stream of bytes in, values out; the readers of JSON formats call it. Marks at the beginning,
UTF-16 and bytes of other encodings are repaired as in XML files.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import ijson

from octane_flows.results.file_notes import FileNotes
from octane_flows.results.repaired_text import decoded
from octane_flows.results.test_result import ResultFileError

#: A document that is read whole may be this large.
MOST_WHOLE = 256 * 1024**2
_MOST_LENIENT = 64 * 1024**2
_MOST_DEPTH = 200  # no tool nests deeper, and parsers fail or need much memory long before
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Utf8(io.RawIOBase):
    """Pieces of text as a stream of UTF-8; what was read is kept while it is short."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces, self._rest = pieces, b""
        self.copy: bytearray | None = bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece.encode("utf-8", "replace")
            if self.copy is not None:
                self.copy += self._rest
                if len(self.copy) > _MOST_LENIENT:
                    self.copy = None
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _shallow(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces of a JSON text; raises ResultFileError where values are nested too deeply."""
    depth, is_within_text, carried = 0, False, ""
    for piece in pieces:
        text = carried + piece
        bare = text.rstrip("\\")
        # the character that a last backslash escapes comes with the next piece
        carried = "\\" if (len(text) - len(bare)) % 2 else ""
        plain = bare.replace("\\\\", "").replace('\\"', "")
        parts = plain.split('"')
        structure = "".join(parts[1 if is_within_text else 0 :: 2])
        is_within_text ^= len(parts) % 2 == 0
        brackets, rounds = _NO_BRACKETS.sub("", structure), 0
        # pairs go from the inside out, so that closing and opening ones of other pieces remain
        while rounds <= _MOST_DEPTH and ("{}" in brackets or "[]" in brackets):
            brackets, rounds = brackets.replace("{}", "").replace("[]", ""), rounds + 1
        opened = brackets.count("[") + brackets.count("{")
        depth += 2 * opened - len(brackets)
        if max(rounds, opened, depth) > _MOST_DEPTH:
            raise ResultFileError(f"the values are nested more than {_MOST_DEPTH} deep")
        yield piece


def array_items(stream: BinaryIO, notes: FileNotes) -> Iterator[Any]:
    """The items of a JSON array, read one by one. Raises ResultFileError."""
    text = _Utf8(_shallow(decoded(stream, notes)))
    count = 0
    try:
        for item in ijson.items(io.BufferedReader(text), "item", use_float=True):
            count += 1
            yield item
    except ijson.JSONError as error:
        # NaN and Infinity are no JSON, but some tools write them
        for item in _lenient(text, error)[count:]:
            yield item
    except RecursionError as error:
        raise ResultFileError("the JSON is nested too deeply") from error


def _lenient(text: _Utf8, error: Exception) -> list[Any]:
    while text.copy is not None and text.read(1 << 16):
        pass
    if text.copy is None:
        raise _broken(error)
    try:
        values = json.loads(text.copy.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _broken(error) from error
    if not isinstance(values, list):
        raise _broken(error)
    return values


def whole_document(stream: BinaryIO, notes: FileNotes) -> Any:
    """One JSON document as a value. Raises ResultFileError."""
    pieces: list[str] = []
    size = 0
    for piece in _shallow(decoded(stream, notes)):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_WHOLE:
            raise ResultFileError(
                f"the file is larger than {MOST_WHOLE // 1024**2} MiB; write it without "
                "attachments, or one file a project"
            )
    try:
        return json.loads("".join(pieces))
    except (ValueError, RecursionError) as error:
        raise _broken(error) from error


def lines(stream: BinaryIO, notes: FileNotes) -> Iterator[tuple[int, Any]]:
    """The values of a file with one JSON document a line, each with its line.

    A line that is none, such as the last one of a run that was stopped, is left out.
    """
    rest, number = "", 0
    for piece in decoded(stream, notes):
        *whole, rest = (rest + piece).split("\n")
        for line in whole:
            number += 1
            yield from _line(line, number, notes)
    yield from _line(rest, number + 1, notes)


def _line(text: str, number: int, notes: FileNotes) -> Iterator[tuple[int, Any]]:
    if not text.strip():
        return
    try:
        yield number, json.loads("".join(_shallow([text])))
    except (ValueError, RecursionError):  # ResultFileError is a ValueError
        notes.add("left_out", "a line is no JSON", number)


def _broken(error: Exception) -> ResultFileError:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "broken"
    return ResultFileError(f"the JSON is not whole ({first_line}); let the tool write it again")


def as_text(value: object) -> str:
    """A value of a JSON file as text: texts as they are, lists of texts line by line."""
    if value is None:
        return ""
    if isinstance(value, str):
        # half of a character cannot be printed
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return "\n".join(as_text(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


def as_list(value: object) -> list[Any]:
    """A value that should be a list; everything else counts as an empty one."""
    return value if isinstance(value, list) else []


def as_object(value: object) -> dict[str, Any]:
    """A value that should be an object; everything else counts as an empty one."""
    return value if isinstance(value, dict) else {}
