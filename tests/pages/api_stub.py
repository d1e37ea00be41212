"""The stub of the Python interface: `make docs` writes `api/flows_and_metrics.pyi`.

Flows, metrics and plans in, the text of the stub out; a test says that the file is fresh.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from octane_flows.api.question_methods import PYTHON_TYPES, docstring_lines, python_default
from octane_flows.questions import Question, list_questions

STUB = Path(__file__).resolve().parents[2] / "src/octane_flows/api/flows_and_metrics.pyi"
HEAD = '''\
"""Every flow, metric and plan as a typed method; `make docs` writes it from the SQL headers."""

import datetime
from collections.abc import Callable

from octane_flows.api.plotted_answer import Answer
from octane_flows.api.question_methods import Rows
'''
CLASS = '''

class {name}:
    """The {kind}s; called as a function it lists them."""

    def __init__(self, answer: Callable[..., Answer], catalogue: Callable[[], Rows]) -> None: ...
    def __call__(self) -> Rows:
        """One row for each {kind}: its slug, its text and what a row of its answer is."""
'''
INDENT = " " * 8


def fresh_stub() -> str:
    """The stub as it should be, in the project's format."""
    flows = _class("Flows", "flow", list_questions("flow"))
    metrics = _class("Metrics", "metric", list_questions("metric"))
    plans = _class("Plans", "plan", list_questions("plan"))
    text = HEAD + "".join((*flows, *metrics, *plans))
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def _class(name: str, kind: str, questions: Sequence[Question]) -> Iterator[str]:
    yield CLASS.format(name=name, kind=kind)
    for question in questions:
        yield _method(question)


def _method(question: Question) -> str:
    parameters = ", ".join(
        f"{parameter.name}: {PYTHON_TYPES[parameter.type]} = "
        f"{python_default(parameter.type, parameter.default)!r}"
        for parameter in question.parameters
    )
    arguments = f"self, *, {parameters}" if parameters else "self"
    lines = [f"    def {question.slug}({arguments}) -> Answer:", *_docstring(question)]
    return "\n" + "\n".join(lines) + "\n"


def _docstring(question: Question) -> Iterator[str]:
    first, *others = docstring_lines(question)
    yield from _wrapped(f'"""{first}')
    for line in others:
        yield from _wrapped(line) if line else ("",)
    yield f'{INDENT}"""'


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text.replace("\\", "\\\\"),
        100,
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
