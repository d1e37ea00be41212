"""The charts of the board and of the forecast, as specifications of Vega-Lite.

Arrow tables in, JSON texts out; `default_charts` says which question has which.
"""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from octane_flows.reports.chart_parts import (
    BAR_STEP,
    FAILED,
    LABELS_LEFT,
    PASSED,
    TEXT,
    WIDTH,
    named,
    specification_of,
)

LINKED, UNLINKED = "an open defect is linked", "no open defect is linked"


def triage(clusters: pa.Table) -> str:
    """Bars: the tests of each failure cluster, and whether an open defect is linked to it.

    `clusters` has `workspace_id`, `cluster_id`, `error_pattern`, `test_count`, `defect_id`.
    """
    frame = clusters.to_pandas()
    frame["error_pattern"] = frame["error_pattern"].str.strip().str.split("\n").str[0]
    frame["label"] = named(frame, "error_pattern", ["cluster_id", "workspace_id"])
    frame["defect"] = frame["defect_id"].notna().map({True: LINKED, False: UNLINKED})
    ticks = min(5, int(frame["test_count"].max()))  # of a few tests there are no halves
    base = alt.Chart(
        frame[["label", "test_count", "defect"]], width=WIDTH * 0.7, height=alt.Step(BAR_STEP)
    ).encode(
        y=alt.Y("label:N", title=None, sort=None, axis=alt.Axis(labelLimit=280)),
        x=alt.X(
            "test_count:Q", title="tests that fail with this text", axis=alt.Axis(tickCount=ticks)
        ),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(
            "defect:N",
            title=None,
            scale=alt.Scale(domain=[UNLINKED, LINKED], range=[FAILED, PASSED]),
            legend=alt.Legend(orient="top", labelColor=TEXT),
        )
    )
    counts = base.mark_text(align="left", dx=4, color=TEXT).encode(text="test_count:Q")
    return specification_of(bars + counts, left=LABELS_LEFT)


def release_forecast(releases: pa.Table) -> str:
    """For each release with a forecast: its interval, its likely day and its planned end.

    `releases` has `workspace_id`, `release_id`, `release_name`, `end_at`, `early_date`,
    `likely_date`, `late_date`. Nothing where no release has a forecast.
    """
    frame = releases.to_pandas()
    frame = frame[frame["likely_date"].notna()].copy()
    if frame.empty:
        return ""
    frame["release"] = named(frame, "release_name", ["release_id", "workspace_id"])
    for name in ("early_date", "likely_date", "late_date", "end_at"):
        frame[name] = frame[name].astype("datetime64[ms]")
    dates = frame[["early_date", "likely_date", "late_date", "end_at"]]
    first, last = dates.min(axis=None), dates.max(axis=None)
    # a line without an end goes a bit further than all dates
    frame["open_until"] = frame["late_date"].isna().map({True: last + (last - first) / 8})
    frame["late_date"] = frame["late_date"].fillna(frame["likely_date"])
    columns = ["release", "early_date", "likely_date", "late_date", "end_at", "open_until"]
    base = alt.Chart(frame[columns], width=WIDTH * 0.7, height=alt.Step(BAR_STEP * 2)).encode(
        y=alt.Y("release:N", title=None, sort=None, axis=alt.Axis(labelLimit=280))
    )
    title = "day (UTC) on which nothing is left, with its interval (dashed: open); | planned end"
    interval = base.mark_rule(color=PASSED, strokeWidth=5).encode(
        x=alt.X("early_date:T", title=title), x2="late_date:T"
    )
    unbounded = (
        base.transform_filter("isValid(datum.open_until)")
        .mark_rule(color=PASSED, strokeWidth=3, strokeDash=[6, 5])
        .encode(x="late_date:T", x2="open_until:T")
    )
    likely = base.mark_point(color=TEXT, fill=PASSED, size=80).encode(x="likely_date:T")
    ends = base.mark_tick(color=FAILED, thickness=3, size=24).encode(x="end_at:T")
    return specification_of(interval + unbounded + likely + ends, left=LABELS_LEFT)
