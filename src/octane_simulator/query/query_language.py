"""The query language: text in, syntax tree out.

In: the statement between the double quotes of the `query` parameter, in any of the spellings that
clients send. Out: And, Or, Not, Compare and Cross nodes. Called by query_sql.py and
metadata_resources.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from octane_simulator.model.refusals import bad_query

__all__ = [
    "And",
    "Compare",
    "Cross",
    "Literal",
    "Node",
    "Not",
    "Null",
    "Or",
    "has_or",
    "parse",
    "spellings",
    "unwrap",
]

WILDCARD = "\0"  # an unescaped * inside a string literal
MAX_DEPTH = 40


@dataclass(frozen=True)
class Literal:
    """A value: kind is string, number, boolean, null or token; `*` in strings is WILDCARD."""

    kind: str
    text: str


@dataclass(frozen=True)
class Compare:
    """field op values; op is EQ LT GT LE GE IN or BTW (two values, inclusive)."""

    field: str
    op: str
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Null:
    """The inside of {null}: nothing is referenced."""


@dataclass(frozen=True)
class Cross:
    """reference EQ {..} or IN {..},{..}: one alternative must hold; a Literal is a token."""

    field: str
    alternatives: tuple[Node | Null | Literal, ...]


@dataclass(frozen=True)
class Not:
    """Negation."""

    part: Node


@dataclass(frozen=True)
class And:
    """All parts hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """One part holds."""

    parts: tuple[Node, ...]


Node = And | Or | Not | Compare | Cross


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_LEXEMES = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>\^(?:\\[\s\S]|[^\^\\])*\^|'(?:\\[\s\S]|[^'\\])*')
  | (?P<token>\[[A-Za-z_]+\])
  | (?P<dots>\.\.\.)
  | (?P<number>-?\d+(?:\.(?!\.)\d+)?(?:[eE][+-]?\d+)?(?![A-Za-z_]))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<op><=|>=|!=|=|<|>)
  | (?P<or>\|\|)
  | (?P<mark>[;!(){},])
    """,
    re.VERBOSE,
)
_WORD_OPS = frozenset({"EQ", "LT", "GT", "LE", "GE", "IN", "BTW"})
_SYMBOL_OPS = {"=": "EQ", "!=": "NE", "<": "LT", ">": "GT", "<=": "LE", ">=": "GE"}
_ESCAPABLE = frozenset("\\\"'()^*")


def _lex(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _LEXEMES.match(text, at)
        if match is None:
            raise bad_query(f"Unexpected character '{text[at]}' at position {at} of the query")
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, match.group(), at))
        at = match.end()
    tokens.append(_Token("end", "", at))
    return tokens


def _unescape(quoted: str) -> str:
    """Content of a string literal; a backslash only counts before characters that need one."""
    inside = quoted[1:-1]
    parts: list[str] = []
    at = 0
    while at < len(inside):
        char = inside[at]
        if char == "\\" and at + 1 < len(inside) and inside[at + 1] in _ESCAPABLE:
            parts.append(inside[at + 1])
            at += 2
            continue
        parts.append(WILDCARD if char == "*" else char)
        at += 1
    return "".join(parts)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _lex(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.token.text == text and self.token.kind in {"mark", "or", "dots"}:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.unexpected(f"'{text}'")

    def unexpected(self, expected: str) -> Exception:
        actual = f"'{self.token.text}'" if self.token.kind != "end" else "the end"
        return bad_query(f"Expected {expected} but found {actual} at position {self.token.at}")

    def statement(self) -> Node:
        node = self.disjunction()
        if self.token.kind != "end":
            raise self.unexpected("the end of the query")
        return node

    def disjunction(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise bad_query(f"The query nests deeper than {MAX_DEPTH} levels")
        parts = [self.conjunction()]
        while self.accept("||"):
            parts.append(self.conjunction())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Node:
        parts = [self.negation()]
        while self.accept(";"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self) -> Node:
        if self.accept("!"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise bad_query(f"The query nests deeper than {MAX_DEPTH} levels")
            part = Not(self.negation())
            self.depth -= 1
            return part
        if self.accept("("):
            node = self.disjunction()
            self.expect(")")
            return node
        return self.phrase()

    def phrase(self) -> Node:
        if self.token.kind != "word":
            raise self.unexpected("a field name")
        path = self.take().text.split(".")
        op = self.operator()
        node = self.comparison(path[-1], "EQ" if op == "NE" else op)
        for name in reversed(path[:-1]):
            node = Cross(name, (node,))
        return Not(node) if op == "NE" else node

    def operator(self) -> str:
        token = self.take()
        if token.kind == "op":
            return _SYMBOL_OPS[token.text]
        if token.kind == "word" and token.text.upper() in _WORD_OPS:
            return token.text.upper()
        self.at -= 1
        raise self.unexpected("an operator")

    def comparison(self, field: str, op: str) -> Node:
        if self.token.text == "{":
            if op not in {"EQ", "IN"}:
                raise bad_query(f"Operator {op} cannot be used with a sub-query")
            alternatives = [self.sub_query()]
            while self.accept(","):
                alternatives.append(self.sub_query())
            if op == "EQ" and len(alternatives) > 1:
                raise bad_query("A list of sub-queries needs the operator IN")
            return Cross(field, tuple(alternatives))
        values = [self.literal()]
        if op == "BTW":
            self.expect("...")
            values.append(self.literal())
        elif op == "IN":
            while self.accept(","):
                if self.token.text == "{":
                    raise bad_query("A list holds either values or sub-queries, not both")
                values.append(self.literal())
        return Compare(field, op, tuple(values))

    def sub_query(self) -> Node | Null | Literal:
        self.expect("{")
        inside: Node | Null | Literal
        following = self.tokens[self.at + 1].text if self.token.kind != "end" else ""
        if self.token.kind == "word" and self.token.text.lower() == "null" and following == "}":
            self.take()
            inside = Null()
        elif self.token.kind == "token":
            inside = Literal("token", self.take().text[1:-1])
        else:
            inside = self.disjunction()
        self.expect("}")
        return inside

    def literal(self) -> Literal:
        token = self.take()
        if token.kind == "string":
            return Literal("string", _unescape(token.text))
        if token.kind == "number":
            return Literal("number", token.text)
        if token.kind == "token":
            return Literal("token", token.text[1:-1])
        if token.kind == "word" and token.text.lower() in {"true", "false"}:
            return Literal("boolean", token.text.lower())
        if token.kind == "word" and token.text.lower() == "null":
            return Literal("null", "null")
        self.at -= 1
        raise self.unexpected("a value")


def parse(statement: str) -> Node:
    """The tree of a statement (without the outer double quotes); ApiError 400 when it is broken."""
    return _Parser(statement).statement()


def spellings(statement: str) -> set[str]:
    """The operators of a statement as written, `{null}`, `cross` for a sub-query, `^` for text."""
    tokens = _lex(statement)
    used = {token.text for token in tokens if token.kind == "op"}
    used |= {token.text.upper() for token in tokens if token.text.upper() in _WORD_OPS}
    used |= {"^" for token in tokens if token.kind == "string" and token.text.startswith("^")}
    for at, token in enumerate(tokens):
        if token.text == "{":
            used.add("{null}" if tokens[at + 1].text.lower() == "null" else "cross")
    return used


def unwrap(parameter: str) -> str:
    """The statement inside the double quotes that belong to the `query` parameter."""
    text = parameter.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        raise bad_query("The query must stand between double quotes")
    return text[1:-1]


def has_or(node: Node) -> bool:
    """Whether the tree holds `||` outside sub-queries."""
    if isinstance(node, And):
        return any(has_or(part) for part in node.parts)
    return isinstance(node, Or) or (isinstance(node, Not) and has_or(node.part))
