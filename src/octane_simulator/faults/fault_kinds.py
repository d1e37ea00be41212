"""The list of faults: what each does, its options, and how long it holds.

In: nothing. Out: `KINDS`, read by active_faults.py, which validates and keeps them, and by
start_page.py and the command line, which show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["COMMON", "KINDS", "REQUIRED", "Kind"]

REQUIRED = object()


@dataclass(frozen=True)
class Kind:
    """What a fault does, its options with their defaults, and how long it holds.

    `holds`: `requests` hits the next ones, `stands` until it is removed, `once` acts at once and
    cannot be removed.
    """

    effect: str
    holds: str = "requests"
    options: Mapping[str, tuple[type, Any]] = field(default_factory=dict)
    times: int | None = 1


KINDS: dict[str, Kind] = {
    # -- answers --
    "latency": Kind(
        "waits before it answers: the median in seconds, and a log-normal spread (0: none)",
        options={"seconds": (float, 0.1), "spread": (float, 0.0)}, times=None),
    "unavailable": Kind("503 with an HTML page"),
    "error_500": Kind("500 with an empty body"),
    "servlet_error": Kind("an error from before the REST layer: one key, message, of escaped JSON",
                          options={"status": (int, 500)}),
    "too_many_requests": Kind(
        "429; Retry-After in seconds, as HTTP date, or not at all",
        options={"retry_after": (float, None), "as_date": (bool, False)}),
    "html_200": Kind("a sign-in page with status 200"),
    "cut_body": Kind("the connection ends within the body"),
    "empty_body": Kind("the status of the real answer, without its body"),
    # -- sessions --
    "expire": Kind("ends every session; reason is idle or absolute",
                   options={"reason": (str, "idle")}),
    "rotate": Kind("renews the session cookie with the answer"),
    "session_life": Kind(
        "seconds a session lives idle and in all; a new cookie every so many answers; seconds the "
        "old cookie still works",
        "stands",
        {"idle": (float, None), "absolute": (float, None), "rotate_every": (int, None),
         "grace": (float, None)}),
    "demand_csrf": Kind("writes of sessions that sign in from now on are 403 without a token; "
                        "xsrf: XSRF_COOKIE goes back as XSRF-HEADER; hpsso: HPSSO_COOKIE_CSRF as "
                        "HPSSO_HEADER_CSRF", "stands", {"token": (str, "xsrf")}),
    # -- pages --
    "repeated_page": Kind("the previous page comes again"),
    "shifted_page": Kind("rows moved since the previous page: a positive number is missed, a "
                         "negative one comes twice (only where offset is above 0)",
                         options={"by": (int, 1)}),
    "short_page": Kind("the second half of the page is missing"),
    "duplicate_row": Kind("the first row of the page comes twice"),
    "low_total": Kind("total_count too low (by one, or as given), exceeds_total_count true",
                      options={"total": (int, None)}),
    "count_limit": Kind("total_count stops here, exceeds_total_count true above it", "stands",
                        {"max": (int, REQUIRED)}),
    "count_cap": Kind("400 platform.exceeds_max_total_count where more rows match", "stands",
                      {"max": (int, REQUIRED)}),
    "page_size": Kind("rows of a page without limit (unless given, as many as a page takes), and "
                      "the highest limit", "stands",
                      {"default": (int, None), "max": (int, 1000)}),
    # -- time --
    "late_commit": Kind("a write is stamped (creation_time, last_modified) that many seconds ago",
                        options={"seconds": (float, 60.0)}),
    "clock_skew": Kind("the Date header is ahead of the stamps in the rows (negative: behind)",
                       "stands", {"seconds": (float, 90.0)}),
    "long_poll": Kind("seconds that a CI plug-in's request for tasks waits", "stands",
                      {"seconds": (float, 3.0)}),
    # -- permissions --
    "suite_runs_apart": Kind("suite runs are missing in runs and refused (403 or the given "
                             "status) by id there, while suite_runs gives them", "stands",
                             {"status": (int, 403)}),
    "refuse": Kind("403 (or the given status) for an entity type", "stands",
                   {"entity": (str, REQUIRED), "status": (int, 403)}),
    # -- queries --
    "query_dialect": Kind("400 for queries with these operators, separated by blanks; also "
                          "{null}, cross for sub-queries, ^ for text between carets", "stands",
                          {"without": (str, ">= !=")}),
    "owner_null_error": Kind("500 for queries by an empty owner and a phase", "stands",
                             {"active": (bool, True)}),
    "slow_relations": Kind("seconds that queries with a sub-query take longer", "stands",
                           {"seconds": (float, 2.0)}),
    # -- results --
    "full_queue": Kind("test results are refused as testbox_queue_full",
                       options={"status": (int, 503)}),
    "slow_results": Kind("seconds of the server's clock that test results wait and run; 50 tasks "
                         "may wait, then testbox_queue_full", "stands",
                         {"seconds": (float, 10.0), "status": (int, 503)}),
    # -- change history --
    "history_size": Kind("records of the history that one query gives over all pages, and the "
                         "highest limit", "stands",
                         {"cap": (int, 10_000), "limit": (int, 10_000)}),
    "history_retention": Kind("older records of the history are gone", "stands",
                              {"days": (float, REQUIRED)}),
    "history_restricted": Kind("the caller has restricted data access: queries of the history "
                               "must name entity_type and entity_id, others are 403", "stands",
                               {"active": (bool, True)}),
    "history_form": Kind("spelling of history records: keys value_text, valueName or new_value; "
                         "user as object, or user_name as text", "stands",
                         {"keys": (str, "value_text"), "user": (str, "user")}),
    "history_records": Kind("records of history_records: fields (one a field), or saves (those of "
                            "history_logs)", "stands", {"form": (str, "saves")}),
    # -- fields --
    "add_field": Kind(
        "a new user-defined field; type is a field type, or list_root names a list", "once",
        {"field": (str, REQUIRED), "type": (str, "string"), "label": (str, None),
         "list_root": (str, None), "target": (str, None), "multiple": (bool, False)}),
    "remove_field": Kind("the field no longer exists", "once", {"field": (str, REQUIRED)}),
    "retype_field": Kind("the field has another type, in metadata and in every row", "once",
                         {"field": (str, REQUIRED), "type": (str, REQUIRED)}),
    "odd_type": Kind("metadata alone shows another field type, perhaps an unknown one", "stands",
                     {"field": (str, REQUIRED), "type": (str, "matrix")}),
    "missing_targets": Kind("metadata does not show the targets of a reference", "stands",
                            {"field": (str, REQUIRED)}),
    # -- versions --
    "default_order": Kind("sort key of rows without order_by: id, or name (16.1.100 and later)",
                          "stands", {"by": (str, "name")}),
    "phase_ids": Kind("ids of phases and metaphases: named, or numeric (before 12.55)", "stands",
                      {"form": (str, "numeric")}),
    "aggregate_type": Kind("type of rows of work_items, tests, runs ...: concrete, aggregate, or "
                           "auto (concrete with the preview header)",
                           "stands", {"form": (str, "concrete")}),
}  # fmt: skip
# Every fault that hits requests takes these as well.
COMMON: dict[str, tuple[type, Any]] = {
    "times": (int, None),
    "path": (str, ""),
    "after": (int, 0),
    "chance": (float, 1.0),
}
