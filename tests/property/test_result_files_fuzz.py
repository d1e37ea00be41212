"""Damaged result files never end in a traceback, never hang, and never send what is no number.

150 files in each run of the tests; FUZZ_EXAMPLES=2000 damages more. Each has its number as the seed
of its random values, so a failure can be run alone.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from octane_flows.actions.results_xml import Context, documents
from octane_flows.cli import app
from octane_flows.errors import OctaneFlowsError
from octane_flows.results import read
from octane_simulator.results.result_document import parse
from tests.property.damaged_results import damaged
from tests.unit.test_result_files import FOLDER

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
REAL = sorted(FOLDER.glob("real/*"))
OTHERS = sorted(path for path in FOLDER.glob("*.*") if path.suffix not in (".md", ".txt"))
OPTIONS = ("--dry-run", "--server-id", "s", "--job-id", "j", "--build-id", "1")
MOST_SECONDS = 120  # a hang, also on a slow machine; a file takes milliseconds


@contextmanager
def no_hang() -> Iterator[None]:
    """Raise TimeoutError when the work within takes minutes, where the system has alarms."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done in {MOST_SECONDS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def require_numbers(xml: bytes) -> None:
    """All times of a document are whole numbers that are not negative."""
    for element in ET.fromstring(xml).iter():
        for name in ("duration", "started", "outlineIndex"):
            value = element.get(name, "0")
            assert re.fullmatch("[0-9]+", value), f"{element.tag} {name}={value}"


def exit_code(path: Path, *options: str) -> int:
    ended = CliRunner().invoke(app, ["report-results", str(path), *OPTIONS, *options])
    if isinstance(ended.exception, OctaneFlowsError):
        assert str(ended.exception).strip()
        return ended.exception.exit_code
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert "\x1b" not in ended.output
    if "--json" in options:
        json.loads(ended.stdout, parse_constant=refuse_constant)
    return ended.exit_code


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} in the summary")


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_damaged_files_are_told_or_read(number: int, tmp_path: Path) -> None:
    random = Random(f"result files {number}")
    source = random.choice(REAL if random.random() < 0.6 else OTHERS)
    path = tmp_path / source.name
    path.write_bytes(damaged(source.read_bytes(), random))

    with no_hang():
        reading = read(path)
        for document in documents(Context("s", "j", "1"), reading.results):
            parse(document.xml)  # refuses what the server would
            require_numbers(document.xml)
        code = exit_code(path, *random.choice(((), ("--json",), ("--xml",))))

    assert code in (0, 1, 2)
    assert code == 2 or (code == 0) == reading.is_whole
    for result in reading.results:
        assert result.name.strip()
        assert result.duration_ms is None or math.isfinite(result.duration_ms)
        for attempt in result.attempts:
            assert attempt.duration_ms is None or math.isfinite(attempt.duration_ms)
    for file in reading.files:
        assert file.refusal is None or (file.refusal.strip() and not file.results)
