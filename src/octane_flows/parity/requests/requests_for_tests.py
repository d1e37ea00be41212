"""Documented requests of the flows whose rows are tests or belong to them: 3, 4, 5 and 8.

Typed parameters in, requests out; `DOCUMENTED_REQUESTS` lists them.
"""

from __future__ import annotations

from octane_flows.parity.requests.documented_requests import (
    NOT_SEEN,
    DocumentedRequests,
    Params,
    Reading,
    Request,
    Steps,
    identifier,
    logical_names,
    pattern,
    single,
    subtypes,
)


def _comments_on_my_manual_tests(params: Params) -> str | None:
    if params["user_id"] is None:
        return None
    kinds = subtypes(params["test_types"])
    me = f"{{id EQ {identifier(params['user_id'])}}}"
    mine = f"user_item EQ {{user EQ {me}}}" if params["in_my_work"] else f"owner EQ {me}"
    return f"owner_test EQ {{{f'({kinds})' if '||' in kinds else kinds};{mine}}}"


def scripted_tests(params: Params) -> list[str]:
    """Phrases over the manual tests whose scripts and attachments are asked for."""
    phrases = []
    if params["test_id"] is not None:
        phrases.append(f"id EQ {identifier(params['test_id'])}")
    if params["test_name"] is not None:
        phrases.append(f"name EQ {pattern(params['test_name'])}")
    return phrases


def _manual_test_steps_and_attachments(params: Params) -> str:
    test = ["subtype EQ 'test_manual'", *scripted_tests(params)]
    phrases = [f"owner_test EQ {{{';'.join(test)}}}"]
    if params["file_name"] is not None:
        phrases.append(f"name EQ {pattern(params['file_name'])}")
    return ";".join(phrases)


def _my_gherkin_tests_to_automate(params: Params) -> str | None:
    if params["user_id"] is None:
        return None
    return (
        f"owner EQ {{id EQ {identifier(params['user_id'])}}};"
        f"automation_status EQ {{{logical_names(params['automation_status_codes'])}}}"
    )


def _tagged_automated_tests(params: Params) -> Steps:
    module = f"name EQ {pattern(params['application_module_name'])}"
    if params["subtree"]:
        named = yield Request("product_areas", module, ("path",))
        if not named:
            return []
        module = "||".join(f"path EQ {pattern(row['path'] + '*')}" for row in named)
    query = (
        f"user_tags EQ {{name EQ {pattern(params['user_tag_name'])}}};product_areas EQ {{{module}}}"
    )
    rows = yield Request("automated_tests" if params["only_automated"] else "tests", query)
    return [str(row["id"]) for row in rows]


FLOWS = {
    "comments_on_my_manual_tests": DocumentedRequests(
        "comments",
        "comment_id",
        single("comments", _comments_on_my_manual_tests),
        "reconstructed",
        (
            NOT_SEEN,
            Reading(
                "'My' tests may be those that the user owns, or those in the user's My Work.",
                "Those that the user owns.",
                ("in_my_work",),
            ),
            Reading(
                "The page's areas name Gherkin tests and suites beside manual tests.",
                "Manual tests, as the title says.",
                ("test_types",),
            ),
        ),
    ),
    "manual_test_steps_and_attachments": DocumentedRequests(
        "attachments",
        "attachment_id",
        single("attachments", _manual_test_steps_and_attachments),
        "reconstructed",
        (
            NOT_SEEN,
            Reading(
                "The page writes: it uploads a file and names it in the script. How a step names "
                "an attachment was not seen.",
                "The attachments of manual tests are listed beside the steps of their scripts; a "
                "step names a file when the file's name is in its text.",
            ),
            Reading(
                "Scripts are read one by one (GET tests/{id}/script), which is one request a test.",
                "The extract reads scripts when OCTANE_SCRIPTS is true, and without it only "
                "attachments are listed. The attachments of all tests are compared with the "
                "server, scripts word for word of the 200 tests that changed last.",
            ),
        ),
        ("tests",),
    ),
    "my_gherkin_tests_to_automate": DocumentedRequests(
        "gherkin_tests", "test_id", single("gherkin_tests", _my_gherkin_tests_to_automate), "partly"
    ),
    "tagged_automated_tests": DocumentedRequests(
        "tests",
        "test_id",
        _tagged_automated_tests,
        "partly",
        (
            Reading(
                "The request names the module itself; modules nested in it are not spoken of.",
                "Direct assignment only.",
                ("subtree",),
            ),
        ),
        example=(("user_tag_name", "security"), ("application_module_name", "Messag*")),
    ),
}
