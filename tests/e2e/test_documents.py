"""Document reports made by a live server and fetched (flow 25)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from octane_flows.actions.document_report import document_request, make_document
from octane_flows.cli import app
from octane_flows.errors import AnswerError, RequestError, UsageError
from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world, phase


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(dataset="empty", seed=3)


@pytest.fixture(scope="module")
def world(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("home")
    with serve(simulator) as running, open_world(running, home) as made, patch.context() as context:
        root = {"type": "work_item_root", "id": "1001"}
        epic = made.create("epics", "Maps", parent=root, phase=phase("epic.new"))
        made.create("features", "Grid <1>", parent=epic, phase=phase("feature.new"))
        for name, value in environment_of(running, home).items():
            context.setenv(name, value)
        context.setattr("octane_flows.actions.document_report.POLL_S", 0.01)
        yield made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["document", *arguments])


def test_the_document_holds_the_descendants_and_no_file_is_replaced_unasked(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "backlog.html"
    arguments = ["Backlog", "--output", str(file)]

    shown = run(*arguments)
    assert isinstance(shown.exception, UsageError)
    assert "Nothing was sent" in str(shown.exception)
    assert '"report_entries"' in shown.stdout
    assert not file.exists()
    assert world.audit.read() == []

    made = run(*arguments, "--yes")
    assert made.exit_code == 0, made.output
    text = file.read_text()
    assert world.ids["Maps"] in text
    assert "Grid &lt;1&gt;" in text
    lines = world.audit.read()
    assert [line.get("outcome", line["event"]) for line in lines] == ["sending", "done"]
    assert lines[1]["bytes"] == len(text.encode())

    file.write_text("mine")
    again = run(*arguments, "--yes")
    assert "is there already" in str(again.exception)
    assert file.read_text() == "mine"
    assert len(world.audit.read()) == 2
    for row in world.workspace.page("attachments", fields=["name"]).rows:
        world.workspace.delete("attachments", row["id"])  # names have whole seconds
    replaced = run(*arguments, "--yes", "--overwrite")
    assert replaced.exit_code == 0, replaced.output
    assert world.ids["Maps"] in file.read_text()


def test_a_template_that_is_not_there_is_told(world: World, tmp_path: Path) -> None:
    result = run("Nothing", "--output", str(tmp_path / "a.pdf"), "--yes")

    assert isinstance(result.exception, UsageError)
    assert "has 0 document reports named 'Nothing'" in str(result.exception)
    assert not (tmp_path / "a.pdf").exists()


def test_what_the_server_could_not_make_is_told_in_its_words(world: World) -> None:
    moment = datetime(2021, 1, 20, 21, 0, tzinfo=UTC)
    request = document_request(world.workspace, "Backlog", moment)
    assert request["file_name"] == "backlog_20210120_210000"
    broken: dict[str, Any] = {**request, "report_entries": [{"entity_type": "unicorn"}]}

    with pytest.raises(RequestError, match="names the entity type 'unicorn'"):
        make_document(world.workspace, broken, world.audit, sleep=lambda _: None)

    assert world.audit.read()[-1]["outcome"] == "refused"


def test_a_task_that_never_ends_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octane_flows.actions.document_report.PATIENCE_S", 0.0)
    moment = datetime(2021, 1, 20, 22, 0, tzinfo=UTC)
    request = document_request(world.workspace, "Backlog", moment)

    with pytest.raises(AnswerError, match="of the document is Running"):
        make_document(world.workspace, request, world.audit, sleep=lambda _: None)
