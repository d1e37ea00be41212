"""The report's pictures, as specifications of Vega-Lite that follow the page's colours.

Arrow tables in, JSON texts out; `draw_pictures` makes SVG of them. A text from the server is made
safe before it is drawn, and no picture grows with the data: days are thinned, panels are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa

PASSED = "#7fa8c9"
FAILED = "#d1495b"
WIDTH, PANEL_HEIGHT, BAR_STEP = 640, 90, 18
PADDING, LABELS_LEFT = 5, 45  # the reader's font may be wider than the one measured here
MOST_PHASES = 30  # more bars are read in the table
MOST_PANELS = 30  # more environments or releases are read in the table
MOST_DAYS = 120  # of a release; a panel has no room for more
LONGEST_LABEL = 200  # characters; an axis shows fewer
ENOUGH_RESULTS = 20  # a share of fewer results jumps about and hides the others

#: Text takes the colour of the page, so that the same picture serves light and dark.
_TEXT = "currentColor"
_CONFIG: dict[str, object] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": "transparent"},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "titleFontWeight": "normal",
        "domainColor": "#88888880",
        "tickColor": "#88888880",
        "gridColor": "#88888833",
    },
    "header": {"labelColor": _TEXT, "labelFontSize": 12},
    "title": {"color": _TEXT},
}


def results_per_week(weeks: pa.Table) -> str:
    """Bars of passed and failed results a week, one panel per environment.

    `weeks` has `environment_label`, `week_date`, `result_count`, `failed_count`.
    """
    frame = _panel_frame(weeks, "environment_label", ["workspace_id"], "result_count")
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
                legend=alt.Legend(orient="top", labelColor=_TEXT),
            ),
            order=alt.Order("outcome:N"),
            row=_panels("environment_label"),
        )
    )
    return _specification(panels)


def failed_share(weeks: pa.Table) -> str:
    """The failed share of a week's results, a panel per environment; columns as above.

    Nothing where no week has enough results.
    """
    frame = _panel_frame(weeks, "environment_label", ["workspace_id"], "result_count")
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
            row=_panels("environment_label"),
        )
    )
    return _specification(lines)


def _panels(column: str) -> alt.Row:
    header = alt.Header(labelAngle=0, labelAlign="left", labelAnchor="start", labelOrient="top")
    return alt.Row(f"{column}:N", title=None, header=header)


def burn_up(days: pa.Table) -> str:
    """Scope and done items over time, a panel per release, thinned to so many days.

    `days` has `release_id`, `release_name`, `day_date`, `item_count`, `done_item_count`.
    """
    frame = _panel_frame(days, "release_name", ["release_id", "workspace_id"], "day_date")
    frame = _thinned(frame.sort_values("day_date"), "release_name")
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
                scale=alt.Scale(domain=["all", "done"], range=["#b8c4ce", PASSED]),
                legend=alt.Legend(orient="top", labelColor=_TEXT),
            ),
            row=_panels("release_name"),
        )
    )
    return _specification(areas)


def flaky_tests(tests: pa.Table) -> str:
    """A dot for each test's share of changes, with its interval.

    `tests` has `test_id`, `test_name`, `environment_label`, `flakiness_ratio`,
    `flakiness_low_ratio`, `flakiness_high_ratio`.
    """
    frame = tests.to_pandas()
    names = _named(frame, "test_name", ["test_id", "workspace_id"])
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
    return _specification(interval + dots, left=LABELS_LEFT)


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
    frame["phase"] = _named(frame, "label", ["phase_id", "workspace_id"])
    base = alt.Chart(frame, width=WIDTH * 0.7, height=alt.Step(BAR_STEP)).encode(
        y=alt.Y("phase:N", title=None, sort=None, axis=alt.Axis(labelLimit=280))
    )
    medians = base.mark_bar(color=PASSED).encode(
        x=alt.X("median_days:Q", title="days in the phase: median, and where 90 % have left it")
    )
    ends = base.mark_tick(color=_TEXT, thickness=2).encode(x="p90_days:Q")
    return _specification(medians + ends, left=LABELS_LEFT)


def failing_tests(tests: pa.Table) -> str:
    """Bars: the tests that failed most often.

    `tests` has `test_id`, `test_name`, `failed_count`.
    """
    frame = tests.to_pandas()
    frame["test_name"] = _named(frame, "test_name", ["test_id", "workspace_id"])
    base = alt.Chart(frame, width=WIDTH * 0.7, height=alt.Step(BAR_STEP)).encode(
        y=alt.Y("test_name:N", title=None, sort="-x", axis=alt.Axis(labelLimit=280)),
        x=alt.X("failed_count:Q", title="failed results in the whole history"),
    )
    counts = base.mark_text(align="left", dx=4, color=_TEXT).encode(text="failed_count:Q")
    return _specification(base.mark_bar(color=FAILED) + counts, left=LABELS_LEFT)


def _panel_frame(rows: pa.Table, name: str, keys: Sequence[str], size: str) -> pd.DataFrame:
    """The rows with a name for each panel, of the panels with the most or newest of `size`."""
    frame = rows.to_pandas()
    frame[name] = _named(frame, name, keys)
    largest = frame.groupby(name)[size].max().sort_values(ascending=False).index[:MOST_PANELS]
    kept: pd.DataFrame = frame[frame[name].isin(largest)].copy()
    return kept


def _thinned(frame: pd.DataFrame, panel: str) -> pd.DataFrame:
    """At most `MOST_DAYS` rows of each panel at equal distances, the last one among them."""
    places = frame.groupby(panel).cumcount(ascending=False)  # 0 is the last day
    days = frame.groupby(panel)[panel].transform("size")
    steps = (days + MOST_DAYS - 1) // MOST_DAYS
    return frame[places % steps == 0].copy()


def _named(frame: pd.DataFrame, name: str, keys: Sequence[str]) -> pd.Series:
    """Names, ids where the server did not tell the name, and both where a name is not unique."""
    columns = [key for key in keys if key in frame]
    names = frame[name]
    if not columns:
        return names
    ids = frame[columns[0]].astype("string").fillna("none")
    for column in columns[1:]:
        ids = ids + ", " + frame[column].astype("string").fillna("none")
    names = names.fillna(frame[columns[0]].astype("string")).map(_safe_text)
    distinct_ids = ids.groupby(names).transform("nunique")
    return names.where(distinct_ids <= 1, names + " (" + ids + ")")


def _specification(chart: alt.LayerChart | alt.Chart, left: int = PADDING) -> str:
    config = {
        **_CONFIG,
        "padding": {"left": left, "top": PADDING, "right": PADDING, "bottom": PADDING},
    }
    with alt.data_transformers.disable_max_rows():  # the charts bound their rows themselves
        specification = chart.properties(config=config).to_dict()
    return json.dumps(_with_safe_texts(specification))


def _with_safe_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_safe_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_safe_texts(inner) for inner in value]
    return _safe_text(value) if isinstance(value, str) else value


#: What no XML may hold: control characters, halves of an emoji, and code points without character.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def _safe_text(text: str) -> str:
    """The text without what ends the program that draws it."""
    safe = _UNSAFE.sub("\ufffd", text)
    return safe if len(safe) <= LONGEST_LABEL else safe[: LONGEST_LABEL - 1] + "…"
