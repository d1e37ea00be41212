"""The header of a SQL model file and the comments beside its final columns.

The text of one file in, a `Header` and its documented columns out; `model` calls it. What is
missing, unknown or said twice is a `ModelError` with file and line.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from octane_flows.errors import ModelError
from octane_flows.models.macro_parameters import PARAMETER_TYPES, Parameter
from octane_flows.models.parameter_sources import ValueSource, parsed_source
from octane_flows.models.row_sources import RowSource, parsed_row_source

TAGS = (
    "flow", "source", "grain", "key", "writes", "param", "order", "relation", "check", "stored",
    "note", "needs", "values", "rows",
)  # fmt: skip
REPEATABLE = frozenset({"source", "param", "relation", "note", "values", "rows"})
#: What a note can be about, in the order of the pages.
NOTE_TOPICS = (
    "definition", "not told apart", "retries", "branches", "environments", "gaps", "renames",
    "past",
)  # fmt: skip
REQUIRED = {
    "er": ("source", "grain", "key"),
    "flow": ("grain", "key", "order"),  # and `source`, where `flow` names the vendor's page
    "metric": ("source", "grain", "key", "order"),
    "plan": ("grain", "key", "writes", "order"),
    "check": ("check",),
}

_TAG = re.compile(r"--\s?([a-z_]+):\s*(.*)$")
_PARAMETER = re.compile(r"(\w+)\s+(\w+)\s*=\s*('(?:[^']|'')*'|[\w.+-]+)\s+--\s+(\S.*)$")
_FLOW = re.compile(r"(\d+)\s+(\S.*)$")
_ENTITY_TYPE = re.compile(r"[a-z0-9_]+")
_NOTE = re.compile(rf"({'|'.join(NOTE_TOPICS)}):\s+(\S.*)$")
_RELATION = re.compile(r"(\w+)\s*->\s*(er)\.(\w+)\.(\w+)(\s+\(may be gone\))?$")


@dataclass(frozen=True)
class Relation:
    """`column` refers to `target_column` of `target` (a qualified model name).

    `may_be_gone`: rows outlive what they refer to, so that a reference to nothing is no fault.
    """

    column: str
    target: str
    target_column: str
    may_be_gone: bool = False


@dataclass(frozen=True)
class Note:
    """What holds for a model, about a topic of `NOTE_TOPICS`."""

    topic: str
    text: str


@dataclass(frozen=True)
class Header:
    """What a file says about itself before its SQL begins."""

    question: str
    flow_number: int | None
    flow_title: str | None
    sources: tuple[str, ...]
    grain: str | None
    key: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    order: str | None
    relations: tuple[Relation, ...]
    severity: str | None
    is_stored: bool = False
    writes: tuple[str, ...] = ()  # entity types of a plan's requests; `$name`: of a parameter
    notes: tuple[Note, ...] = ()
    #: Parameters that must be given: of each group at least one.
    needs: tuple[tuple[str, ...], ...] = ()
    values: tuple[tuple[str, ValueSource], ...] = ()  # by parameter, beside those of its name
    rows: tuple[RowSource, ...] = ()  # each row of them is one row; empty: not told


def parse_header(text: str, *, schema: str, where: str) -> Header:
    """Read the comment lines that open a model file; `where` names the file in errors."""
    lines = _header_lines(text, where)
    question = lines[0][1].removeprefix("--").strip()
    if not question or _TAG.match(lines[0][1]):
        raise ModelError(
            f"{where}:1: the first line must be a comment with the question that the rows answer."
        )
    tag_values: dict[str, list[tuple[int, str]]] = {}
    current: str | None = None
    for number, line in lines[1:]:
        if re.match(r"--\s{3,}\S", line) and current:  # a longer value goes on, indented
            last_number, value = tag_values[current][-1]
            tag_values[current][-1] = (last_number, f"{value} {line[2:].strip()}")
            continue
        match = _TAG.match(line)
        if not match:
            raise ModelError(
                f"{where}:{number}: '{line}' is no header line; write '-- tag: value' with one of "
                f"{', '.join(TAGS)}, or indent it to continue the line above."
            )
        current, value = match.group(1), match.group(2).strip()
        _check_tag(current, value, tag_values, where, number)
        tag_values.setdefault(current, []).append((number, value))
    for tag in REQUIRED.get(schema, ()):
        if tag not in tag_values:
            raise ModelError(
                f"{where}:1: the header of a {schema} model needs '-- {tag}: ...'; add that line."
            )
    if schema == "flow" and "flow" in tag_values and "source" not in tag_values:
        raise ModelError(
            f"{where}:1: a documented flow needs '-- source: ...' with the vendor's page; add that "
            "line, or leave out '-- flow' for a flow of your own."
        )
    for tag in ("stored", "rows"):
        if tag in tag_values and schema != "er":
            number = tag_values[tag][0][0]
            raise ModelError(
                f"{where}:{number}: only an er model can have '-- {tag}'; remove that line."
            )
    return _header(question, tag_values, where)


def _header_lines(text: str, where: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        lines.append((number, line.rstrip()))
    if not lines:
        raise ModelError(
            f"{where}:1: the file must begin with a comment that holds the question its rows "
            "answer; add '-- Which ...?' as first line."
        )
    return lines


def _check_tag(
    tag: str, value: str, tag_values: dict[str, list[tuple[int, str]]], where: str, number: int
) -> None:
    if tag not in TAGS:
        near = difflib.get_close_matches(tag, TAGS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"the tags are {', '.join(TAGS)}."
        raise ModelError(f"{where}:{number}: unknown header tag '{tag}'; {hint}")
    if tag in tag_values and tag not in REPEATABLE:
        raise ModelError(
            f"{where}:{number}: the tag '{tag}' stands on line {tag_values[tag][0][0]} already; "
            "keep one of the two."
        )
    if not value:
        raise ModelError(f"{where}:{number}: the tag '{tag}' has no value; write one behind it.")


def _header(question: str, tag_values: dict[str, list[tuple[int, str]]], where: str) -> Header:
    def first(tag: str) -> str | None:
        return tag_values[tag][0][1] if tag in tag_values else None

    number, title = _flow(tag_values.get("flow", []), where)
    parameters = tuple(
        _parameter(value, where, line) for line, value in tag_values.get("param", [])
    )
    names = [parameter.name for parameter in parameters]
    for (line, _), name in zip(tag_values.get("param", []), names, strict=True):
        if names.count(name) > 1:
            raise ModelError(f"{where}:{line}: the parameter '{name}' is declared twice.")
    severity = first("check")
    if severity not in (None, "error", "warn"):
        line = tag_values["check"][0][0]
        raise ModelError(f"{where}:{line}: check is '{severity}'; write 'error' or 'warn'.")
    if first("stored") not in (None, "yes"):
        line = tag_values["stored"][0][0]
        raise ModelError(
            f"{where}:{line}: stored is '{first('stored')}'; write 'yes' or no such tag."
        )
    key = tuple(part.strip() for part in (first("key") or "").split(",") if part.strip())
    return Header(
        question=question,
        flow_number=number,
        flow_title=title,
        sources=tuple(value for _, value in tag_values.get("source", [])),
        grain=first("grain"),
        key=key,
        parameters=parameters,
        order=first("order"),
        relations=tuple(
            _relation(value, where, line) for line, value in tag_values.get("relation", [])
        ),
        severity=severity,
        is_stored=first("stored") == "yes",
        writes=_writes(tag_values.get("writes", []), names, where),
        notes=tuple(_note(value, where, line) for line, value in tag_values.get("note", [])),
        needs=_needs(tag_values.get("needs", []), names, where),
        values=tuple(
            _values(value, names, where, line) for line, value in tag_values.get("values", [])
        ),
        rows=tuple(_row_source(value, where, line) for line, value in tag_values.get("rows", [])),
    )


def _needs(
    values: list[tuple[int, str]], parameters: list[str], where: str
) -> tuple[tuple[str, ...], ...]:
    groups = tuple(
        tuple(name.strip() for name in group.split(" or "))
        for _, value in values
        for group in value.split(",")
    )
    for name in (name for group in groups for name in group):
        if name not in parameters:
            raise ModelError(
                f"{where}:{values[0][0]}: needs has '{name}', which is no parameter; write "
                "parameters with commas, and 'or' between those of which one is enough."
            )
    return groups


def _writes(values: list[tuple[int, str]], parameters: list[str], where: str) -> tuple[str, ...]:
    writes = tuple(part.strip() for _, value in values for part in value.split(","))
    for part in writes:
        is_known = part[1:] in parameters if part.startswith("$") else _ENTITY_TYPE.fullmatch(part)
        if not is_known:
            raise ModelError(
                f"{where}:{values[0][0]}: writes has '{part}'; write entity types with commas, or "
                "$name for the value of a parameter."
            )
    return writes


def _flow(values: list[tuple[int, str]], where: str) -> tuple[int | None, str | None]:
    if not values:
        return None, None
    line, value = values[0]
    match = _FLOW.match(value)
    if not match:
        raise ModelError(
            f"{where}:{line}: flow is '{value}'; write its number and title, "
            "as in '-- flow: 10 Get application modules whose tests recently failed'."
        )
    return int(match.group(1)), match.group(2)


def _parameter(value: str, where: str, line: int) -> Parameter:
    match = _PARAMETER.match(value)
    if not match or match.group(2) not in PARAMETER_TYPES:
        raise ModelError(
            f"{where}:{line}: '{value}' is no parameter; write 'name type = default -- meaning', "
            f"as in 'hours integer = 24 -- length of the window', with a type out of "
            f"{', '.join(PARAMETER_TYPES)}."
        )
    name, kind, default, meaning = match.groups()
    if default.startswith("'"):
        default = default[1:-1].replace("''", "'")
    elif default == "null":
        return Parameter(name, kind, None, meaning)
    return Parameter(name, kind, default, meaning)


def _relation(value: str, where: str, line: int) -> Relation:
    match = _RELATION.match(value)
    if not match:
        raise ModelError(
            f"{where}:{line}: '{value}' is no relation; write 'column -> er.table.column', "
            "as in 'test_id -> er.tests.test_id'; add '(may be gone)' where rows outlive what they "
            "refer to."
        )
    column, schema, table, target_column, gone = match.groups()
    return Relation(column, f"{schema}.{table}", target_column, gone is not None)


def _values(value: str, parameters: list[str], where: str, line: int) -> tuple[str, ValueSource]:
    declared = parsed_source(value)
    if declared is None:
        raise ModelError(
            f"{where}:{line}: '{value}' does not say where values come from; write 'parameter = "
            "er.table.column, label', as in 'user_id = er.users.user_id, user_name'."
        )
    if declared[0] not in parameters:
        raise ModelError(
            f"{where}:{line}: values names '{declared[0]}', which is no parameter; the parameters "
            f"are {', '.join(parameters) or 'none'}."
        )
    return declared


def _row_source(value: str, where: str, line: int) -> RowSource:
    source = parsed_row_source(value)
    if source is None:
        raise ModelError(
            f"{where}:{line}: '{value}' does not say of what each row is a row; write 'er.table' "
            "or 'er.table where column in (...)', as in \"er.runs where run_type in "
            "('run_automated')\"."
        )
    return source


def _note(value: str, where: str, line: int) -> Note:
    match = _NOTE.match(value)
    if not match:
        raise ModelError(
            f"{where}:{line}: '{value}' is no note; write 'topic: text' with a topic out of "
            f"{', '.join(NOTE_TOPICS)}."
        )
    return Note(match.group(1), match.group(2))
