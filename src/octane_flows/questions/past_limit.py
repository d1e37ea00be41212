"""What a question with a past `as_of` answers from the present all the same.

A connection, a question and its parameters in, a sentence that names `--as-of` out; the command
line, the Python interface, serve and the tools for agents show it beside the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from octane_flows.questions.catalogue import Question
from octane_flows.questions.run_question import Value, parse_parameters


class PresentInPastWarning(UserWarning):
    """An answer for a past `as_of` that holds rows or values of now."""


def past_limit(
    connection: duckdb.DuckDBPyConnection, question: Question, parameters: Mapping[str, Value]
) -> str | None:
    """What is of now in an answer for a moment before the warehouse's; None: nothing of that kind.

    Raises UsageError where a parameter is wrong.
    """
    limit = next((note.text for note in question.notes if note.topic == "past"), None)
    if limit is None or parameters.get("as_of") is None:
        return None
    as_of = parse_parameters(question, {"as_of": parameters["as_of"]})["as_of"]
    if as_of is None:
        return None
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "select generation.as_of from meta.generation as generation where generation.as_of > ?",
            [as_of],
        ).fetchall()
    if not rows:
        return None
    moment = f"{as_of:%Y-%m-%dT%H:%M:%S}"
    return (
        f"as_of {moment} is before this warehouse, and in {question.slug} {limit}; "
        f"'octane-flows {question.kind} {question.slug} --as-of {moment}' answers from what was "
        "read until then."
    )
