"""A report over a damaged warehouse stops; a question without an answer does not stop it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from octane_flows.errors import LakeError, UsageError
from octane_flows.reports import report_excel_csv
from octane_flows.reports.report_sections import Choice, grave_section
from octane_flows.reports.stored_answers import StoredAnswers, problem_of

DAMAGE = duckdb.IOException("Corrupt database file: computed checksum 1 does not match 2")


def test_the_sentence_about_a_damaged_file_names_what_helps() -> None:
    with pytest.raises(LakeError, match=r"damaged.*build --full"):
        problem_of(DAMAGE)


def test_a_sentence_that_names_it_already_is_passed_on_as_it_is() -> None:
    sentence = LakeError(f"The warehouse is damaged ({DAMAGE}); run 'octane-flows build --full'.")
    with pytest.raises(LakeError) as raised:
        problem_of(sentence)
    assert raised.value is sentence


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (UsageError("There is no flow 26."), "There is no flow 26."),
        (duckdb.BinderException("no column x\nLINE 1: select x"), "no column x"),
    ],
)
def test_other_errors_are_what_a_section_says(error: Exception, problem: str) -> None:
    assert problem_of(error) == problem


class UnreadableAnswers(StoredAnswers):
    """Every table lies in a damaged part of the file."""

    def store(self, name: str, sql: str) -> str:
        raise DAMAGE


def test_a_section_does_not_hide_the_damage() -> None:
    with duckdb.connect() as connection, pytest.raises(LakeError, match="build --full"):
        grave_section(UnreadableAnswers(connection, ["1"]), "1", Choice(datetime.now(UTC)))


def test_the_files_of_a_damaged_warehouse_are_not_written_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise LakeError(f"The warehouse is damaged ({DAMAGE}); run 'octane-flows build --full'.")

    source = nullcontext((None, ""))
    monkeypatch.setattr(report_excel_csv, "report_source", lambda *_: source)
    monkeypatch.setattr(report_excel_csv, "run_question", run)
    with pytest.raises(LakeError, match="build --full"):
        report_excel_csv.write_csv(tmp_path)
    assert list(tmp_path.rglob("*.csv")) == []
