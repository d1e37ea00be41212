"""Which charts a question has: the report and `.plot()` draw the same ones.

A question's slug and its rows in, specifications of charts out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from octane_flows.reports import board_charts, charts

Chart = Callable[[pa.Table], str]
BARS_SHOWN = 15

#: Questions whose charts show the whole answer; the charts of all others show its first rows.
CHARTS_OF_ALL_ROWS: Mapping[str, tuple[Chart, ...]] = {
    "results_per_week": (charts.results_per_week, charts.failed_share),
    "burn_up": (charts.burn_up,),
    "execution_progress": (charts.execution_progress,),
    "time_in_phase": (charts.time_in_phase,),
    "changes": (charts.changes,),
    "defect_flow": (charts.defect_flow,),
    "release_forecast": (board_charts.release_forecast,),
}
CHARTS_OF_FIRST_ROWS: Mapping[str, tuple[Chart, ...]] = {
    "flaky_tests": (charts.flaky_tests,),
    "failing_tests": (charts.failing_tests,),
    "failure_clusters": (charts.failure_clusters,),
    "triage": (board_charts.triage,),
}
CHARTS: Mapping[str, tuple[Chart, ...]] = {**CHARTS_OF_ALL_ROWS, **CHARTS_OF_FIRST_ROWS}


def chart_specifications(slug: str, answer: pa.Table) -> tuple[str, ...]:
    """The charts of an answer; none where the question has none, or the rows nothing to draw."""
    if answer.num_rows == 0:
        return ()
    rows = answer if slug in CHARTS_OF_ALL_ROWS else answer.slice(0, BARS_SHOWN)
    return tuple(filter(None, (chart(rows) for chart in CHARTS.get(slug, ()))))
