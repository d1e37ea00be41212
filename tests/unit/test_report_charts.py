"""The report's pictures are made from rows alone and are the same for the same rows."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from octane_flows.reports import charts

WEEKS = pa.table(
    {
        "environment_label": ["debian", "debian", "ubuntu"],
        "week_date": [date(2021, 1, 4), date(2021, 1, 11), date(2021, 1, 4)],
        "result_count": [100, 50, 10],
        "failed_count": [1, 0, 10],
    }
)


def test_each_environment_has_its_panel() -> None:
    svg = charts.results_per_week(WEEKS)

    assert svg.startswith("<svg")
    assert "debian" in svg
    assert "ubuntu" in svg
    assert svg == charts.results_per_week(WEEKS)


def test_failing_tests_are_named_with_their_counts() -> None:
    svg = charts.failing_tests(
        pa.table({"test_id": ["1", "2"], "test_name": ["test_172", None], "failed_count": [379, 5]})
    )

    assert "test_172" in svg
    assert ">379<" in svg
    assert ">2<" in svg, "a test whose name could not be read is told by its id"


def test_weeks_of_few_results_have_no_share() -> None:
    svg = charts.failed_share(WEEKS)

    assert "debian" in svg
    assert "ubuntu" not in svg
    assert charts.failed_share(WEEKS.slice(2)) == ""


def test_an_interval_is_drawn_for_each_flaky_test() -> None:
    rows = pa.table(
        {
            "test_id": ["137", "138"],
            "test_name": ["test_137", None],
            "environment_label": ["debian", "debian"],
            "flakiness_ratio": [0.2, 0.1],
            "flakiness_low_ratio": [0.15, 0.05],
            "flakiness_high_ratio": [0.3, 0.2],
        }
    )

    svg = charts.flaky_tests(rows)

    assert "test_137 · debian" in svg
    assert ">138 · debian<" in svg
    assert "currentColor" in svg


def test_scope_and_done_are_drawn_for_each_release() -> None:
    rows = pa.table(
        {
            "release_name": ["R1", "R1"],
            "day_date": [date(2021, 1, 1), date(2021, 1, 2)],
            "item_count": [3, 4],
            "done_item_count": [0, 1],
        }
    )

    svg = charts.burn_up(rows)

    assert ">R1<" in svg
    assert ">done<" in svg


def test_each_phase_has_a_bar() -> None:
    rows = pa.table(
        {
            "work_item_type": ["quality_story", "defect", "epic", "story"],
            "phase_id": ["p1", "p2", "p3", "p4"],
            "phase_label": ["In Progress", "New", None, "Done"],
            "median_days": [2.0, 1.0, 3.0, None],
            "p90_days": [7.5, 1.0, 4.0, None],
        }
    )

    svg = charts.time_in_phase(rows)

    assert "quality story · In Progress" in svg
    assert "defect · New" in svg
    assert "epic · p3" in svg
    assert "Done" not in svg
    assert charts.time_in_phase(rows.slice(3)) == ""
