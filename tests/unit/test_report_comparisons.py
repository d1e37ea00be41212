"""What `verify` said comes into a written report without another answer to any question."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from octane_flows import warehouse
from octane_flows.parity.comparison_record import record_comparisons
from octane_flows.reports import REPORT_FILE, report_page, write, write_comparisons
from octane_simulator import Simulator
from tests.small import START, run_extract

COMPARISON: dict[str, Any] = {
    "number": 6, "slug": "planned_runs", "workspace_id": "1002", "status": "equal",
    "octane_count": 41, "warehouse_count": 41, "message": None,
}  # fmt: skip


@pytest.fixture
def server() -> Simulator:
    return Simulator(clock=START)


@pytest.fixture
def home(server: Simulator, tmp_path: Path) -> Path:
    server.store.insert("defect", {"name": "Wheels fall off"})
    run_extract(server, tmp_path)
    warehouse.build(tmp_path)
    return tmp_path


def compare(home: Path) -> None:
    with warehouse.connect(home) as connection:
        record_comparisons(home, connection, [COMPARISON], datetime(2021, 1, 20, 13, tzinfo=UTC))


def test_comparisons_come_into_the_pages_that_were_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, keep=True)
    before = (home / REPORT_FILE).read_text("utf-8")
    compare(home)
    with monkeypatch.context() as patched:
        patched.setattr(report_page, "pages", None)  # nothing is asked again
        assert write_comparisons(home) == home / REPORT_FILE
    after = (home / REPORT_FILE).read_text("utf-8")
    write(home)

    assert after == (home / REPORT_FILE).read_text("utf-8")
    assert after != before
    assert "2021-01-20T13:00:00" in after


def test_pages_of_an_older_warehouse_are_made_anew(home: Path, server: Simulator) -> None:
    write(home, keep=True)
    server.store.insert("defect", {"name": "Doors fall off"})
    run_extract(server, home)
    warehouse.build(home)
    compare(home)

    write_comparisons(home)

    text = (home / REPORT_FILE).read_text("utf-8")
    assert "Generation 2" in text
    assert "2021-01-20T13:00:00" in text
