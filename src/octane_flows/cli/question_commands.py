"""The commands that list and run questions: flows, flow, metrics, metric.

Arguments in; rows on standard output or in a file out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from octane_flows.cli.command_line import app, errors, open_warehouse, output
from octane_flows.cli.command_options import (
    AnswerFormat,
    AsJson,
    AsOf,
    ChosenEngine,
    Destination,
    Engine,
    Limit,
    Master,
    NoPager,
    Parameters,
    Progress,
    RowOutput,
    Strict,
    parameter_texts,
    row_output,
)
from octane_flows.cli.question_help import QuestionCommand
from octane_flows.cli.spark_engine import answer_from_spark, refuse_master
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from octane_flows.questions import Kind, Question


@app.command(epilog="Example: octane-flows flows --json")
def flows(as_json: AsJson = False) -> None:
    """List the flows with their parameters."""
    _print_questions("flow", as_json=as_json)


@app.command(
    cls=QuestionCommand,
    epilog="Example: octane-flows flow modules_with_recent_failures --param hours=72 --format csv",
)
def flow(
    slug: Annotated[str, typer.Argument(help="The flow's name, see: octane-flows flows")],
    param: Parameters = None,
    format: AnswerFormat = None,
    destination: Destination = None,
    limit: Limit = None,
    no_pager: NoPager = False,
    engine: ChosenEngine = Engine.duckdb,
    master: Master = None,
    strict: Strict = False,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Answer one flow from the warehouse, or from what Spark built."""
    _answer(
        "flow",
        slug,
        param,
        row_output(format, destination, limit, no_pager),
        engine,
        master,
        strict=strict,
        as_of=as_of,
        progress=progress,
    )


@app.command(epilog="Example: octane-flows metrics --json")
def metrics(as_json: AsJson = False) -> None:
    """List the metrics, the questions after the flows, with their parameters."""
    _print_questions("metric", as_json=as_json)


@app.command(
    cls=QuestionCommand,
    epilog="Example: octane-flows metric flaky_tests --param days=30 --format csv",
)
def metric(
    slug: Annotated[str, typer.Argument(help="The metric's name, see: octane-flows metrics")],
    param: Parameters = None,
    format: AnswerFormat = None,
    destination: Destination = None,
    limit: Limit = None,
    no_pager: NoPager = False,
    engine: ChosenEngine = Engine.duckdb,
    master: Master = None,
    strict: Strict = False,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Answer one metric from the warehouse, or from what Spark built."""
    _answer(
        "metric",
        slug,
        param,
        row_output(format, destination, limit, no_pager),
        engine,
        master,
        strict=strict,
        as_of=as_of,
        progress=progress,
    )


def _answer(
    kind: Kind,
    slug: str,
    param: list[str] | None,
    rows: RowOutput,
    engine: Engine,
    master: str | None,
    *,
    strict: bool,
    as_of: str | None,
    progress: bool,
) -> None:
    from octane_flows.questions import (
        given_values,
        partial_answer,
        past_limit,
        question_named,
        run_question,
    )

    question = question_named(kind, slug)
    parameters = parameter_texts(param)
    if engine is Engine.spark:
        if as_of is not None:
            raise UsageError("--as-of looks back with DuckDB; leave --engine spark out.")
        answer = answer_from_spark(question, parameters, master)
        rows.write(answer, output)
        return
    refuse_master(master)
    with open_warehouse(as_of, progress) as connection:
        values, unknown = given_values(connection, question, parameters)
        if unknown and strict:
            raise UsageError(" ".join(value.sentence for value in unknown))
        answer = run_question(connection, question, values)
        finding = partial_answer(connection, question)
        limit = past_limit(connection, question, values)
    if finding:
        errors.print(f"finding      {finding}")
    if limit:
        errors.print(f"warning      {limit}", soft_wrap=True)
    for value in unknown:
        errors.print(f"warning      {value.sentence}", soft_wrap=True)
    rows.write(answer, output)


def _print_questions(kind: Kind, *, as_json: bool) -> None:
    from octane_flows.questions import list_questions

    questions = list_questions(kind)
    if as_json:
        records = [_as_record(question) for question in questions]
        print(json.dumps(records, indent=1, ensure_ascii=False, default=str))
        return
    for question in questions:
        number = f" {question.number}" if question.number is not None else ""
        output.print(Text.assemble((question.slug, "bold"), f"  ({kind}{number})"))
        output.print(f"    {question.text}", soft_wrap=True)
        for parameter in question.parameters:
            default = "null" if parameter.default is None else parameter.default
            output.print(
                f"    --param {parameter.name}={default}  {parameter.meaning}", soft_wrap=True
            )


def _as_record(question: Question) -> dict[str, Any]:
    """A question for JSON; flows have the vendor's number (null: one of your own) and a title."""
    of_flow = {"number": question.number, "title": question.title}
    return {
        **(of_flow if question.kind == "flow" else {}),
        "slug": question.slug,
        "question": question.text,
        "grain": question.grain,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type,
                "default": parameter.default,
                "meaning": parameter.meaning,
            }
            for parameter in question.parameters
        ],
    }
