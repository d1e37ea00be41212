"""Where answers are written: never over a lake or a database, and no value ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from octane_flows.cli.command_options import free_destination
from octane_flows.console import plain_console
from octane_flows.errors import UsageError
from octane_flows.questions.answer_formats import write_answer


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "lake" / "data").mkdir(parents=True)
    (tmp_path / "lake" / "CURRENT").write_text("1")
    duckdb.connect(tmp_path / "warehouse.duckdb").close()
    (tmp_path / "link.csv").symlink_to(tmp_path / "warehouse.duckdb")
    (tmp_path / "old.csv").write_text("id")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("lake/CURRENT", "lies in a lake"),
        ("lake/data/new.parquet", "lies in a lake"),
        ("lake/../lake/x", "lies in a lake"),
        ("warehouse.duckdb", "is a DuckDB database"),
        ("link.csv", "is a DuckDB database"),
    ],
)
def test_no_answer_takes_the_place_of_the_data(home: Path, name: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        free_destination(home / name)

    assert str(caught.value) == (
        f"--output {home / name} {what}, and an answer would take its place; name another file."
    )


@pytest.mark.parametrize("name", ["old.csv", "new.csv", "no/folder/x.csv", "lake.csv"])
def test_other_files_are_free(home: Path, name: str) -> None:
    assert free_destination(home / name) == home / name


@pytest.mark.parametrize("name", ["/dev/null", "a" * 5000])
def test_what_is_no_file_is_left_to_the_writing(name: str) -> None:
    assert free_destination(Path(name)) == Path(name)


def test_no_destination_is_the_terminal() -> None:
    assert free_destination(None) is None


@pytest.mark.parametrize(
    ("sql", "format"),
    [
        ("select date '5877642-06-25 (BC)' as x", "table"),
        ("select date '5877642-06-25 (BC)' as x", "json"),
        ("select '101'::bit as x", "csv"),
        ("select '101'::bit as x", "csv-raw"),
        ("select [date '5877642-06-25 (BC)'] as x", "csv"),
    ],
)
def test_values_that_a_format_cannot_hold_are_told(tmp_path: Path, sql: str, format: str) -> None:
    with duckdb.connect() as connection:
        answer = connection.sql(sql).to_arrow_table()
        texts = connection.sql(f"select x::text as x from ({sql})").to_arrow_table()
    with pytest.raises(UsageError) as caught:
        write_answer(answer, format, tmp_path / "answer", plain_console())

    assert str(caught.value).startswith(f"The answer has values that {format} cannot hold")
    assert not list(tmp_path.iterdir())
    write_answer(texts, format, tmp_path / "answer", plain_console())
    assert (tmp_path / "answer").read_bytes()
