"""Help about one question: `plan SLUG --help` shows its parameters before the command's options.

The arguments of a command in, text on standard output; the commands that take a slug have this
class.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperCommand

from octane_flows.cli.command_line import output
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from typer._click.core import Context

    from octane_flows.questions import Kind, Question

#: A parameter as it stands behind `--param`.
PARAMETER: Final = re.compile(r"[a-z_]+=.*", re.DOTALL)
KINDS: tuple[Kind, ...] = ("flow", "metric", "plan")


class QuestionCommand(TyperCommand):
    """A command named flow, metric or plan whose first argument is a slug."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Show the question's own help where `--help` stands beside a slug.

        Raises UsageError for a parameter without `--param`.
        """
        if "--help" in args:
            from octane_flows.questions import list_questions

            for kind in KINDS:
                for question in list_questions(kind) if kind == self.name else ():
                    if question.slug in args:
                        print_question(question)
                        raise typer.Exit
        for before, argument in pairwise(args):
            if PARAMETER.fullmatch(argument) and not before.startswith("-"):
                raise UsageError(
                    f"'{argument}' stands behind the {self.name} {args[0]}; write parameters as "
                    f"--param {argument}."
                )
        return super().parse_args(ctx, args)


def question_shown(name: str) -> Question | None:
    """The question of a name such as `metric.flaky_tests` or `flaky_tests`; None: a table's name.

    Raises UsageError where the schema is one of questions and has none of that name.
    """
    from octane_flows.questions import list_questions, question_named

    schema, dot, slug = name.rpartition(".")
    for kind in KINDS:
        if kind == schema:
            return question_named(kind, slug)
        for question in () if dot else list_questions(kind):
            if question.slug == slug:
                return question
    return None


def print_question(question: Question) -> None:
    """Print what a question asks, its parameters and its columns, with their whole meanings."""
    output.print(f"Usage: octane-flows {question.kind} {question.slug} [--param NAME=VALUE]...\n")
    output.print(question.text, soft_wrap=True)
    output.print(f"One row is {question.grain}.\n", soft_wrap=True)
    needed = [name for group in question.needs for name in group]
    for parameter in question.parameters:
        default = "null" if parameter.default is None else parameter.default
        mark = f" [{_need(question, parameter.name)}]" if parameter.name in needed else ""
        output.print(f"  --param {parameter.name}={default}{mark}", soft_wrap=True)
        output.print(f"      {parameter.type}: {parameter.meaning}", soft_wrap=True)
    output.print("\nColumns of the answer:")
    for column in question.columns:
        output.print(f"  {column.name}", soft_wrap=True)
        output.print(f"      {column.meaning}", soft_wrap=True)
    for note in question.notes:
        output.print(f"\n{note.topic.capitalize()}: {note.text}.", soft_wrap=True)
    output.print(f"\nAll options: octane-flows {question.kind} --help", soft_wrap=True)


def _need(question: Question, name: str) -> str:
    group = next(group for group in question.needs if name in group)
    return "required" if len(group) == 1 else f"required: {' or '.join(group)}"
