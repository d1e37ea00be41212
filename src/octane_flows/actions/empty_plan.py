"""Why a plan has no requests: a parameter that is missing, or nothing to do.

A question with values of its parameters in, a UsageError or a sentence out; `make_plan` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from octane_flows.errors import UsageError
from octane_flows.questions import (
    Question,
    Value,
    list_questions,
    parse_parameters,
    partial_answer,
    run_question,
)


def require_parameters(question: Question, values: Mapping[str, Value]) -> None:
    """Ask for the parameters that a plan needs. Raises UsageError."""
    missing = [group for group in question.needs if all(values.get(name) is None for name in group)]
    if not missing:
        return
    meanings = {parameter.name: parameter.meaning for parameter in question.parameters}
    words = " and ".join(" or ".join(group) for group in missing)
    explained = "; ".join(f"{name}: {meanings[name]}" for group in missing for name in group)
    raise UsageError(
        f"The plan {question.slug} needs {words}; add --param {missing[0][0]}=... ({explained}). "
        f"All its parameters: octane-flows plan {question.slug} --help"
    )


def why_no_requests(
    connection: duckdb.DuckDBPyConnection, question: Question, parameters: Mapping[str, str | None]
) -> str:
    """One sentence about a plan without requests."""
    slug = question.slug
    if finding := partial_answer(connection, question):
        return finding
    values = {**parse_parameters(question, {**question.defaults, **parameters})}
    if (
        "user_id" in values
        and values["user_id"] is None
        and not _count(connection, "er.signed_in_users")
    ):
        return (
            "who signed in to extract is no user of these workspaces, so 'my' is nobody's; add "
            "--param user_id=ID"
        )
    if (
        "release_name" in values
        and values["release_name"] is None
        and "default" in _meaning(question, "release_name")
        and not _count(connection, "er.releases where is_newest_default")
    ):
        return "no release is marked as the default one; add --param release_name=NAME"
    if slug == "manual_test_steps_and_attachments" and not _count(connection, "er.test_scripts"):
        return "no script was extracted; extract with OCTANE_SCRIPTS=true"
    flows = [flow for flow in list_questions("flow") if flow.slug == slug]
    for flow in flows:
        own = {name: parameters[name] for name in parameters if name in flow.defaults}
        if count := run_question(connection, flow, own).num_rows:
            return (
                f"there is nothing to do: the flow {slug} has {count:,} "
                f"{'row' if count == 1 else 'rows'}, and each is so already or cannot be written"
            )
    return (
        "there is nothing to do: nothing matches"
        + ("" if parameters else " the defaults of its parameters")
        + _given(parameters)
    )


def _given(parameters: Mapping[str, str | None]) -> str:
    if not parameters:
        return ""
    return " " + ", ".join(f"{name}={value or 'null'}" for name, value in parameters.items())


def _meaning(question: Question, name: str) -> str:
    return next(parameter.meaning for parameter in question.parameters if parameter.name == name)


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    with connection.cursor() as cursor:
        [(count,)] = cursor.execute(f"select count(*) from {source}").fetchall()
    return int(count)
