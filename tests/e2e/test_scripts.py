"""Scripts of tests: all of them at first, then only of tests that changed; steps in the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import Client

from octane_flows import parity, refresh, warehouse
from octane_flows.client import Octane
from octane_flows.config import Settings, load_settings
from octane_flows.extract.script_reader import TABLE
from octane_flows.questions import question_named, run_question
from octane_flows.warehouse import load_models
from octane_simulator import Simulator, serve
from tests.e2e.support import environment_of

FLOW = "manual_test_steps_and_attachments"
KINDS = ("test_manual", "gherkin_test")


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(dataset="generated", seed=3, runs=60)


@pytest.fixture
def settings(simulator: Simulator, tmp_path: Path) -> Iterator[Settings]:
    with serve(simulator) as running:
        environment = environment_of(running, tmp_path)
        yield load_settings({**environment, "OCTANE_PAGE_SIZE": "5", "OCTANE_SCRIPTS": "true"})


def write_script(simulator: Simulator, test_id: str, script: str) -> None:
    client = Client(simulator.wsgi)
    key = {"client_id": simulator.auth.client_id, "client_secret": simulator.auth.client_secret}
    assert client.post("/authentication/sign_in", json=key).status_code == 200
    path = f"/api/shared_spaces/1001/workspaces/1002/tests/{test_id}/script"
    assert client.put(path, json={"script": script, "revision_type": "Minor"}).status_code == 200


def test_scripts_are_read_once_and_again_where_they_changed(
    simulator: Simulator, settings: Settings
) -> None:
    tests = sum(
        int(simulator.store.read(f"SELECT count(*) FROM test WHERE type = '{kind}'")[0][0])
        for kind in KINDS
    )
    first = refresh.update_lake(settings).manifest.tables[TABLE]

    assert [file.rows for file in first.files] == [tests]
    assert tests > 5, "one page proves nothing"

    test_id = str(simulator.store.read("SELECT min(id) FROM test WHERE type = 'test_manual'")[0][0])
    write_script(simulator, test_id, "- Look at it\n- ?It is new\n")
    second = refresh.update_lake(settings).manifest.tables[TABLE]
    kept = refresh.update_lake(replace(settings, scripts=False)).manifest.tables[TABLE]

    assert [file.rows for file in second.files] == [tests, 1]
    assert kept.files == second.files

    models = [model for model in load_models() if model.schema in ("er", "flow")]
    warehouse.build(settings.home, models=models)
    with warehouse.connect(settings.home) as connection:
        answer = run_question(
            connection, question_named("flow", FLOW), {"test_id": test_id}
        ).to_pylist()
    steps = [(row["step_kind"], row["step_text"]) for row in answer if row["step_number"]]
    assert steps == [("step", "Look at it"), ("validation", "It is new")]


def test_verify_reads_scripts_word_for_word(simulator: Simulator, settings: Settings) -> None:
    refresh.update_lake(settings)
    models = [model for model in load_models() if model.schema in ("er", "flow")]
    warehouse.build(settings.home, models=models)
    ids = [
        str(id)
        for (id,) in simulator.store.read("SELECT id FROM test WHERE type = 'test_manual' LIMIT 2")
    ]
    with Octane(settings) as octane, warehouse.connect(settings.home) as connection:
        workspace = octane.workspace("1002")
        before = parity.verify_flow(workspace, connection, question_named("flow", FLOW), {})
        write_script(simulator, ids[0], "- Not what it was\n")
        after = parity.verify_flow(workspace, connection, question_named("flow", FLOW), {})
        of_another = parity.verify_flow(
            workspace, connection, question_named("flow", FLOW), {"test_id": ids[1]}
        )

    assert (before.status, before.message[-len("scripts compared") :]) == (
        "equal",
        "scripts compared",
    )
    assert [
        (difference.id, difference.only_in, difference.reason) for difference in after.differences
    ] == [(ids[0], "neither", "changed")]
    assert after.status == "changed"
    assert (of_another.status, of_another.message) == ("equal", "1 script compared")


def test_without_the_setting_the_table_is_there_without_rows(settings: Settings) -> None:
    manifest = refresh.update_lake(replace(settings, scripts=False)).manifest

    assert manifest.tables[TABLE].files == ()
    assert TABLE not in manifest.states["1002"]
