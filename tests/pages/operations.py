"""The tables of docs/operations.md and docs/scale.svg: how far one machine goes.

The figures of `docs/scale.csv`, which `make bench NAME=scale` writes, in; Markdown and SVG out.
What is told of other sizes is reckoned from the largest size measured.
"""

from __future__ import annotations

import csv
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from tests.pages.markdown import table

COLUMNS = ("runs", "step", "seconds", "memory_gb", "lake_mb", "warehouse_mb", "spilled_mb")
Figures = dict[str, float | str]
FIGURES = Path(__file__).resolve().parents[2] / "docs" / "scale.csv"

STEPS = {
    "load": "first load of the runs",
    "refresh": "refresh by 10,000 changed runs",
    "full build": "full build of the warehouse",
    "publish": "publish 10,000 changed runs",
    "update": "update of the warehouse by them",
    "every flow once": "all 25 flows, one after the other",
}
BILLION = 1_000_000_000


def read_figures(path: Path = FIGURES) -> list[Figures]:
    """The rows of `docs/scale.csv`, or of another such file; not a number is what is not known."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {
                name: value if name == "step" else float(value or "nan")
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def measured_table() -> str:
    """Seconds, memory and spill of each step at each size."""
    figures = read_figures()
    by_place = {(figure["step"], figure["runs"]): figure for figure in figures}
    sizes = _sizes(figures)
    rows = [
        [meaning, *(_cost(by_place.get((step, runs))) for runs in sizes)]
        for step, meaning in STEPS.items()
    ]
    return (
        "\n".join(table(["", *(f"{figure / 1e6:,.0f} million runs" for figure in sizes)], rows))
        + "\n"
    )


def limits_table() -> str:
    """The number of runs at which each step takes longer than one would wait."""
    one_run = _one_run()
    built = {name: float(value) for name, value in one_run["full build"].items() if name != "step"}
    disk_mb = built["lake_mb"] + 2 * built["warehouse_mb"] + built["spilled_mb"]
    limits = [
        ("a full build takes a night (8 hours)", 8 * 3600 / built["seconds"]),
        ("an update takes a quarter of an hour", 900 / float(one_run["update"]["seconds"])),
        ("a full build needs a terabyte: lake, warehouse old and new, spill", 1e6 / disk_mb),
        (
            "the 25 flows, one after the other, take a minute",
            60 / float(one_run["every flow once"]["seconds"]),
        ),
    ]
    return "\n".join(table(["when", "at about"], [(what, _many(at)) for what, at in limits])) + "\n"


def billion_table() -> str:
    """What a billion runs would take."""
    one_run = _one_run()
    rows = [
        (
            STEPS[step],
            _span(float(one_run[step]["seconds"]) * BILLION),
            ", ".join(
                f"{size:.0f} GB {name}"
                for name in ("lake", "warehouse", "spilled")
                if (size := float(one_run[step][f"{name}_mb"]) * BILLION / 1000) >= 0.5
            ),
        )
        for step in ("load", "full build", "update", "every flow once")
    ]
    return "\n".join(table(["step", "a billion runs", "on disk"], rows)) + "\n"


#: The generated parts of docs/operations.md.
OPERATIONS_PARTS = {"measured": measured_table, "limits": limits_table, "billion": billion_table}


def growth_plot() -> str:
    """The SVG of seconds and memory by runs, a line for each step."""
    figures = read_figures()
    frame = pd.DataFrame(figures)
    frame = frame[frame["step"].isin(list(STEPS))]
    lines = alt.Chart(frame).mark_line(point=True)
    axis = alt.Axis(format="~s", values=_sizes(figures))
    runs = alt.X("runs:Q", scale=alt.Scale(type="log"), axis=axis, title="runs")
    step = alt.Color("step:N", sort=list(STEPS), title=None)
    seconds = alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds")
    memory = alt.Y("memory_gb:Q", title="GB of memory at most")
    chart = alt.hconcat(
        *(lines.encode(x=runs, y=y, color=step).properties(width=320) for y in (seconds, memory))
    ).configure(background="white", padding={"left": 5, "top": 5, "right": 40, "bottom": 5})
    text: str = vl_convert.vegalite_to_svg(chart.to_json())
    return text + "\n"


def _sizes(figures: list[Figures]) -> list[float]:
    return sorted({_runs(figure) for figure in figures})


def _one_run() -> dict[str, Figures]:
    """Each step's share of one run, of the largest size that it was measured at."""
    largest = {str(figure["step"]): figure for figure in sorted(read_figures(), key=_runs)}
    return {
        step: {
            name: value if isinstance(value, str) else value / _runs(figure)
            for name, value in figure.items()
        }
        for step, figure in largest.items()
    }


def _runs(figure: Figures) -> float:
    return float(figure["runs"])


def _cost(figure: Figures | None) -> str:
    if figure is None:
        return ""
    seconds = float(figure["seconds"])
    digits = 2 if seconds < 1 else 1
    spilled_gb = float(figure["spilled_mb"]) / 1000
    spilled = f" and {spilled_gb:.1f} on disk" if spilled_gb >= 0.1 else ""
    return f"{seconds:,.{digits}f} s, {float(figure['memory_gb']):.1f} GB{spilled}"


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"


def _many(runs: float) -> str:
    return f"{float(f'{runs / 1e6:.2g}'):,.0f} million runs"
