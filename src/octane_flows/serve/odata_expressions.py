"""OData's expressions (`$filter`, `$orderby`, `$apply`) from text to a tree.

Text in, `Literal`, `Column` and `Call` records out; `odata_sql` makes SQL of them. The grammar is
that of OData 4.01, Part 2: URL Conventions, without lambda expressions, enumerations and durations.
A text that does not follow it is a `RefusalError` that shows the place. The library for it,
odata-query, writes values into the SQL, reads no `$apply`, and ends at Python 3.12.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, NoReturn, TypeAlias

from octane_flows.serve.refused_requests import wrong_request

LONGEST: Final = 16_384  # characters of one expression
DEEPEST: Final = 60  # brackets and functions within one another
COMPARISONS: Final = ("eq", "ne", "gt", "ge", "lt", "le")
OPERATORS: Final = (
    *COMPARISONS, "and", "or", "in", "add", "sub", "mul", "div", "divby", "mod", "negative",
)  # fmt: skip
Value: TypeAlias = str | int | float | bool | date | datetime | None

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<text>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)(?![\w])"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>[$@]?[A-Za-z_][\w.]*)"
    r"|(?P<sign>[(),/:-])"
    r"|(?P<end>$))"
)


@dataclass(frozen=True)
class Literal:
    """A value."""

    value: Value


@dataclass(frozen=True)
class Column:
    """A column of the rows."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function or operator with its operands."""

    name: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Literal | Column | Call


@dataclass(frozen=True)
class Token:
    """A part of the text; `kind` is the name of its group in the pattern."""

    kind: str
    text: str
    start: int


class Tokens:
    """The parts of a text, read from left to right."""

    def __init__(self, text: str, option: str) -> None:
        self.text = text
        self.option = option
        if len(text) > LONGEST:
            raise wrong_request(
                f"{option} has {len(text):,} characters; write it with at most {LONGEST:,}."
            )
        self._next = 0
        self._tokens: list[Token] = []
        end = 0
        while not self._tokens or self._tokens[-1].kind != "end":
            match = _TOKEN.match(text, end)
            if match is None or match.lastgroup is None:
                blanks = len(text[end:]) - len(text[end:].lstrip())
                self._refuse(end + blanks, "this is no part of an expression")
            self._tokens.append(
                Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
            )
            end = match.end()

    @property
    def current(self) -> Token:
        """The next part, which stays."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """The next part."""
        token = self.current
        self._next += token.kind != "end"
        return token

    def is_next(self, *texts: str) -> bool:
        """Whether the next part is one of these names or signs."""
        return self.current.kind in ("name", "sign") and self.current.text in texts

    def took(self, text: str) -> bool:
        """Take the next part if it is this name or sign."""
        if not self.is_next(text):
            return False
        self.take()
        return True

    def expect(self, text: str) -> None:
        """Take this name or sign, which must come next."""
        if not self.took(text):
            self.refuse(f"'{text}' is expected")

    def name(self, what: str) -> str:
        """Take a name."""
        if self.current.kind != "name":
            self.refuse(f"{what} is expected")
        return self.take().text

    def end(self) -> None:
        """Nothing may come any more."""
        if self.current.kind != "end":
            self.refuse("and, or, a comparison or the end is expected")

    def refuse(self, what: str) -> NoReturn:
        """Raise the refusal for the next part."""
        self._refuse(self.current.start, what)

    def _refuse(self, start: int, what: str) -> NoReturn:
        rest = self.text[start : start + 30]
        place = f"at '{rest}' (character {start + 1})" if rest.strip() else "at its end"
        raise wrong_request(
            f"{self.option} cannot be read {place}: {what}. Write it as in "
            "severity_code eq 'list_node.severity.high' and created_at ge 2021-01-20T00:00:00Z."
        )


def parse_expression(tokens: Tokens, depth: int = 0) -> Expression:
    """An expression as long as it goes on."""
    if depth > DEEPEST:
        tokens.refuse(f"more than {DEEPEST} brackets lie within one another")
    return _chain(tokens, "or", lambda: _chain(tokens, "and", lambda: _compared(tokens, depth)))


def _chain(tokens: Tokens, operator: str, operand: Callable[[], Expression]) -> Expression:
    """Operands with `and` or `or` between them, as one call: programs send chains of hundreds."""
    operands = [operand()]
    while tokens.took(operator):
        operands.append(operand())
    return Call(operator, tuple(operands)) if len(operands) > 1 else operands[0]


def _calculated(
    tokens: Tokens, operators: tuple[str, ...], operand: Callable[[], Expression]
) -> Expression:
    left, count = operand(), 0
    while tokens.is_next(*operators):
        count += 1
        if count > DEEPEST:
            tokens.refuse(f"more than {DEEPEST} numbers are calculated with in one go")
        name = tokens.take().text
        left = Call(name, (left, operand()))
    return left


def _compared(tokens: Tokens, depth: int) -> Expression:
    left = _sum(tokens, depth)
    if tokens.took("in"):
        tokens.expect("(")
        values = [parse_expression(tokens, depth + 1)]
        while tokens.took(","):
            values.append(parse_expression(tokens, depth + 1))
        tokens.expect(")")
        return Call("in", (left, *values))
    if tokens.is_next(*COMPARISONS):
        name = tokens.take().text
        return Call(name, (left, _sum(tokens, depth)))
    return left


def _sum(tokens: Tokens, depth: int) -> Expression:
    return _calculated(
        tokens,
        ("add", "sub"),
        lambda: _calculated(
            tokens, ("mul", "div", "divby", "mod"), lambda: _operand(tokens, depth)
        ),
    )


def _operand(tokens: Tokens, depth: int) -> Expression:
    if depth > DEEPEST:
        tokens.refuse(f"more than {DEEPEST} operators lie within one another")
    if tokens.took("not"):
        return Call("not", (_operand(tokens, depth + 1),))
    if tokens.took("-"):
        return Call("negative", (_operand(tokens, depth + 1),))
    if tokens.took("("):
        inner = parse_expression(tokens, depth + 1)
        tokens.expect(")")
        return inner
    if tokens.current.kind in ("sign", "end"):
        tokens.refuse("a column, a value or a function is expected")
    if tokens.current.kind != "name" or tokens.current.text in ("true", "false", "null"):
        return Literal(literal_value(tokens))
    if tokens.is_next(*OPERATORS):
        tokens.refuse("an operator stands where a column, a value or a function is expected")
    name = tokens.take().text
    if not tokens.took("("):
        return Column(name)
    arguments: list[Expression] = []
    while not tokens.took(")"):
        if arguments:
            tokens.expect(",")
        arguments.append(parse_expression(tokens, depth + 1))
    return Call(name, tuple(arguments))


def literal_value(tokens: Tokens) -> Value:
    """The value of the next part. Raises RefusalError where it is none."""
    token = tokens.current
    words: dict[str, Value] = {"true": True, "false": False, "null": None}
    if token.kind == "name" and token.text in words:
        return words[tokens.take().text]
    try:
        if token.kind == "text":
            value: Value = token.text[1:-1].replace("''", "'")
        elif token.kind == "number":
            is_whole = token.text.lstrip("-").isdigit()
            value = int(token.text) if is_whole and len(token.text) < 20 else float(token.text)
        elif token.kind == "date":
            value = date.fromisoformat(token.text)
        elif token.kind == "time":
            value = _utc(token.text)
        else:
            tokens.refuse("a value is expected: 'text', 42, true, null, 2021-01-20T21:00:00Z")
    except (ValueError, OverflowError):
        tokens.refuse("the value is out of range")
    tokens.take()
    return value


def _utc(text: str) -> datetime:
    """A time in UTC without zone; digits behind microseconds are cut off."""
    cut = re.sub(r"(\.\d{6})\d+", r"\1", text)
    return datetime.fromisoformat(cut).astimezone(UTC).replace(tzinfo=None)
