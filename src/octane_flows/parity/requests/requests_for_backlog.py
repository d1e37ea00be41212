"""Documented requests of the flows whose rows are work items: 1, 2 and 12.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them.
"""

from __future__ import annotations

from octane_flows.parity.requests.documented_requests import (
    NOT_SEEN,
    DocumentedRequests,
    Params,
    Reading,
    identifier,
    logical_names,
    named,
    pattern,
    single,
)


def _my_new_stories(params: Params) -> str | None:
    if params["user_id"] is None:
        return None
    phrases = [
        *named("release", params["release_name"]),
        f"phase EQ {{{logical_names(params['phase_codes'])}}}",
        f"owner EQ {{id EQ {identifier(params['user_id'])}}}",
    ]
    return ";".join(phrases)


def _my_opened_defects_to_test(params: Params) -> str | None:
    if params["user_id"] is None:
        return None
    sprint = named("release", params["release_name"])
    if params["sprint_name"] is not None:
        sprint.insert(0, f"name EQ {pattern(params['sprint_name'])}")
    if params["sprint_id"] is not None:
        sprint.insert(0, f"id EQ {identifier(params['sprint_id'])}")
    phrases = [
        *([f"sprint EQ {{{';'.join(sprint)}}}"] if sprint else []),
        f"phase EQ {{{logical_names(params['phase_codes'])}}}",
        f"qa_owner EQ {{id EQ {identifier(params['user_id'])}}}",
    ]
    return ";".join(phrases)


def _open_high_severity_defects(params: Params) -> str:
    phrases = [
        *named("product_areas", params["application_module_name"]),
        f"phase EQ {{{logical_names(params['phase_codes'])}}}",
    ]
    for field in ("severity", "priority"):
        codes = params[f"{field}_codes"]
        if codes is not None:
            phrases.append(f"{field} EQ {{{logical_names(codes)}}}")
    return ";".join(phrases)


FLOWS = {
    "my_new_stories": DocumentedRequests(
        "stories",
        "story_id",
        single("stories", _my_new_stories),
        "partly",
        (
            Reading(
                "'New' may mean the phase New or all phases of the metaphase New, which are the "
                "same in the default workflow.",
                "The phase with the logical name phase.story.new.",
                ("phase_codes",),
            ),
        ),
        example=(("release_name", "941*"),),
    ),
    "my_opened_defects_to_test": DocumentedRequests(
        "defects",
        "defect_id",
        single("defects", _my_opened_defects_to_test),
        "reconstructed",
        (
            NOT_SEEN,
            Reading(
                "The sprint may be given by id or by name, and names repeat from release to "
                "release.",
                "Both are parameters; the sprint's release narrows the name down.",
                ("sprint_id", "sprint_name", "release_name"),
            ),
        ),
    ),
    "open_high_severity_defects": DocumentedRequests(
        "defects",
        "defect_id",
        single("defects", _open_high_severity_defects),
        "partly",
        (
            Reading(
                "'High severity' may mean the value High or all values from High up.",
                "The value High alone.",
                ("severity_codes",),
            ),
            Reading(
                "The page's table prints the field priority, its text speaks of severity.",
                "The field severity; for the other reading leave severity_codes empty.",
                ("severity_codes", "priority_codes"),
            ),
        ),
    ),
}
