"""The report's tables get shorter until the file has few enough bytes."""

from __future__ import annotations

import pytest

from octane_flows.reports.report_page import within_bytes


@pytest.mark.parametrize(
    ("letter", "most", "rows"),
    [
        ("a", 50, 50),  # fits as it is
        ("a", 49, 25),
        ("ü", 50, 25),  # two bytes each: 50 would be 100
        ("語", 50, 12),
        ("a", 0, 1),  # a row stays
    ],
)
def test_rows_are_halved_until_the_bytes_fit(letter: str, most: int, rows: int) -> None:
    text = within_bytes(lambda rows: letter * rows, 50, most)

    assert text == letter * rows
