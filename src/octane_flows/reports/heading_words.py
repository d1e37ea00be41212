"""A column's name as the heading of a table: words, without the unit that its cells say.

Column names in, headings out; `report_tables` calls it.
"""

from __future__ import annotations

from typing import Final

#: Ends that the cells say, or that only tell columns of one item apart.
_ENDS: Final = (
    "_ratio", "_ms", "_hours", "_days", "_label", "_code", "_at", "_date", "_name", "_names",
    "_text",
)  # fmt: skip
#: Headings that the rules below would not make.
_WORDS: Final = {
    "age_days": "Age",
    "allowed_days": "Allowed",
    "application_module_names": "Modules",
    "backtest_count": "Forecasts that were judged",
    "backtest_hit_count": "Forecasts that were right",
    "backtest_hit_ratio": "Share of right forecasts",
    "change_count": "Changes of the outcome",
    "class_name": "Class of the test",
    "early_date": "Done at the earliest",
    "earlier_median_duration_ms": "Median in the window before",
    "environment_label": "Environment",
    "error_message": "Error",
    "error_pattern": "Error text, without what varies",
    "error_type": "Kind of error",
    "environment_names": "Names of environments",
    "escaped_ratio": "Share escaped",
    "evidence_count": "How often",
    "evidence_text": "Why",
    "failed_in_a_row_count": "Failed in a row",
    "failed_since_at": "Failing since",
    "failure_age_hours": "Failing for",
    "field_name": "Name of the field",
    "first_failed_build_name": "First failed build",
    "flakiness_high_ratio": "Flakiness, upper end",
    "flakiness_low_ratio": "Flakiness, lower end",
    "flakiness_ratio": "Flakiness",
    "gap": "Gap",
    "grave_defect_count": "Open defects, high or worse",
    "late_date": "Done at the latest",
    "is_count_exact": "Count is exact",
    "is_whole_release": "All of the release",
    "likely_date": "Done likely",
    "last_ran_at": "Last ran",
    "last_run_status_label": "Last run",
    "has_failed": "It failed",
    "median_days": "Median",
    "median_duration_ms": "Median duration",
    "misdated_count": "Closed before begun",
    "module_names": "Modules",
    "owner_reason_code": "Why this owner",
    "octane_reopen_count": "Times opened again, by Octane",
    "old_value": "Old value in the log",
    "new_value": "New value in the log",
    "outcome_count": "Builds with an outcome",
    "p90_days": "90 % within",
    "p95_duration_ms": "95 % within",
    "path_names": "Path of names",
    "person_name": "Who",
    "reopen_count": "Times opened again",
    "run_by_name": "Who runs it",
    "slowdown_ratio": "Median by that before",
    "state_since_at": "Since",
    "undated_count": "Without closing date",
    "value_label": "Value in words",
    "workspace_id": "Workspace",
}
_NOUNS: Final = frozenset(
    {
        "attachment", "build", "change", "child", "comment", "defect", "environment", "failure",
        "feature", "item", "link", "module", "outcome", "point", "release", "repair", "result",
        "row", "run", "skip", "stay", "step", "story", "suite", "task", "test", "transition",
        "value",
    }
)  # fmt: skip
_PLURALS: Final = {"story": "stories", "child": "children"}


def title_of(name: str) -> str:
    """The heading of a column."""
    if name in _WORDS:
        return _WORDS[name]
    stem = name.removeprefix("is_").removeprefix("has_")
    if stem.endswith("_count"):
        words = stem.removesuffix("_count").split("_")
        if words[-1] in _NOUNS:
            words[-1] = _PLURALS.get(words[-1], f"{words[-1]}s")
    else:
        end = next((end for end in _ENDS if stem.endswith(end) and stem != end[1:]), "")
        words = stem.removesuffix(end).split("_")
    text = " ".join(words)
    return text[:1].upper() + text[1:]
