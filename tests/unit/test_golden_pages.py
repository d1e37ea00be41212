"""The text of a golden page: what is written is read again, and what cannot be read is refused."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.pages import (
    Page,
    PageError,
    Row,
    format_page,
    format_rows,
    parse_page,
    read_cell,
    with_expected,
    write_cell,
)

PAGE = """# Planned runs: ordinary

Planned runs, the oldest first.

## Parameters

| name  | value |
| ----- | ----- |
| hours | 24    |

## Given

- base: me_and_bob, two_workspaces
- rows of: other
- without: story, defect 9

### run_manual

| id | name | _workspace_id | why       |
| -- | ---- | ------------- | --------- |
| 1  | ""   |               | no letter |
| 2  |      | 1003          |           |

## Expected

| run_id | name | why     |
| ------ | ---- | ------- |
| 1      | ""   | planned |
"""
texts = st.text(st.characters(codec="utf-8"), max_size=30)
reasons = st.from_regex(r"[a-z][a-z ,:;0-9]{0,30}[a-z]", fullmatch=True)


def test_a_page_is_read_as_it_is_written() -> None:
    page = parse_page(PAGE, "page")

    assert page.about == "Planned runs, the oldest first."
    assert page.base == ("me_and_bob", "two_workspaces")
    assert page.rows_of == "other"
    assert page.without == ("story", "defect 9")
    assert page.given["run_manual"] == (
        Row({"id": "1", "name": "", "_workspace_id": None}, "no letter"),
        Row({"id": "2", "name": None, "_workspace_id": "1003"}),
    )
    assert format_page(page) == PAGE


@settings(deadline=None)
@given(st.one_of(st.none(), texts))
def test_every_text_and_null_keep_their_value(value: str | None) -> None:
    cell = write_cell(value)

    assert read_cell(cell) == value
    assert not set(cell) & set("|\n\r")


@settings(deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.tuples(
                st.lists(st.one_of(st.none(), texts), min_size=width, max_size=width), reasons
            ),
            min_size=1,
            max_size=6,
        )
    ),
    st.sampled_from(["", "x" * 90, "x" * 300]),
)
def test_rows_of_any_width_keep_their_values_and_reasons(
    cells: list[tuple[list[str | None], str]], long: str
) -> None:
    rows = tuple(
        Row({f"column_{number}": value for number, value in enumerate([*values, long])}, why)
        for values, why in cells
    )
    page = Page("title", "about", given={"story": rows}, expected=rows)

    again = parse_page(format_page(page), "page")

    assert again.given == page.given
    assert again.expected == rows


def test_long_rows_stand_next_to_one_another_as_far_as_they_fit() -> None:
    rows = [
        Row({"id": str(number), "text": "x" * 70, "more": "y" * 70, "most": "z" * 70})
        for number in range(3)
    ]

    lines = format_rows(rows).split("\n")

    assert lines[0].split() == ["|", "column", "|", "row", "1", "|", "row", "2", "|"]
    assert [line for line in lines if "row 3" in line]
    assert max(map(len, lines)) <= 200


def test_a_row_that_stays_keeps_its_reason_when_expected_rows_are_written_anew() -> None:
    page = parse_page(PAGE, "page")

    updated = with_expected(page, [{"run_id": "2", "name": None}, {"run_id": "1", "name": ""}])

    assert updated.expected == (
        Row({"run_id": "2", "name": None}),
        Row({"run_id": "1", "name": ""}, "planned"),
    )
    assert dataclasses.replace(updated, expected=page.expected) == page


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("## Expected", "## Expectation", "must have Expected"),
        ("Planned runs, the oldest first.\n", "", "what it is about"),
        ("- base:", "- bases:", "under Given"),
        ("| 2  |      |", "| 2  |", "does not fit"),
        ("### run_manual", "### run_manual\n\nand a remark", "where a table is expected"),
        ("## Given", "## Parameters\n\n## Given", "twice"),
    ],
)
def test_a_page_that_cannot_be_read_says_where(before: str, after: str, message: str) -> None:
    assert before in PAGE

    with pytest.raises(PageError, match=message):
        parse_page(PAGE.replace(before, after), "planned_runs/ordinary")
