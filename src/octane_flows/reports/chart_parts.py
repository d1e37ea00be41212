"""What the charts share: their colours, panels of a bounded number, names, and safe texts.

Frames and Altair charts in, frames and JSON texts out; `charts` builds on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

PASSED = "#7fa8c9"
FAILED = "#d1495b"
WIDTH, PANEL_HEIGHT, BAR_STEP = 900, 100, 18
PADDING, LABELS_LEFT = 5, 45  # the reader's font may be wider than the one measured here
MOST_PANELS = 6  # more environments or releases are read in the table
MOST_DAYS = 120  # of a release; a panel has no room for more
LONGEST_LABEL = 200  # characters; an axis shows fewer

#: Text takes the colour of the page, so that the same picture serves light and dark.
TEXT = "currentColor"
_CONFIG: dict[str, object] = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": "transparent"},
    "axis": {
        "labelColor": TEXT,
        "titleColor": TEXT,
        "titleFontWeight": "normal",
        "domainColor": "#88888880",
        "tickColor": "#88888880",
        "gridColor": "#88888833",
        # texts are measured in a font that is narrower than that of many readers
        "labelSeparation": 14,
    },
    "legend": {"columnPadding": 36, "labelLimit": 0},
    "header": {"labelColor": TEXT, "labelFontSize": 12},
    "title": {"color": TEXT},
}


def panel_rows(column: str) -> alt.Row:
    """Panels below one another, each with its name above it."""
    header = alt.Header(labelAngle=0, labelAlign="left", labelAnchor="start", labelOrient="top")
    return alt.Row(f"{column}:N", title=None, header=header)


def panel_frame(frame: pd.DataFrame, name: str, keys: Sequence[str], size: str) -> pd.DataFrame:
    """The rows with a name for each panel, of the panels with the most or newest of `size`."""
    frame = frame.copy()
    frame[name] = named(frame, name, keys)
    largest = frame.groupby(name)[size].max().sort_values(ascending=False).index[:MOST_PANELS]
    kept: pd.DataFrame = frame[frame[name].isin(largest)].copy()
    return kept


def thinned(frame: pd.DataFrame, panel: str) -> pd.DataFrame:
    """At most `MOST_DAYS` rows of each panel at equal distances, the last one among them."""
    places = frame.groupby(panel).cumcount(ascending=False)  # 0 is the last day
    days = frame.groupby(panel)[panel].transform("size")
    steps = (days + MOST_DAYS - 1) // MOST_DAYS
    return frame[places % steps == 0].copy()


def named(frame: pd.DataFrame, name: str, keys: Sequence[str]) -> pd.Series:
    """Names, ids where the server did not tell the name, and both where a name is not unique."""
    columns = [key for key in keys if key in frame]
    names = frame[name]
    if not columns:
        return names
    ids = frame[columns[0]].astype("string").fillna("none")
    for column in columns[1:]:
        ids = ids + ", " + frame[column].astype("string").fillna("none")
    names = names.fillna(frame[columns[0]].astype("string")).map(safe_text)
    distinct_ids = ids.groupby(names).transform("nunique")
    return names.where(distinct_ids <= 1, names + " (" + ids + ")")


def specification_of(chart: alt.LayerChart | alt.Chart, left: int = PADDING) -> str:
    """The chart as a JSON text of Vega-Lite, with safe texts."""
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
    return safe_text(value) if isinstance(value, str) else value


#: What no XML may hold: control characters, halves of an emoji, and code points without character.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def safe_text(text: str) -> str:
    """The text without what ends the program that draws it."""
    safe = _UNSAFE.sub("\ufffd", text)
    return safe if len(safe) <= LONGEST_LABEL else safe[: LONGEST_LABEL - 1] + "…"
