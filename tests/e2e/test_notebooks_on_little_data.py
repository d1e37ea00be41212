"""Every notebook runs whole on a workspace without items; the tour also where its flow is empty."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from octane_flows import refresh, warehouse
from octane_flows.api import Plot
from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def rebuild(world: World) -> None:
    """Extract, and build all models: the notebooks ask metrics, too."""
    refresh.update_lake(world.settings)
    warehouse.build(world.settings.home)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An empty workspace, extracted and built, whose settings are those of the process."""
    folder = tmp_path_factory.mktemp("little")
    with (
        serve(Simulator(dataset="empty", seed=3)) as running,
        open_world(running, folder) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment_of(running, folder).items():
            patch.setenv(name, value)
        rebuild(made)
        yield made


def run_cells(name: str, parameters: str = "") -> tuple[dict[str, object], list[Plot]]:
    """Execute the code cells in their order; gives their variables, and the charts they end with.

    `parameters` is a line that follows the cell of the parameters.
    """
    variables: dict[str, object] = {}
    plots: list[Plot] = []
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source, f"{name}.ipynb").body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), f"{name}.ipynb", "exec"), variables)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), f"{name}.ipynb", "eval"), variables)
            assert repr(shown)
            if isinstance(shown, Plot):
                plots.append(shown)
        if "parameters" in cell.metadata.get("tags", []):
            exec(parameters, variables)
    return variables, plots


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_on_an_empty_workspace(name: str, world: World) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, plots = run_cells(name)

    assert all(plot.specification is None for plot in plots)
    assert all(plot.sentence.endswith("so there is nothing to draw.") for plot in plots)


@pytest.mark.parametrize("name", ["history", "morning", "release", "triage", "trust"])
def test_a_notebook_has_its_parameters_in_one_cell(name: str) -> None:
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    tags = [cell.metadata.get("tags", []) for cell in cells if cell.cell_type == "code"]

    assert tags[0] == ["parameters"]
    assert not any(tags[1:])


def test_the_tour_runs_whole_without_defects_of_its_flow(world: World) -> None:
    variables, _ = run_cells("tour")
    assert variables["defect_id"] == "none"

    root = {"type": "work_item_root", "id": "1001"}
    world.create("defects", "of no module", parent=root)
    rebuild(world)
    variables, _ = run_cells("tour")
    assert variables["defect_id"] == world.ids["of no module"]
    assert variables["modules"] is None


def test_history_opens_the_whole_warehouse_of_then_when_asked(world: World) -> None:
    variables, _ = run_cells("history", "open_past = True")

    comparison = variables["comparison"]
    assert [*dict.fromkeys(side for side, _ in comparison)] == ["then", "now"]  # type: ignore[attr-defined]
