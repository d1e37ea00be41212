"""The language of criteria: comparisons with and, or, not and brackets; nothing is ever executed.

A text in, a tree of records out, or a UsageError that names the place and the nearest variable.

    criteria   = all of: criterion "and" criterion ...
    criterion  = any of: part "or" part ..., with "not" and brackets
    comparison = operand (>= | > | <= | < | = | != | == | <>) operand
    operand    = variable | number | number%
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import UsageError

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt,
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
}  # fmt: skip
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<percent>%)?|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<sign>>=|<=|!=|<>|==|>|<|=|\(|\)))"
)
LONGEST: Final = 10_000  # characters; a file of a hundred criteria has fewer
DEEPEST: Final = 50  # brackets within brackets

#: What other languages write, and what is written here.
_HINTS: Final = {
    ",": ": numbers have a point and no commas, such as 0.95 and 1000",
    "&": ": write and",
    "|": ": write or",
    "!": ": write not",
    **dict.fromkeys("+-*/", ": there is no arithmetic"),
}

Values: TypeAlias = Mapping[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """Two operands and the sign between them; an operand is a variable's name or a number."""

    left: str | float
    sign: str
    right: str | float

    def holds(self, values: Values) -> bool | None:
        """Whether it holds; None where a value is unknown."""
        left, right = _value(self.left, values), _value(self.right, values)
        if left is None or right is None:
            return None
        return OPERATORS[self.sign](left, right)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in their order."""
        return tuple(part for part in (self.left, self.right) if isinstance(part, str))


@dataclass(frozen=True)
class Junction:
    """Parts that must all hold, of which any must hold, or a part that must not."""

    kind: Literal["and", "or", "not"]
    parts: tuple[Node, ...]

    def holds(self, values: Values) -> bool | None:
        """Whether it holds; None where that depends on an unknown value."""
        results = [part.holds(values) for part in self.parts]
        if self.kind == "not":
            return None if results[0] is None else not results[0]
        decisive = self.kind == "or"
        if decisive in results:
            return decisive
        return None if None in results else not decisive

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in their order."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))


Node: TypeAlias = Comparison | Junction


@dataclass(frozen=True)
class Criterion:
    """One criterion: its text as the user wrote it, and its tree."""

    text: str
    tree: Node


def read_criteria(text_or_file: str, variables: Collection[str]) -> list[Criterion]:
    """The criteria of a file, one a line, `#` begins a comment; or those of the text itself."""
    path = Path(text_or_file.removeprefix("@"))
    is_file = text_or_file.startswith("@")
    if not is_file and not any(sign in text_or_file for sign in "<>="):
        is_file = path.is_file()
    if not is_file:
        if path.suffix in (".txt", ".criteria", ".toml") and not path.exists():
            raise UsageError(f"There is no criteria file {path}; check its path.")
        return parse_criteria(text_or_file, variables)
    try:
        lines = regular_bytes(path).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fault = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"The criteria file {path} cannot be read ({fault}); name a text file with a criterion "
            "on each line."
        ) from None
    criteria: list[Criterion] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            criteria += parse_criteria(text, variables)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
    if not criteria:
        raise UsageError(f"The criteria file {path} has no criterion; write one on a line.")
    return criteria


def parse_criteria(text: str, variables: Collection[str]) -> list[Criterion]:
    """The criteria of a text; those that `and` joins are apart. Raises UsageError."""
    return _Parser(text, variables).criteria()


class _Parser:
    def __init__(self, text: str, variables: Collection[str]) -> None:
        if len(text) > LONGEST:
            raise UsageError(
                f"The criteria have {len(text):,} characters, more than {LONGEST:,}; write fewer."
            )
        self._text = text
        self._variables = variables
        self._tokens = list(self._read_tokens())
        self._place = 0
        self._depth = 0

    def criteria(self) -> list[Criterion]:
        criteria = []
        while True:
            start = self._place
            tree = self._any()
            criteria.append(Criterion(self._source(start), tree))
            if self._word() != "and":
                break
            self._place += 1
        if self._place < len(self._tokens):
            raise self._error("expected 'and', 'or' or the end")
        return criteria

    def _any(self) -> Node:
        parts = [self._all() if self._depth else self._single()]
        joined = False
        while self._word() == "or":
            self._place += 1
            parts.append(self._all() if self._depth else self._single())
            joined = True
        if joined and not self._depth and self._word() == "and":
            raise self._error("'and' and 'or' are mixed; write brackets that say which goes first")
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def _all(self) -> Node:
        parts = [self._single()]
        while self._word() == "and":
            self._place += 1
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _single(self) -> Node:
        word = self._word()
        if word == "not":
            self._place += 1
            self._enter()
            part = self._single()
            self._depth -= 1
            return Junction("not", (part,))
        if word == "(":
            self._place += 1
            self._enter()
            node = self._any()
            self._depth -= 1
            if self._word() != ")":
                raise self._error("a bracket is not closed")
            self._place += 1
            return node
        left = self._operand()
        sign = self._word()
        if sign not in OPERATORS:
            raise self._error("expected one of >= > <= < = !=")
        self._place += 1
        if sign == "=" and self._word() in (">", "<"):
            raise self._error(f"the sign is written {self._word()}=")
        right = self._operand()
        if self._word() in OPERATORS:
            raise self._error("two comparisons need 'and' between them: a <= b and b <= c")
        for share, number in ((left, right), (right, left)):
            is_share = isinstance(share, str) and share.endswith("_ratio")
            if is_share and isinstance(number, float) and number > 1:
                raise UsageError(
                    f"The criteria compare {share}, which is a share from 0 to 1, with "
                    f"{number:g}; write {number:g}%."
                    if number <= 100
                    else f"The criteria compare {share}, which is a share from 0 to 1, with "
                    f"{number:g}; write a share such as 0.95 or 95%."
                )
        return Comparison(left, sign, right)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"brackets are nested deeper than {DEEPEST}")

    def _operand(self) -> str | float:
        match = self._tokens[self._place] if self._place < len(self._tokens) else None
        if match is not None and match["number"]:
            self._place += 1
            # 99.9 % is the number 0.999, which 99.9 / 100 is not
            return float(f"{match['number']}e-2" if match["percent"] else match["number"])
        if match is not None and match["name"] and match["name"] not in ("and", "or", "not"):
            name = match["name"]
            if name not in self._variables:
                raise self._error(
                    f"there is no variable {name}{_nearest(name, self._variables)}; the variables "
                    f"are {', '.join(self._variables)}"
                )
            self._place += 1
            return name
        raise self._error("expected a variable or a number")

    def _word(self) -> str:
        if self._place >= len(self._tokens):
            return ""
        match = self._tokens[self._place]
        return match["sign"] or (match["name"] or "").lower()

    def _source(self, start: int) -> str:
        first, last = self._tokens[start], self._tokens[self._place - 1]
        return self._text[first.start() : last.end()].strip()

    def _read_tokens(self) -> list[re.Match[str]]:
        tokens = []
        place, end = 0, len(self._text.rstrip())
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None:
                rest = self._text[place:].strip()
                hints = [hint for start, hint in _HINTS.items() if rest.startswith(start)]
                raise UsageError(
                    f"The criteria cannot be read at {rest[:20]!r}{''.join(hints)}; write "
                    "comparisons such as pass_ratio >= 0.95 and blocking_defect_count = 0."
                )
            tokens.append(match)
            place = match.end()
        return tokens

    def _error(self, what: str) -> UsageError:
        if self._place < len(self._tokens):
            place = f"at {self._text[self._tokens[self._place].start() :].strip()[:30]!r}"
        else:
            place = "at their end"
        return UsageError(
            f"The criteria cannot be read {place}: {what}. An example: pass_ratio >= 0.95 and "
            "blocking_defect_count = 0."
        )


def _value(operand: str | float, values: Values) -> float | None:
    return values.get(operand) if isinstance(operand, str) else operand


def _nearest(name: str, variables: Collection[str]) -> str:
    matches = difflib.get_close_matches(name.lower(), list(variables), n=1, cutoff=0.4)
    return f" (the nearest is {matches[0]})" if matches else ""
