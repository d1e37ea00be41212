"""Answers that are too large or come too late for one page, and arrive in smaller ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.hostile.conftest import HostileSite
from tests.hostile.raw_server import Answer, RawRequest, answer
from tests.hostile.small_workspace import defect, page, paged, respond_with

MEMO = 50 << 20


def matching(rows: list[dict[str, Any]], request: RawRequest) -> dict[str, Any]:
    """The page of the rows that a query by id leaves, in the order that was asked for."""
    query = request.parameters.get("query", "")
    for operator, low, high in re.findall(r"id (BTW|GT|LE) (\d+)(?:\.\.\.(\d+))?", query):
        first = int(low) + 1 if operator == "GT" else 0 if operator == "LE" else int(low)
        last = int(high or low) if operator != "GT" else 10**18
        rows = [row for row in rows if first <= int(row["id"]) <= last]
    if request.parameters.get("order_by") == "-id":
        rows = rows[::-1]
    return paged(rows, request)


def stored(site: HostileSite) -> dict[str, str]:
    """The newest description of each stored defect."""
    newest: dict[str, tuple[int, str]] = {}
    for path in (site.home / "lake" / "data" / "2" / "defect").glob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            previous = newest.get(row["id"], (0, ""))
            newest[row["id"]] = max(previous, (row["_generation"], row.get("description") or ""))
    return {id: description for id, (_, description) in newest.items()}


#: A command, and on standard error the most memory that its process had. What `wait4` tells of a
#: child contains the memory of the process that started it.
ALONE = """
import atexit, sys
from pathlib import Path
from octane_flows import cli

def tell():
    print([line for line in Path("/proc/self/status").open() if "VmHWM" in line], file=sys.stderr)

atexit.register(tell)
cli.main()
"""


def run_alone(*arguments: str) -> tuple[int, int]:
    """The exit code of a command in a process of its own, and the most megabytes that it had."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, int(re.findall(r"VmHWM:\D+(\d+)", done.stderr)[-1]) // 1024


def test_memos_of_50_mb_are_read(site: HostileSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them are too much for one answer, so each comes alone and is written at once."""
    monkeypatch.setenv("OCTANE_TIMEOUT", "300")  # for a machine with much else to do
    memos = [b"x" * MEMO]
    rows = [defect(str(id), description="MEMO") for id in range(1001, 1004)]

    def with_memos(request: RawRequest) -> bytes:
        body = json.dumps(matching(rows, request)).encode()
        return answer(body.replace(b"MEMO", memos[0]))

    site.server.respond = respond_with(defects=with_memos)

    code, megabytes = run_alone("extract", "--full")
    assert code == 0
    assert megabytes < 500
    assert {len(text) for text in stored(site).values()} == {MEMO}

    memos[0] = b"\\n" * (MEMO // 2)  # each of these is two bytes in JSON, and one character
    code, megabytes = run_alone("extract")
    assert code == 0
    assert megabytes < 650  # the rows of before are compared, too
    assert {len(text) for text in stored(site).values()} == {MEMO // 2}


def test_a_server_that_is_too_slow_for_large_pages_is_asked_for_small_ones(
    site: HostileSite,
) -> None:
    rows = [defect(str(id), description=f"text {id}") for id in range(1, 41)]
    limits: list[int] = []

    def slow(request: RawRequest) -> Answer:
        limit = int(request.parameters["limit"])
        if limit > 1:
            limits.append(limit)
        if limit > 10:
            time.sleep(1.5)
        return answer(matching(rows, request))

    site.server.respond = respond_with(defects=slow)

    ended = site.run("extract", "--full")

    assert ended.code == 0, ended.messages
    assert stored(site).keys() >= {str(id) for id in range(1, 41)}
    assert limits[0] == 20
    assert limits.count(20) <= 2
    assert {10} <= set(limits)


def test_a_collection_that_never_ends_is_not_read_for_ever(site: HostileSite) -> None:
    """It counts 25 rows, and each page has 20 more."""

    def endless(request: RawRequest) -> Answer:
        limit = int(request.parameters["limit"])
        query = request.parameters.get("query", "")
        starts = [int(low) for low in re.findall(r"id (?:BTW|GT) (\d+)", query)]
        start = max([0, *starts]) + 1
        if request.parameters.get("order_by") == "-id":
            start = 10**15
        rows = [defect(str(start + place)) for place in range(limit)]
        return answer(page(rows, total_count=25))

    before = site.state()
    site.server.respond = respond_with(defects=endless)

    ended = site.run("extract", "--full")

    assert ended.code == 1
    assert "cannot be trusted to be complete" in ended.messages
    assert site.state().items() >= before.items()
    assert len(site.server.requests) < 2_000
