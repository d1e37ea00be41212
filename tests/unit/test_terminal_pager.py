"""Long tables on a terminal go through a pager; files, pipes and short texts do not."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from octane_flows.cli.terminal_pager import paged, pager_command
from octane_flows.console import plain_console


class Terminal(io.StringIO):
    """A stream that somebody reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the pager writes what it is given, and how less is told to work."""
    target, script = tmp_path / "page", tmp_path / "pager.py"
    script.write_text(
        "import os, sys\nfrom pathlib import Path\n"
        "text = os.environ['LESS'] + '|' + sys.stdin.buffer.read().decode()\n"
        "Path(sys.argv[1]).write_text(text, encoding='utf-8')\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PAGER", f"'{sys.executable}' '{script}' '{target}'")
    monkeypatch.delenv("LESS", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdin", Terminal())
    return target


def shown(lines: int, stream: io.StringIO, *, is_wanted: bool = True) -> str:
    console = plain_console(file=stream, width=80)
    with paged(console, is_wanted=is_wanted):
        for number in range(lines):
            console.print(f"zeile {number} \N{LATIN SMALL LETTER U WITH DIAERESIS}")
    return stream.getvalue()


def test_what_is_longer_than_the_terminal_goes_through_the_pager(page: Path) -> None:
    assert shown(100, Terminal()) == ""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("FRSX|zeile 0 ü\n")
    assert text.endswith("zeile 99 ü\n")


@pytest.mark.parametrize("reason", ["short", "a pipe", "not wanted", "no keyboard", "cat", "none"])
def test_everything_else_is_printed(
    reason: str, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason == "no keyboard":
        monkeypatch.setattr(sys, "stdin", io.StringIO())
    elif reason in ("cat", "none"):
        monkeypatch.setenv("PAGER", "cat" if reason == "cat" else "")
    stream = io.StringIO() if reason == "a pipe" else Terminal()

    text = shown(3 if reason == "short" else 100, stream, is_wanted=reason != "not wanted")

    assert text.startswith("zeile 0 ü\n")
    assert not page.exists()


@pytest.mark.parametrize("pager", ["/nowhere/less", f"'{sys.executable}' -c 'raise SystemExit(3)'"])
def test_a_pager_that_does_not_work_hinders_nothing(
    pager: str, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", pager)

    assert "zeile 99" in shown(100, Terminal())


def test_which_program_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert pager_command({}) == ["/usr/bin/less"]
    assert pager_command({"PAGER": "less -S"}) == ["less", "-S"]
    assert pager_command({"PAGER": "'"}) is None
    assert pager_command({"PAGER": "less", "TERM": "dumb"}) is None
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert pager_command({}) is None
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr("shutil.which", lambda name: f"C:\\{name}.exe")
    assert pager_command({}) is None
    assert pager_command({"PAGER": r"C:\tools\less.exe -R"}) == [r"C:\tools\less.exe", "-R"]
