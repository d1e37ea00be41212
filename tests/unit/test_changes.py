"""Changes between two moments: the words for the moments, and every form of the list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from octane_flows.changes import (
    Change,
    ChangeList,
    as_json,
    as_mail,
    as_markdown,
    as_page,
    as_text,
    chosen_moments,
    note_report,
)
from octane_flows.errors import UsageError
from octane_flows.lake import Lake
from tests.golden import kit
from tests.golden.pages import Row

BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = datetime(2021, 1, 20, 21)
EVIL = "<b>x</b> | [link](http://evil.example) \x1b[31m\nnext"


def change(code: str = "newly_failing", **values: Any) -> Change:
    full: dict[str, Any] = {
        "workspace_id": "1002", "code": code, "item_type": "test", "item_id": "1",
        "part_id": "/", "item_name": "test_1", "part_name": None, "before_code": None,
        "after_code": "failing", "run_count": None, "after_run_count": None,
        "since_at": UNTIL - timedelta(hours=3),
        "owner_name": "Ada L", "module_names": "Algebra", "item_url": "https://octane.test/1",
    }  # fmt: skip
    return Change(**{**full, **values})


def listed(*changes: Change, gaps: tuple[str, ...] = ()) -> ChangeList:
    since = UNTIL - timedelta(days=1)
    return ChangeList(since, UNTIL, 7, BERLIN, "yesterday", changes, gaps)


def test_each_change_says_since_when_who_and_where() -> None:
    text = as_text(listed(change()))

    assert "Tests that fail now (1)" in text
    assert "since 2021-01-20 19:00 (3 hours); module Algebra; owner Ada L" in text
    assert "https://octane.test/1" in text
    assert "2021-01-19 22:00 to 2021-01-20 22:00 (Europe/Berlin)" in text


def test_kinds_come_in_the_order_of_a_letter_and_runs_are_summed() -> None:
    runs = change("runs_executed", item_type="release", item_id=None, item_name=None,
                  run_count=12, after_run_count=20)  # fmt: skip
    rows = listed(runs, change("repaired", after_code=None), change(), change("defect_new"))

    assert [group.code for group in rows.groups] == [
        "newly_failing",
        "defect_new",
        "repaired",
        "runs_executed",
    ]
    assert "Runs that were executed (12)" in as_text(rows)
    assert "without a release: 12 runs, 20 executed so far" in as_text(rows)
    assert json.loads(as_json(rows))["counts"]["runs_executed"] == 12


def test_what_still_fails_is_no_news() -> None:
    assert not listed(change("still_failing")).has_news
    assert not listed().has_news
    assert listed(change("still_failing"), change("repaired")).has_news
    assert "Nothing changed." in as_text(listed())


def test_more_changes_than_are_shown_are_counted() -> None:
    rows = listed(*(change(item_id=str(number)) for number in range(25)))

    for text in (as_text(rows), as_markdown(rows), as_page(rows)):
        assert "and 5 more" in text
    assert len(json.loads(as_json(rows))["changes"]) == 25


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]


def test_names_are_texts_and_nothing_else() -> None:
    rows = listed(change(item_name=EVIL, owner_name=EVIL, item_url=None))

    page = _Tags()
    page.feed(as_page(rows))
    assert "b" not in page.tags
    assert page.links == []
    assert "\x1b" not in as_text(rows) + as_markdown(rows) + as_json(rows)
    assert "](http" not in as_markdown(rows)
    assert "\\<b\\>" in as_markdown(rows)
    assert "\nnext" not in as_text(rows)


def test_the_page_needs_no_net() -> None:
    page = _Tags()
    page.feed(as_page(listed(change())))

    assert page.links == ["https://octane.test/1"]
    assert not {"script", "img", "link", "iframe"} & set(page.tags)


def test_a_mail_has_text_and_page_and_a_subject_with_the_numbers() -> None:
    mail = as_mail(listed(change(), change("repaired", after_code=None)), recipients=["a@b.test"])
    read = message_from_bytes(bytes(mail), policy=default)

    assert read["Subject"] == "Octane: 1 newly failing, 1 repaired since yesterday"
    assert read["To"] == "a@b.test"
    kinds = [part.get_content_type() for part in read.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


def test_a_gap_is_told_everywhere() -> None:
    rows = listed(gaps=("the answer of changes is partial",))

    for text in (as_text(rows), as_markdown(rows), as_page(rows), as_json(rows)):
        assert "answer of changes is partial" in text


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    releases = (
        {"id": "1", "name": "2.8", "start_date": "2020-06-01", "end_date": "2020-12-01"},
        {"id": "2", "name": "2.9 winter", "start_date": "2020-12-01", "end_date": "2021-03-01"},
        {"id": "3", "name": "someday"},
    )
    rows = tuple(Row(dict(release)) for release in releases)
    with kit.open_filled({"release": rows}, ["1002"]) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for day in (18, 20):
        as_of = kit.AS_OF.replace(day=day)
        kit.write_lake(tmp_path, {}, as_of=as_of)
    note_report(tmp_path, datetime(2021, 1, 18, 21))
    note_report(tmp_path, UNTIL)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "since"),
    [
        ("yesterday", datetime(2021, 1, 19, 21)),
        ("generation 1", datetime(2021, 1, 18, 21)),
        ("1", datetime(2021, 1, 18, 21)),
        ("2021-01-18", datetime(2021, 1, 18, 22, 59, 59, 999999)),  # the end of the day in Berlin
        ("2021-01-18T08:00", datetime(2021, 1, 18, 8)),
        ("2021-01-18T08:00+02:00", datetime(2021, 1, 18, 6)),
        ("release", datetime(2020, 12, 1)),
        ("release 2.8", datetime(2020, 6, 1)),
        ("last-report", datetime(2021, 1, 18, 21)),
    ],
)
def test_words_for_moments(
    connection: duckdb.DuckDBPyConnection, home: Path, words: str, since: datetime
) -> None:
    moments = chosen_moments(connection, Lake(home / "lake"), home, BERLIN, words)

    assert (moments.since, moments.until) == (since, UNTIL)


@pytest.mark.parametrize(
    ("words", "until", "sentence"),
    [
        ("yestrday", None, "did you mean yesterday"),
        ("generation 9", None, "has no generation 9"),
        ("release 3.0", None, "those with one: 2.9 winter, 2.8"),
        ("2021-02-01", None, "is not before the end"),
        ("yesterday", "2021-02-01", "later than what the warehouse knows"),
        ("last-report", "1", "No report of an earlier moment"),
    ],
)
def test_wrong_words_are_one_sentence(
    connection: duckdb.DuckDBPyConnection, home: Path, words: str, until: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        chosen_moments(connection, Lake(home / "lake"), home, BERLIN, words, until)


def test_a_damaged_note_of_reports_counts_as_none(
    connection: duckdb.DuckDBPyConnection, home: Path
) -> None:
    (home / "reports.json").write_text('{"as_of": 3}')

    with pytest.raises(UsageError, match="No report of an earlier moment"):
        chosen_moments(connection, Lake(home / "lake"), home, BERLIN, "last-report")
