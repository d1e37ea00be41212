"""The command line prints names as they are, and reports only on what the command was about."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.table import Table

from octane_flows.cli import published_messages
from octane_flows.console import PlainTable, plain_console
from octane_flows.extract.entity_result import ExtractReport
from octane_flows.lake import CertificateRow, Lake
from tests.golden import kit

ODD = "a [name] with [/markup], :bug: and [bold]more"
READ = CertificateRow("1002", "defect", "defects", 2, 2, 1, 10, "complete", note=ODD)


def test_words_are_printed_as_they_are() -> None:
    printed = io.StringIO()
    console = plain_console(file=printed, width=80)
    table = Table(box=None)
    table.add_column("what")
    table.add_row(ODD)
    console.print(ODD)
    console.print(table)

    assert [line.strip() for line in printed.getvalue().splitlines()] == [ODD, "what", ODD]


def test_texts_that_turn_a_line_around_or_end_it_are_visible() -> None:
    text = "a\u202eb\u2066c\u2028d\x1b[2J\u200f\U000e0041"
    visible = "a\\u202eb\\u2066c\\u2028d\\x1b[2J\\u200f\\U000e0041"
    printed = io.StringIO()
    console = plain_console(file=printed, width=80)
    console.print(text)
    table = PlainTable("what", box=None)
    table.add_row(text)
    console.print(table)

    assert [line.strip() for line in printed.getvalue().splitlines()] == [visible, "what", visible]


@pytest.mark.parametrize("also_read", [False, True], ids=["one workspace", "two workspaces"])
def test_an_extract_tells_the_notes_of_what_it_read(
    also_read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dataclasses.replace(READ, workspace="1003", status="carried", note="of the other")
    if also_read:
        other = dataclasses.replace(other, status="refused")
    kit.write_lake(tmp_path, {}, certificate=[READ, other])
    manifest = Lake(tmp_path / "lake").current()
    assert manifest is not None
    manifest = dataclasses.replace(manifest, politeness={"requests": 3})
    printed = io.StringIO()
    monkeypatch.setattr(published_messages, "output", plain_console(file=printed, width=200))

    published_messages.print_extract(ExtractReport(manifest, (), 0))

    lines = printed.getvalue().splitlines()[1:]
    expected = [("defect", ODD)]
    if also_read:
        expected = [
            ("defect", f"in workspace {id}: {note}")
            for id, note in (("1002", ODD), ("1003", "of the other"))
        ]
    assert lines == [f"{entity:<12} {note}" for entity, note in expected]


def test_control_characters_of_texts_are_visible_and_do_nothing() -> None:
    printed = io.StringIO()
    plain_console(file=printed, width=80).print("a\x1b[2Jb\0c\x9bd\nf")
    assert printed.getvalue() == "a\\x1b[2Jb\\x00c\\x9bd\nf\n"
