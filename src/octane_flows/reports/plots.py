"""The report's pictures, as SVG text: results per week and environment, failing tests.

Arrow tables in, SVG out. Drawn without a display and without fonts from elsewhere.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import pyarrow as pa
from matplotlib.figure import Figure

PASSED = "#9db8c9"
FAILED = "#b3261e"
WIDTH_INCHES = 9.0
STYLE = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own font
    "svg.hashsalt": "octane-flows",  # the same data gives the same file
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
}


def results_per_week(weeks: pa.Table) -> str:
    """Bars of results a week, one panel per environment, with the failed share as a line.

    `weeks` has `environment_label`, `week_date`, `result_count`, `failed_count`.
    """
    rows = weeks.to_pylist()
    names = sorted({row["environment_label"] for row in rows})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.6 + 1.9 * max(1, len(names))), layout="tight")
        panels: list[Any] = list(
            figure.subplots(max(1, len(names)), 1, sharex=True, sharey=True, squeeze=False).flat
        )
        for panel, name in zip(panels, names, strict=False):
            mine = [row for row in rows if row["environment_label"] == name]
            days = [row["week_date"] for row in mine]
            panel.bar(days, [row["result_count"] for row in mine], width=6, color=PASSED)
            panel.set_title(name)
            panel.set_ylabel("results a week")
            shares = panel.twinx()
            shares.plot(
                days,
                [100 * row["failed_count"] / row["result_count"] for row in mine],
                color=FAILED,
                linewidth=1.4,
                marker="o",
                markersize=2.5,
            )
            shares.set_ylim(bottom=0)
            shares.set_ylabel("failed %", color=FAILED)
            shares.spines["right"].set_visible(True)
        return _svg(figure)


def failing_tests(tests: pa.Table) -> str:
    """Horizontal bars: the tests that failed most often. `tests`: `test_name`, `failed_count`."""
    rows = tests.to_pylist()[::-1]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 0.7 + 0.24 * max(1, len(rows))), layout="tight")
        panel = figure.subplots()
        bars = panel.barh(
            [row["test_name"] for row in rows],
            [row["failed_count"] for row in rows],
            color=FAILED,
        )
        panel.bar_label(bars, padding=3)
        panel.set_xlabel("failed results in the whole history")
        return _svg(figure)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
