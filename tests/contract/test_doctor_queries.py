"""The doctor's line on queries: what the server takes, and what extracts write in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from octane_flows.doctor import Diagnosis, examine
from octane_flows.doctor.query_probes import MAX_REQUESTS
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    simulator = Simulator(dataset="empty", seed=1)
    simulator.feeder().create("defects", [{"name": str(number)} for number in range(5)])
    with serve(simulator) as running:
        yield running


def queries(served: Running, home: Path, fault: str = "", **options: Any) -> Diagnosis:
    """What the doctor says of queries while a fault is in force."""
    if fault:
        served.simulator.faults.add(fault, **options)
    try:
        findings = list(examine(environment_of(served, home), budget_s=300, timeout_s=60))
    finally:
        served.simulator.faults.clear()
    (finding,) = [finding for finding in findings if finding.name == "queries"]
    assert finding.facts["requests"] <= MAX_REQUESTS
    assert list(home.iterdir()) == []
    return finding


def test_a_server_that_takes_everything_needs_few_requests(served: Running, tmp_path: Path) -> None:
    finding = queries(served, tmp_path)

    assert finding.status == "ok"
    assert finding.text == (
        "taken: GE, LE, GT, LT, BTW, IN, texts of dates, >=, !=, {null}, cross filters"
    )
    assert finding.facts["requests"] == 6


@pytest.mark.parametrize(
    ("without", "refused", "sentence"),
    [
        (">= !=", [">=", "!="], "you can write GE for >=, !(field EQ value) for !="),
        ("GE", ["GE"], "extracts write field>=value in place of GE"),
        ("BTW", ["BTW"], "extracts write field GE value;field LE other in place of BTW"),
        ("IN", ["IN"], "extracts write field EQ value||... in place of IN"),
        ("^", ["texts of dates"], "extracts write 'value' in place of texts of dates"),
        ("{null}", ["{null}"], "extracts read all rows again when a type gets a new reference"),
        ("cross", ["cross filters"], "verify and some plans need cross filters"),
    ],
)
def test_what_a_server_lacks_is_named_with_its_substitute(
    served: Running, tmp_path: Path, without: str, refused: list[str], sentence: str
) -> None:
    finding = queries(served, tmp_path, "query_dialect", without=without)

    assert finding.facts["refused"] == refused
    assert sentence in finding.text
    assert finding.status == "ok"


def test_requests_have_an_end(served: Running, tmp_path: Path) -> None:
    finding = queries(served, tmp_path, "query_dialect", without="GE LE GT LT BTW IN >= <= > <")

    assert finding.facts["requests"] == MAX_REQUESTS
    assert "after 14 requests the rest was not tried" in finding.text
    assert (finding.status, "no other form of GE" in finding.text) == ("warning", True)


@pytest.mark.parametrize(
    ("fault", "options", "sentence"),
    [
        ("owner_null_error", {}, "{null} beside a filter by phase is refused"),
        ("slow_relations", {"seconds": 1.5}, "a cross filter took "),
        ("page_size", {"max": 60}, "pages of 1,000 rows are refused"),
        ("count_cap", {"max": 6}, "are counted in ranges of ids"),
    ],
)
def test_other_limits_of_a_server_are_told(
    served: Running, tmp_path: Path, fault: str, options: dict[str, Any], sentence: str
) -> None:
    finding = queries(served, tmp_path, fault, **options)

    assert sentence in finding.text
    assert finding.status == "ok"


def test_an_answer_with_other_rows_is_told(served: Running, tmp_path: Path) -> None:
    finding = queries(served, tmp_path, "short_page", times=None)

    assert finding.status == "failed", finding.line
    assert "wrong rows for " in finding.text
