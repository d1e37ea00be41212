"""`show`: whole meanings of columns, relations on lines of their own, and questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_flows.errors import UsageError
from octane_flows.questions import Kind, list_questions
from octane_flows.warehouse import build
from tests.golden import kit

KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")


def show(*arguments: str, width: int = 80) -> str:
    environment = {"COLUMNS": str(width)}
    done = CliRunner().invoke(app, ["show", *arguments], env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    kit.write_lake(home, {"release": [{"id": "5", "type": "release", "name": "R5"}]})
    build(home)
    return home


@pytest.mark.parametrize("width", [30, 80])
def test_meanings_and_relations_of_a_table_are_whole(
    built: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(built))
    text = show("er.defects", width=width)
    described = text.split("relations of er.defects")[0]

    assert "\N{HORIZONTAL ELLIPSIS}" not in described
    if width == 80:
        assert "release that it was found in" in described
    relation = " detected_in_release_id -> er.releases.release_id  (defect.detected_in_release: "
    assert relation in text
    assert "0 links, 0 lead nowhere)" in text


@pytest.mark.parametrize("kind", KINDS)
def test_questions_are_shown_without_a_warehouse(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    for question in list_questions(kind):
        text = show(f"{kind}.{question.slug}", width=40)
        assert question.text in text
        assert f"One row is {question.grain}." in text
        for parameter in question.parameters:
            assert f"--param {parameter.name}=" in text
            assert f"      {parameter.type}: {parameter.meaning}\n" in text
        for column in question.columns:
            assert f"  {column.name}\n      {column.meaning}\n" in text


def test_a_question_is_found_by_its_name_alone_and_by_its_own_help() -> None:
    text = show("flaky_tests")
    assert text == show("metric.flaky_tests")
    helped = CliRunner().invoke(app, ["metric", "flaky_tests", "--help"], env={"COLUMNS": "80"})
    assert helped.stdout == text


def test_an_unknown_question_is_refused(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(built))
    with pytest.raises(UsageError, match=r"There is no metric 'flaky_test'; did you mean"):
        show("metric.flaky_test")
    with pytest.raises(UsageError, match="Name the schema too"):
        show("defect")
