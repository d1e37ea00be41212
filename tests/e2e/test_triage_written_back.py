"""The board written back where others write too: their changes stay, and an undo keeps to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from octane_flows.actions import Verdict, new_apply_id, undo_plan
from octane_flows.cli import app
from octane_flows.client import Workspace
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import Row, World, environment_of, node, open_world, phase

SAM = {"type": "workspace_user", "id": "1001"}
FAILED = {
    "native_status": node("run_native_status.failed"),
    "status": node("run_status.failed"),
}


class Board:
    """A server with one cluster: two tests that fail alike, one owned and linked to a defect."""

    def __init__(self, server: Running, world: World) -> None:
        self.server, self.world, store = server, world, server.simulator.store
        defect = {"phase": phase("defect.new"), "parent": {"type": "work_item_root", "id": "1001"}}
        self.defect = str(world.create("defects", "Crash", **defect)["id"])
        rows: list[tuple[str, str]] = []
        for number, owner in enumerate((SAM, None)):
            name = f"Grid {number}"
            test = str(store.insert("test_automated", {"name": name, "owner": owner}))
            of_test = {"type": "test_automated", "id": test}
            text = {"name": name, "error_message": f"expected {number}"}
            run = str(store.insert("run_automated", {"test": of_test, **text, **FAILED}))
            rows.append((test, run))
        (_, self.linked_run), (self.test, self.run) = rows
        self.write("defects", self.defect, {"run": self.references(self.linked_run)})
        world.rebuild()

    @staticmethod
    def references(*runs: str) -> Row:
        return {"data": [{"type": "run_automated", "id": run} for run in runs]}

    def write(self, collection: str, id: str, values: Mapping[str, Any]) -> None:
        self.world.workspace.update_one(collection, id, dict(values))

    @property
    def state(self) -> dict[str, Any]:
        """The runs and owner of the defect, and the owner of the test that had none."""
        workspace = self.world.workspace
        defect = workspace.entity("defects", self.defect, fields=["run", "owner"])
        test = workspace.entity("automated_tests", self.test, fields=["owner"])
        return {
            "runs": sorted(str(run["id"]) for run in defect["run"]["data"]),
            "defect_owner": defect["owner"] and str(defect["owner"]["id"]),
            "test_owner": test["owner"] and str(test["owner"]["id"]),
        }

    def other_user(self) -> Row:
        """A colleague who may own items, too."""
        id = self.server.simulator.store.insert("workspace_user", {"name": "kim@octane.test"})
        return {"type": "workspace_user", "id": str(id)}


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with (
        serve(Simulator(dataset="empty", seed=3)) as server,
        open_world(server, tmp_path / "home") as world,
    ):
        yield Board(server, world)


def parts(verdicts: list[Verdict]) -> dict[str, str]:
    """The outcome of each request, by what it writes."""
    return {
        f"{verdict.request.entity_type} {next(iter(verdict.request.body))}": verdict.outcome
        for verdict in verdicts
    }


def test_what_changed_since_the_plan_is_left_alone(board: Board) -> None:
    plan = board.world.plan("triage")
    kim = board.other_user()
    board.write("automated_tests", board.test, {"owner": kim})
    board.write("defects", board.defect, {"run": board.references()})

    verdicts = board.world.apply(plan)

    assert parts(verdicts) == {
        "defect run": "changed",
        "defect owner": "done",
        "test_automated owner": "changed",
    }
    details = [verdict.detail for verdict in verdicts]
    assert kim["id"] in details[2]
    assert board.state == {"runs": [], "defect_owner": "1001", "test_owner": kim["id"]}


def test_a_defect_that_is_closed_before_the_plan_is_applied_is_left_alone(board: Board) -> None:
    plan = board.world.plan("triage")
    board.write("defects", board.defect, {"phase": phase("defect.closed")})

    verdicts = board.world.apply(plan)

    assert parts(verdicts) == {
        "defect run": "changed",
        "defect owner": "changed",
        "test_automated owner": "done",
    }
    assert board.state == {
        "runs": [board.linked_run],
        "defect_owner": None,
        "test_owner": "1001",
    }


def test_a_defect_that_is_closed_while_it_is_written_is_told(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = board.world.plan("triage", parts="links")
    update = Workspace.update_one

    def closed_meanwhile(self: Workspace, collection: str, id: str, values: Row) -> Row:
        """Somebody closes the defect right after the link is written, before it is read again."""
        written = update(self, collection, id, values)
        update(self, "defects", board.defect, {"phase": phase("defect.closed")})
        return written

    monkeypatch.setattr(Workspace, "update_one", closed_meanwhile)
    [verdict] = board.world.apply(plan)
    monkeypatch.undo()

    assert (verdict.outcome, verdict.is_good) == ("overtaken", False)
    assert board.defect in verdict.detail
    assert board.world.audit.read()[-1]["outcome"] == "overtaken"
    assert board.state["runs"] == sorted([board.linked_run, board.run])


def test_an_undo_gives_links_and_owners_back(board: Board) -> None:
    before = board.state
    plan = board.world.plan("triage")
    apply_id = new_apply_id(plan)
    assert set(parts(board.world.apply(plan, apply_id=apply_id)).values()) == {"done"}
    assert board.state == {
        "runs": sorted([board.linked_run, board.run]),
        "defect_owner": "1001",
        "test_owner": "1001",
    }
    environment = environment_of(board.server, board.world.settings.home)

    undo = ["apply", "--undo", apply_id]
    shown = CliRunner().invoke(app, undo, env=environment)
    assert "say --yes" in str(shown.exception)
    done = CliRunner().invoke(app, [*undo, "--yes", "--json"], env=environment)

    # what two steps wrote into the defect is one step back
    assert [row["outcome"] for row in json.loads(done.stdout)] == ["done"] * 2
    assert board.state == before
    board.world.rebuild()
    assert len(board.world.plan("triage").requests) == 3


def test_an_undo_leaves_what_somebody_took_over(board: Board) -> None:
    plan = board.world.plan("triage")
    apply_id = new_apply_id(plan)
    board.world.apply(plan, apply_id=apply_id)
    kim = board.other_user()
    board.write("automated_tests", board.test, {"owner": kim})

    verdicts = board.world.apply(undo_plan(board.world.audit, apply_id).plan)

    assert parts(verdicts) == {
        "defect run": "done",  # and its owner
        "test_automated owner": "changed",
    }
    assert board.state == {
        "runs": [board.linked_run],
        "defect_owner": None,
        "test_owner": kim["id"],
    }
