"""Answers that are too large or come too late for one page, and arrive in smaller ones."""

from __future__ import annotations

import json
import os
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


def run_alone(*arguments: str) -> tuple[int, int]:
    """The exit code of a command in a process of its own, and the most memory that it had."""
    process = subprocess.Popen(
        [sys.executable, "-m", "octane_flows", *arguments], stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss * 1024


def test_memos_of_50_mb_are_read(site: HostileSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of them are too much for one answer, so each comes alone."""
    monkeypatch.setenv("OCTANE_TIMEOUT", "30")
    memo = b"x" * MEMO
    rows = [defect(str(id), description="MEMO") for id in (1001, 1002, 1003)]

    def with_memos(request: RawRequest) -> bytes:
        body = json.dumps(matching(rows, request)).encode()
        return answer(body.replace(b"MEMO", memo))

    site.server.respond = respond_with(defects=with_memos)

    code, memory_bytes = run_alone("extract", "--full")

    assert code == 0
    assert memory_bytes < 1_000 << 20, f"{memory_bytes >> 20} MB"
    assert {len(text) for text in stored(site).values()} == {MEMO}


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

    assert ended.code == 0, ended.told
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
    assert "cannot be trusted to be complete" in ended.told
    assert site.state().items() >= before.items()
    assert len(site.server.requests) < 2_000
