"""How the report shows an answer: heading, deciding columns, order, what is left out.

Slugs in, `View` records out; `report_content` reads them. A question without an entry is shown
with a heading made of its slug, its first columns as the deciding ones, and its own order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DECIDING: Final = 7  # columns that stand at once; the others appear when a reader asks for them
#: Severities that hold a release up, as `metric.release_readiness` and the gate have them.
GRAVE: Final = (
    "list_node.severity.urgent",
    "list_node.severity.very_high",
    "list_node.severity.high",
)
GRAVE_WORDS: Final = "severity urgent, very high or high; phase not done"
SEVERITY_ORDER: Final = (
    "case regexp_extract(severity_code, '[a-z_]+$') when 'urgent' then 1 when 'very_high' then 2 "
    "when 'high' then 3 when 'medium' then 4 when 'low' then 5 else 6 end"
)


@dataclass(frozen=True)
class View:
    """A heading in words, deciding columns from left to right, SQL of the order, columns left out.

    `note` is a sentence about what the rows are and are not.
    """

    title: str = ""
    columns: tuple[str, ...] = ()
    order: str = ""
    hidden: tuple[str, ...] = ()
    note: str = ""


VIEWS: Final[Mapping[str, View]] = {
    "current_failures": View(
        "Tests that fail now",
        (
            "state_code", "test_name", "environment_label", "pipeline_name", "failed_since_at",
            "first_failed_build_name", "error_message",
        ),
        "case state_code when 'failing' then 1 when 'muted' then 2 else 3 end, "
        "failed_since_at desc, test_id",
        note="A row is a test in one environment and pipeline. Muted tests are skipped since "
        "they failed, stale ones had no result for 30 days; both stand behind the failing ones.",
    ),
    "triage": View(
        "Failures that need somebody",
        (
            "error_pattern", "test_count", "owner_name", "owner_reason_code", "failed_since_at",
            "first_failed_build_name", "defect_name", "application_module_names",
        ),
        "is_flaky, failed_since_at desc, test_count desc, cluster_id",
        note="A row is a cause: failing tests with the same error text. Causes of which all tests "
        "are flaky stand last.",
    ),
    "test_states": View(
        "Which tests can be trusted",
        (
            "state_code", "test_name", "environment_label", "pipeline_name", "evidence_text",
            "state_since_at", "owner_name", "application_module_names",
        ),
        "case state_code when 'broken' then 1 when 'flaky' then 2 when 'muted' then 3 "
        "when 'stale' then 4 when 'new' then 5 else 6 end, state_since_at desc, test_id",
        note="A row is a test in one environment and pipeline.",
    ),
    "flaky_tests": View(
        "Flaky tests",
        (
            "test_name", "environment_label", "pipeline_name", "flakiness_ratio",
            "flakiness_low_ratio", "outcome_count", "last_changed_at",
        ),
        "is_small_sample, flakiness_low_ratio desc nulls last, test_id",
        note="The surest first: by the lower end of the interval.",
    ),
    "problematic_tests": View(
        "Octane's rules for problematic tests",
        (
            "problem_code", "test_name", "environment_label", "pipeline_name", "evidence_count",
            "last_result_at", "is_stale",
        ),
        note="A test has a row for each rule that it falls under.",
    ),
    "failure_clusters": View(
        "Failures with the same cause",
        (
            "error_pattern", "failed_count", "test_count", "build_count", "last_failed_at",
            "first_failed_at",
        ),
    ),
    "failure_bursts": View("Builds that brought many failures at once"),
    "test_repair_times": View("How long repairs take"),
    "failing_tests": View("Tests that failed most often"),
    "slow_tests": View(
        "Slow tests, and tests that become slower",
        (
            "test_name", "environment_label", "median_duration_ms", "p95_duration_ms",
            "slowdown_ratio", "result_count", "total_duration_ms",
        ),
    ),
    "results_per_week": View("Results in each week", order="week_date desc"),
    "release_readiness": View("All releases", hidden=("passed_ratio",)),
    "release_forecast": View(
        "Forecasts of releases",
        (
            "release_name", "end_at", "early_date", "likely_date", "late_date", "reason_text",
            "open_item_count", "backtest_hit_ratio", "backtest_count",
        ),
        note="Four of five forecasts are meant to be right; the shares say how many of the past "
        "were.",
    ),
    "burn_up": View("Scope and done part, day by day", order="day_date desc, release_id"),
    "execution_progress": View(
        "Runs planned and executed, day by day", order="day_date desc, release_id"
    ),
    "sprint_progress": View("Sprints"),
    "defect_flow": View(
        "Defects that came and were closed", order="start_date desc, group_id nulls first"
    ),
    "overdue": View(
        "Overdue defects",
        (
            "severity_label", "defect_name", "overdue_days", "owner_name", "release_name",
            "phase_label", "application_module_names",
        ),
        f"{SEVERITY_ORDER}, overdue_days desc, defect_id",
        note="The rule: urgent 2 days, very high 5, high 14, medium 60.",
    ),
    "defect_closing_times": View(
        "How long defects stay open", hidden=("severity_rank",)
    ),
    "reopened_defects": View("Defects that were opened again"),
    "escaped_defects": View("Defects found after the end of their release"),
    "traceability": View(
        "Coverage of work items and requirements",
        (
            "gap", "item_type", "item_name", "release_name", "test_name",
            "last_run_status_label", "last_ran_at",
        ),
        "case gap when 'failed' then 1 when 'no test' then 2 when 'never run' then 3 "
        "when 'not passed' then 4 when 'stale' then 5 else 6 end, release_name desc, item_id",
        note="Gaps first: failed, no test, never run, not passed, stale.",
    ),
    "open_high_severity_defects": View(
        "Open high severity defects",
        note="The documented flow counts less than the Defects page: its phase is opened, its "
        "severity is exactly high, and it belongs to an application module.",
    ),
}  # fmt: skip


def view_of(slug: str) -> View:
    """The view of a question; without one of its own, a heading made of its slug."""
    view = VIEWS.get(slug, View())
    words = slug.replace("_", " ")
    return view if view.title else View(words[:1].upper() + words[1:], note=view.note)
