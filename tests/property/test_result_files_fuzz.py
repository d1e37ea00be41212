"""Damaged result files never end in a traceback, never hang, and never send what is no number."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from octane_flows.actions.results_xml import Context, documents
from octane_flows.results import read
from octane_simulator.results.result_document import parse
from tests.unit.test_result_files import FOLDER

EXAMPLES = int(os.environ.get("TESTS_RESULT_FILES", "300"))
SOURCES = sorted(FOLDER.glob("real/*")) + sorted(FOLDER.glob("x0*.*"))
SNIPPETS = (
    b"<", b">", b'"', b"&", b"]]>", b"<![CDATA[", b"&#0;", b"&#27;", b"\x00", b"\x1b", b"\xff\xfe",
    b"NaN", b"Infinity", b"-1", b"1e999", b"null", b"[]", b"{}", b'"x"', b"\xc3", b"9" * 400,
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>", b"true", b"\n" * 9, b"\\ud800", "\u202e".encode(),
)  # fmt: skip


def damaged(data: bytes, chance: random.Random) -> bytes:
    """A file with one to six mistakes: bytes lost, doubled, moved, changed, or put in."""
    for _ in range(chance.randint(1, 6)):
        if not data:
            return data
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice((1, 1, 5, 40, 400)))
        match chance.randrange(7):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                data = data[:start] + data[start:end] * 2 + data[end:]
            case 2:
                data = data[:start]
            case 3:
                data = data[:start] + chance.choice(SNIPPETS) + data[end:]
            case 4:
                data = data[:start] + chance.choice(SNIPPETS) + data[start:]
            case 5:  # a value in quotes becomes another one
                quoted = list(re.finditer(rb'"[^"<>]{0,60}"', data))
                if quoted:
                    value = chance.choice(quoted)
                    other = chance.choice(SNIPPETS)
                    data = data[: value.start() + 1] + other + data[value.end() - 1 :]
            case _:  # a number becomes another one
                numbers = list(re.finditer(rb"\d+(\.\d+)?", data))
                if numbers:
                    value = chance.choice(numbers)
                    data = data[: value.start()] + chance.choice(SNIPPETS) + data[value.end() :]
    return data


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_damaged_files_are_told_or_read(source: Path, tmp_path: Path) -> None:
    original = source.read_bytes()
    path = tmp_path / source.name
    for seed in range(max(1, EXAMPLES // len(SOURCES))):
        path.write_bytes(damaged(original, random.Random(seed)))

        reading = read(path)

        for document in documents(Context("s", "j", "1"), reading.results):
            parse(document.xml)  # refuses what is no number or no name
        for file in reading.files:
            assert file.refusal is None or file.refusal.strip(), seed
            assert file.refusal is None or "Traceback" not in file.refusal, seed
