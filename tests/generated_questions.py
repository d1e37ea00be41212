"""The Python interface's typed methods: `make docs` writes `api/question_methods.py`.

Flows and metrics in, the module's text out; a test holds the file to it.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from octane_flows.questions import Metric, Parameter, list_flows, list_metrics

QUESTIONS = Path(__file__).resolve().parents[1] / "src/octane_flows/api/question_methods.py"
#: The words of a header's `param` line as Python types.
TYPES = {
    "text": "str | None",
    "integer": "int | None",
    "number": "float | None",
    "boolean": "bool | None",
    "date": "date | str | None",
    "timestamp": "datetime | str | None",
}
HEAD = '''"""Every flow and metric as a typed method; written by `make docs` from `sql/`.

Parameters in, DuckDB relations out; `OpenWarehouse` hands in the functions that ask.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import duckdb

Value = str | int | float | bool | date | datetime | None
Rows = duckdb.DuckDBPyRelation
'''
CLASS = '''

class {name}:
    """The {kind}s; called as a function it lists them."""

    def __init__(self, ask: Callable[..., Rows], catalogue: Callable[[], Rows]) -> None:
        self._ask = ask
        self._catalogue = catalogue

    def __call__(self) -> Rows:
        """One row for each {kind}: its slug, its question and what a row of its answer is."""
        return self._catalogue()
'''


def fresh_questions() -> str:
    """The module as it should be, in the project's format."""
    text = HEAD + "".join(
        (*_class("Flows", "flow", list_flows()), *_class("Metrics", "metric", list_metrics()))
    )
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(QUESTIONS), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def _class(name: str, kind: str, asked: Sequence[Metric]) -> Iterator[str]:
    yield CLASS.format(name=name, kind=kind)
    for one in asked:
        yield _method(one)


def _method(asked: Metric) -> str:
    inputs = "".join(f"{one.name}: {TYPES[one.type]} = {_default(one)}, "
                     for one in asked.parameters)  # fmt: skip
    given = "".join(f", {one.name}={one.name}" for one in asked.parameters)
    lines = [
        f"    def {asked.slug}(self{', *, ' if inputs else ''}{inputs.rstrip(', ')}) -> Rows:",
        *_docstring(asked),
        f'        return self._ask("{asked.slug}"{given})',
    ]
    return "\n" + "\n".join(lines) + "\n"


def _default(parameter: Parameter) -> str:
    if parameter.default is None:
        return "None"
    if parameter.type == "boolean":
        return str(parameter.default == "true")
    if parameter.type in ("integer", "number"):
        return parameter.default
    return repr(parameter.default)


def _docstring(asked: Metric) -> Iterator[str]:
    indent = " " * 8
    paragraphs = [f'"""{asked.question}', f"One row is {asked.grain}."]
    meanings = [f"{one.name}: {one.meaning}" for one in asked.parameters]
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ""
        yield from _wrapped(paragraph, indent, indent)
    if meanings:
        yield ""
        for meaning in meanings:
            yield from _wrapped(meaning, indent, indent + "    ")
    yield f'{indent}"""'


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text.replace("\\", "\\\\"), 100, initial_indent=first, subsequent_indent=later,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
