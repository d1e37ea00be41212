"""The report's pictures are made from rows alone and are the same for the same rows."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from octane_flows.reports import plots

WEEKS = pa.table(
    {
        "environment_label": ["debian", "debian", "ubuntu"],
        "week_date": [date(2021, 1, 4), date(2021, 1, 11), date(2021, 1, 4)],
        "result_count": [100, 50, 10],
        "failed_count": [1, 0, 10],
    }
)


def test_each_environment_has_its_panel() -> None:
    svg = plots.results_per_week(WEEKS)

    assert svg.startswith("<svg")
    assert "debian" in svg
    assert "ubuntu" in svg
    assert svg == plots.results_per_week(WEEKS)


def test_failing_tests_are_named_with_their_counts() -> None:
    svg = plots.failing_tests(pa.table({"test_name": ["test_172"], "failed_count": [379]}))

    assert "test_172" in svg
    assert ">379<" in svg
