"""The charts of questions, as specifications of Vega-Lite that follow the page's colours.

Arrow tables in, JSON texts out; `draw_pictures` makes SVG of them; `default_charts` says which
question has which. A text from the server is made
safe before it is drawn, and no picture grows with the data: days are thinned, panels are bounded.
"""

from __future__ import annotations

import altair as alt
import pandas as pd
import pyarrow as pa

from octane_flows.reports.chart_parts import (
    BAR_STEP,
    FAILED,
    LABELS_LEFT,
    PANEL_HEIGHT,
    PASSED,
    TEXT,
    WIDTH,
    named,
    panel_frame,
    panel_rows,
    specification_of,
    thinned,
)

MOST_PHASES = 30  # more bars are read in the table
ENOUGH_RESULTS = 20  # a share of fewer results jumps about and hides the others
PLANNED = "#b8c4ce"


def results_per_week(weeks: pa.Table) -> str:
    """Bars of passed and failed results a week, one panel per environment.

    `weeks` has `environment_label`, `week_date`, `result_count`, `failed_count`.
    """
    frame = panel_frame(weeks.to_pandas(), "environment_label", ["workspace_id"], "result_count")
    frame["week_date"] = frame["week_date"].astype("datetime64[ms]")
    frame["passed or other"] = frame["result_count"] - frame["failed_count"]
    frame["failed"] = frame["failed_count"]
    long = frame.melt(
        ["environment_label", "week_date"],
        ["failed", "passed or other"],
        var_name="outcome",
        value_name="results",
    )
    panels = (
        alt.Chart(long, width=WIDTH, height=PANEL_HEIGHT)
        .mark_bar(width=8)
        .encode(
            x=alt.X("week_date:T", title="week (Monday, UTC)"),
            y=alt.Y("sum(results):Q", title="results", axis=alt.Axis(tickCount=3)),
            color=alt.Color(
                "outcome:N",
                title=None,
                scale=alt.Scale(domain=["failed", "passed or other"], range=[FAILED, PASSED]),
                legend=alt.Legend(orient="top", labelColor=TEXT),
            ),
            order=alt.Order("outcome:N"),
            row=panel_rows("environment_label"),
        )
    )
    return specification_of(panels)


def failed_share(weeks: pa.Table) -> str:
    """The failed share of a week's results, a panel per environment; columns as above.

    Nothing where no week has enough results.
    """
    frame = panel_frame(weeks.to_pandas(), "environment_label", ["workspace_id"], "result_count")
    frame = frame[frame["result_count"] >= ENOUGH_RESULTS]
    if frame.empty:
        return ""
    frame["week_date"] = frame["week_date"].astype("datetime64[ms]")
    frame["share"] = 100 * frame["failed_count"] / frame["result_count"]
    lines = (
        alt.Chart(frame, width=WIDTH, height=PANEL_HEIGHT)
        .mark_line(point=True, color=FAILED)
        .encode(
            x=alt.X("week_date:T", title=f"week (weeks of {ENOUGH_RESULTS} results or more)"),
            y=alt.Y("share:Q", title="failed, %", axis=alt.Axis(tickCount=3)),
            row=panel_rows("environment_label"),
        )
    )
    return specification_of(lines)


def burn_up(days: pa.Table) -> str:
    """Scope and done items over time, a panel per release, thinned to so many days.

    `days` has `release_id`, `release_name`, `day_date`, `item_count`, `done_item_count`.
    """
    frame = panel_frame(
        days.to_pandas(), "release_name", ["release_id", "workspace_id"], "day_date"
    )
    frame = thinned(frame.sort_values("day_date"), "release_name")
    frame["day_date"] = frame["day_date"].astype("datetime64[ms]")
    frame["all"], frame["done"] = frame["item_count"], frame["done_item_count"]
    long = frame.melt(
        ["release_name", "day_date"], ["all", "done"], var_name="part", value_name="items"
    )
    areas = (
        alt.Chart(long, width=WIDTH, height=PANEL_HEIGHT)
        .mark_area(interpolate="step-after", opacity=0.8)
        .encode(
            x=alt.X("day_date:T", title="day (UTC)"),
            y=alt.Y("items:Q", title="items", stack=None, axis=alt.Axis(tickCount=3)),
            color=alt.Color(
                "part:N",
                title=None,
                scale=alt.Scale(domain=["all", "done"], range=[PLANNED, PASSED]),
                legend=alt.Legend(orient="top", labelColor=TEXT),
            ),
            row=panel_rows("release_name"),
        )
    )
    return specification_of(areas)


def flaky_tests(tests: pa.Table) -> str:
    """A dot for each test's share of changes, with its interval.

    `tests` has `test_id`, `test_name`, `environment_label`, `flakiness_ratio`,
    `flakiness_low_ratio`, `flakiness_high_ratio`.
    """
    frame = tests.to_pandas()
    names = named(frame, "test_name", ["test_id", "workspace_id"])
    frame["test"] = names + " · " + frame["environment_label"]
    for end in ("", "_low", "_high"):
        frame[f"share{end}"] = 100 * frame[f"flakiness{end}_ratio"]
    order = frame.sort_values("share_low", ascending=False)["test"].tolist()
    base = alt.Chart(frame, width=WIDTH * 0.7, height=alt.Step(BAR_STEP)).encode(
        y=alt.Y("test:N", title=None, sort=order, axis=alt.Axis(labelLimit=280))
    )
    interval = base.mark_rule(color=FAILED, opacity=0.6, strokeWidth=3).encode(
        x=alt.X("share_low:Q", title="results that differ from the one before, % (95 % interval)"),
        x2="share_high:Q",
    )
    dots = base.mark_point(color=FAILED, filled=True, size=45).encode(x="share:Q")
    return specification_of(interval + dots, left=LABELS_LEFT)


def time_in_phase(phases: pa.Table) -> str:
    """Bars of the median stay in each phase, with a tick where 90 percent of the stays end.

    `phases` has `work_item_type`, `phase_id`, `phase_label`, `median_days`, `p90_days`. Nothing
    where no stay could be measured.
    """
    frame = phases.to_pandas()
    frame = frame[frame["median_days"].notna()].head(MOST_PHASES)
    if frame.empty:
        return ""
    frame["label"] = frame["phase_label"].fillna(frame["phase_id"]).fillna("no phase")
    frame["label"] = frame["work_item_type"].str.replace("_", " ") + " · " + frame["label"]
    frame["phase"] = named(frame, "label", ["phase_id", "workspace_id"])
    base = alt.Chart(frame, width=WIDTH * 0.7, height=alt.Step(BAR_STEP)).encode(
        y=alt.Y("phase:N", title=None, sort=None, axis=alt.Axis(labelLimit=280))
    )
    medians = base.mark_bar(color=PASSED).encode(
        x=alt.X("median_days:Q", title="days in the phase: median, and where 90 % have left it")
    )
    ends = base.mark_tick(color=TEXT, thickness=2).encode(x="p90_days:Q")
    return specification_of(medians + ends, left=LABELS_LEFT)


def failing_tests(tests: pa.Table) -> str:
    """Bars: the tests that failed most often.

    `tests` has `test_id`, `test_name`, `failed_count`.
    """
    frame = tests.to_pandas()
    frame["label"] = named(frame, "test_name", ["test_id", "workspace_id"])
    return _counted_bars(frame, "failed_count", "failed results", order="-x")


def failure_clusters(clusters: pa.Table) -> str:
    """Bars: the error texts that most failures have, by the first line of each.

    `clusters` has `cluster_id`, `error_pattern`, `failed_count`.
    """
    frame = clusters.to_pandas()
    frame["error_pattern"] = frame["error_pattern"].str.strip().str.split("\n").str[0]
    frame["label"] = named(frame, "error_pattern", ["cluster_id", "workspace_id"])
    return _counted_bars(frame, "failed_count", "failed results with this text", order="-x")


def changes(rows: pa.Table) -> str:
    """Bars: how many changes there are of each kind, in the order of a letter.

    `rows` has `change_code`, `change_number`, `run_count`; counts of runs are no such changes, and
    without others there is nothing.
    """
    frame = rows.to_pandas()
    frame = frame[frame["run_count"].isna()]
    if frame.empty:
        return ""
    counts = frame.groupby(["change_number", "change_code"]).size().reset_index(name="count")
    counts["label"] = counts["change_code"].str.replace("_", " ")
    return _counted_bars(counts, "count", "changes", order=None)


def _counted_bars(frame: pd.DataFrame, count: str, title: str, order: str | None) -> str:
    """A bar for each `label` with its count beside it."""
    base = alt.Chart(frame[["label", count]], width=WIDTH * 0.7, height=alt.Step(BAR_STEP)).encode(
        y=alt.Y("label:N", title=None, sort=order, axis=alt.Axis(labelLimit=280)),
        x=alt.X(f"{count}:Q", title=title),
    )
    counts = base.mark_text(align="left", dx=4, color=TEXT).encode(text=f"{count}:Q")
    return specification_of(base.mark_bar(color=FAILED) + counts, left=LABELS_LEFT)


def defect_flow(periods: pa.Table) -> str:
    """Lines: defects that were open, came or came back, and were closed; a panel per group.

    `periods` has `workspace_id`, `group_id`, `group_name`, `start_date`, `open_count`,
    `created_count`, `reopened_count`, `closed_count`.
    """
    is_grouped = periods["group_id"].null_count < periods.num_rows
    ungrouped = "without" if is_grouped else "all defects"
    frame = periods.to_pandas()
    frame["group"] = frame["group_name"].fillna(frame["group_id"]).fillna(ungrouped)
    keys = ["group_id", "workspace_id"] if is_grouped else ["workspace_id"]
    frame["open"], frame["closed"] = frame["open_count"], frame["closed_count"]
    frame["came or came back"] = frame["created_count"] + frame["reopened_count"]
    frame = panel_frame(frame, "group", keys, "open")
    return _lines_by_day(
        thinned(frame.sort_values("start_date"), "group"),
        panel="group",
        day="start_date",
        title="first day of the period (UTC)",
        measures={"open": TEXT, "came or came back": FAILED, "closed": PASSED},
        unit="defects",
    )


def execution_progress(days: pa.Table) -> str:
    """Lines: runs planned, executed and passed up to each day, a panel per release.

    `days` has `workspace_id`, `release_id`, `release_name`, `day_date`, `planned_count`,
    `executed_count`, `passed_count`.
    """
    keys = ["workspace_id", "release_id", "release_name", "day_date"]
    measures = ["planned", "executed", "passed"]
    frame = days.to_pandas().rename(columns={f"{name}_count": name for name in measures})
    frame["release_name"] = frame["release_name"].fillna(frame["release_id"]).fillna("no release")
    frame["release_id"] = frame["release_id"].fillna("none")
    frame = frame.groupby(keys)[measures].sum().reset_index().sort_values("day_date")
    frame[measures] = frame.groupby(keys[:2])[measures].cumsum()
    frame = panel_frame(frame, "release_name", ["release_id", "workspace_id"], "day_date")
    return _lines_by_day(
        thinned(frame, "release_name"),
        panel="release_name",
        day="day_date",
        title="day (UTC)",
        measures={"planned": PLANNED, "executed": TEXT, "passed": PASSED},
        unit="runs",
    )


def _lines_by_day(
    frame: pd.DataFrame, *, panel: str, day: str, title: str, measures: dict[str, str], unit: str
) -> str:
    """A line in its colour for each measure, in panels; the frame has a column for each of them."""
    frame[day] = frame[day].astype("datetime64[ms]")
    long = frame.melt([panel, day], list(measures), var_name="measure", value_name="count")
    colours = alt.Scale(domain=list(measures), range=list(measures.values()))
    lines = (
        alt.Chart(long, width=WIDTH, height=PANEL_HEIGHT)
        .mark_line(interpolate="step-after", point=alt.OverlayMarkDef(size=12))
        .encode(
            x=alt.X(f"{day}:T", title=title),
            y=alt.Y("count:Q", title=unit, axis=alt.Axis(tickCount=3)),
            color=alt.Color(
                "measure:N",
                title=None,
                scale=colours,
                legend=alt.Legend(orient="top", labelColor=TEXT),
            ),
            row=panel_rows(panel),
        )
    )
    return specification_of(lines)
