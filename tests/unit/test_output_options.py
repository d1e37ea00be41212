"""Where rows go: the suffix of --output decides the format, --limit how many rows are written."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.console import plain_console
from octane_flows.errors import UsageError
from octane_flows.questions.answer_formats import TERMINAL_ROWS, write_answer
from octane_flows.warehouse import build
from tests.golden import kit

RELEASES = [{"id": str(id), "type": "release", "name": f"R{id}"} for id in range(1, 251)]
QUERY = ["query", "select release_id, release_name from er.releases order by release_id::int"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    kit.write_lake(home, {"release": RELEASES})
    build(home)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OCTANE_HOME", str(built))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_suffix_of_the_file_decides_its_format(home: Path) -> None:
    for name in ("a.csv", "a.json", "a.PARQUET", "a.txt", "without"):
        assert ask(*QUERY, "--output", name) == ""

    assert (home / "a.csv").read_text().splitlines()[:2] == [
        '"release_id","release_name"',
        '"1","R1"',
    ]
    assert len(json.loads((home / "a.json").read_text())) == 250
    assert pq.read_table(home / "a.PARQUET").num_rows == 250
    for name in ("a.txt", "without"):
        assert "250 rows" in (home / name).read_text()


def test_a_format_that_agrees_with_the_suffix_is_taken(home: Path) -> None:
    ask("query", "select '=1+1' as cell", "--format", "csv-raw", "--output", "raw.csv")
    ask("query", "select '=1+1' as cell", "--output", "harmless.csv")
    ask(*QUERY, "--format", "json", "--output", "rows.data")
    assert (home / "raw.csv").read_text() == '"cell"\n"=1+1"\n'
    assert (home / "harmless.csv").read_text() == '"cell"\n"\'=1+1"\n'
    assert len(json.loads((home / "rows.data").read_text())) == 250


CONTRADICTIONS = [
    (["--format", "csv", "--output", "a.json"], "--format csv contradicts the suffix of a.json"),
    (["--format", "csv", "--output", "a.json"], "choose a file that ends with .csv."),
    (["--format", "table", "--output", "a.csv"], "choose a file that ends with .txt."),
    (
        ["--output", "a.xls"],
        "a.xls names no format; end the file's name with .txt, .csv, .xlsx, .json or",
    ),
    (["--format", "xlsx"], "A workbook is not for terminals; add --output FILE"),
    (["--format", "csv-excel", "--output", "a.xlsx"], "choose a file that ends with .csv."),
    (["--format", "parquet"], "add --output FILE"),
]


@pytest.mark.parametrize(("options", "sentence"), CONTRADICTIONS)
def test_a_format_that_contradicts_the_suffix_is_refused(
    options: list[str], sentence: str, home: Path
) -> None:
    for command in (QUERY, ["flow", "planned_runs"], ["generations"], ["history", "release"]):
        with pytest.raises(UsageError, match=re.escape(sentence)):
            ask(*command, *options)
    assert list(home.iterdir()) == []


def test_diagrams_changes_and_verdicts_follow_the_suffix_as_well(home: Path) -> None:
    ask("er", "er.releases", "--output", "d.svg")
    ask("er", "er.releases", "--output", "d.dbml")
    ask("er", "er.releases", "--output", "d.mmd")
    assert "<svg" in (home / "d.svg").read_text()
    assert (home / "d.dbml").read_text().startswith("Table ")
    assert (home / "d.mmd").read_text().startswith("erDiagram")
    with pytest.raises(UsageError, match=r"svg contradicts the suffix of d.json"):
        ask("er", "er.releases", "--format", "svg", "--output", "d.json")
    with pytest.raises(UsageError, match=r"html contradicts the suffix of c.md"):
        ask("changes", "--format", "html", "--output", "c.md")
    gate = ["gate", "--release", "R1", "total_count >= 0"]
    with pytest.raises(UsageError, match=r"json contradicts .* ends with \.json"):
        ask(*gate, "--format", "json", "--output", "g.xml")


def test_limit_writes_so_many_rows_and_counts_the_rest(home: Path) -> None:
    table = ask(*QUERY, "--limit", "2")
    assert "R2" in table
    assert "R3" not in table
    assert "250 rows, the first 2 shown" in table
    done = CliRunner().invoke(app, [*QUERY, "--limit", "2", "--format", "json"])
    assert [row["release_id"] for row in json.loads(done.stdout)] == ["1", "2"]
    assert done.stderr == "note         250 rows, the first 2 written\n"
    ask(*QUERY, "--limit", "3", "--output", "a.csv")
    assert len((home / "a.csv").read_text().splitlines()) == 4
    ask(*QUERY, "--limit", "3", "--output", "a.txt")
    assert "250 rows, the first 3 shown" in (home / "a.txt").read_text()
    assert "250 rows\n" in ask(*QUERY, "--limit", "251")
    assert CliRunner().invoke(app, [*QUERY, "--limit", "0"]).exit_code == 2


def test_a_pipe_has_all_rows_even_in_colours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "R250" in ask(*QUERY)


class Terminal(io.StringIO):
    """A stream that somebody reads."""

    def isatty(self) -> bool:
        return True


def on_terminal(rows: int, limit: int | None = None) -> str:
    stream = Terminal()
    answer = pa.table({"id": [str(id) for id in range(1, rows + 1)]})
    write_answer(answer, "table", None, plain_console(file=stream, width=80), limit=limit)
    return stream.getvalue()


def test_a_terminal_has_the_first_rows_and_is_told_how_to_see_all() -> None:
    text = on_terminal(TERMINAL_ROWS + 1)
    ids = [int(line) for line in text.splitlines() if line.strip().isdigit()]
    assert ids == list(range(1, TERMINAL_ROWS + 1))
    assert "201 rows, the first 200 shown" in text
    assert "--limit 201" in text
    assert "--limit" not in on_terminal(TERMINAL_ROWS)
    whole = on_terminal(1_000, limit=1_000)
    assert "1,000 rows" in whole
    assert "shown" not in whole
    assert "0 rows" in on_terminal(0)


def printed(width: int, columns: Mapping[str, Sequence[str | None]]) -> str:
    stream = io.StringIO()
    write_answer(pa.table(dict(columns)), "table", None, plain_console(file=stream, width=width))
    return stream.getvalue()


def test_a_wide_answer_is_written_in_blocks_with_whole_texts() -> None:
    text = "so long that a table would cut it, because it has sixty-two letters"
    wide: dict[str, list[str | None]] = {
        "test_id": ["1", "2"],
        "test_name": [text, "b"],
        "module_name": [None, "m" * 40],
    }

    lines = printed(70, wide).splitlines()

    assert lines == [
        "row 1",
        "  test_id      1",
        f"  test_name    {text}",
        "  module_name",
        "row 2",
        "  test_id      2",
        "  test_name    b",
        f"  module_name  {'m' * 40}",
        "2 rows",
    ]


def test_texts_are_cut_only_where_the_table_is_too_wide_and_ids_never() -> None:
    text, ids = "x" * 40, "1001," * 12
    assert text in printed(60, {"test_id": ["1"], "test_name": [text]})
    cut = printed(50, {"test_id": ["1"], "test_name": [text]})
    assert "x" * 33 + "\N{HORIZONTAL ELLIPSIS}" in cut
    assert ids in printed(100, {"test_ids": [ids], "test_name": [text]})
    for width in (20, 40, 80, 200):
        assert ids in printed(width, {"test_ids": [ids]})
        assert ids in printed(width, {"test_ids": [ids], "test_name": [text]})


def test_a_block_has_no_control_characters_of_a_text() -> None:
    assert "\x1b" not in printed(30, {"a\x1b[2J": ["b\x1b[2J" * 9], "c_id": ["c\x1b[2J" * 9]})


def test_a_real_terminal_has_the_first_rows(home: Path, built: Path) -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "OCTANE_HOME": str(built), "TERM": "dumb", "COLUMNS": "80"}
    command = [sys.executable, "-m", "octane_flows", *QUERY]
    with subprocess.Popen(command, stdout=follower, env=environment) as process:
        os.close(follower)
        parts: list[bytes] = []
        try:
            while part := os.read(leader, 65_536):
                parts.append(part)
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(leader)
    text = b"".join(parts).decode()
    assert process.returncode == 0
    assert "R200" in text
    assert "R201" not in text
    assert "250 rows, the first 200 shown" in text
