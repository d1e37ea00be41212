"""The tour's notebook runs whole where a workspace has no defects, or none that the flow wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world

TOUR = Path(__file__).resolve().parents[2] / "notebooks" / "tour.ipynb"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with (
        serve(Simulator(dataset="empty", seed=3)) as running,
        open_world(running, tmp_path) as made,
    ):
        for name, value in environment_of(running, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield made


def run_cells() -> dict[str, object]:
    """Execute the code cells in their order; gives their variables."""
    variables: dict[str, object] = {}
    for cell in nbformat.read(TOUR, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, str(TOUR), "exec"), variables)
    return variables


def test_the_tour_runs_whole_without_defects(world: World) -> None:
    world.rebuild()
    assert run_cells()["defect_id"] == "none"

    root = {"type": "work_item_root", "id": "1001"}
    world.create("defects", "of no module", parent=root)
    world.rebuild()
    variables = run_cells()
    assert variables["defect_id"] == world.ids["of no module"]
    assert variables["modules"] is None
