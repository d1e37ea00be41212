"""The documented columns of a model's final select.

SQL text in, name and meaning of each column out; `model` calls it. A column without a comment
and a `*` are `ModelError`s, because the final select is the contract with the readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from octane_flows.errors import ModelError

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")*\")"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<other>[^\sA-Za-z_])"
)
_NAME = re.compile(r"^[a-z_]\w*$")


@dataclass(frozen=True)
class Column:
    """One output column and what it means."""

    name: str
    meaning: str


class _Token(NamedTuple):  # thousands of them are made whenever the models are read
    kind: str
    text: str
    depth: int
    line: int


def parse_columns(sql: str, *, where: str, first_line: int = 1) -> tuple[Column, ...]:
    """Columns of the last top-level select; `first_line` is where `sql` begins in its file."""
    tokens = list(_tokens(sql, first_line))
    starts = [i for i, token in enumerate(tokens) if _is_word(token, "select")]
    if not starts:
        raise ModelError(f"{where}:{first_line}: the file holds no select; write exactly one.")
    columns = [_column(item, where) for item in _items(_until_from(tokens[starts[-1] + 1 :]))]
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"{where}: the final select has two columns named '{name}'.")
    return tuple(columns)


@dataclass
class _Item:
    tokens: list[_Token]
    comment: str | None = None
    is_closed: bool = False

    @property
    def line(self) -> int:
        return self.tokens[-1].line


def _items(tokens: list[_Token]) -> list[_Item]:
    """Split at top-level commas; a comment belongs to the item that ends on its line."""
    items: list[_Item] = []
    for token in tokens:
        if token.kind == "comment":
            if items and items[-1].line == token.line:
                items[-1].comment = token.text
        elif token.depth == 0 and token.text == "," and items:
            items[-1].is_closed = True
        elif not items or items[-1].is_closed:
            items.append(_Item([token]))
        else:
            items[-1].tokens.append(token)
            items[-1].comment = None
    return items


def _tokens(sql: str, first_line: int) -> Iterator[_Token]:
    depth, line, counted = 0, first_line, 0
    for match in _TOKEN.finditer(sql):
        text = match.group()
        if text in (")", "]", "}"):
            depth -= 1
        line += sql.count("\n", counted, match.start())
        counted = match.start()
        yield _Token(match.lastgroup or "other", text, depth, line)
        if text in ("(", "[", "{"):
            depth += 1


def _is_word(token: _Token, word: str) -> bool:
    return token.kind == "word" and token.depth == 0 and token.text.lower() == word


def _until_from(tokens: list[_Token]) -> list[_Token]:
    kept: list[_Token] = []
    for token in tokens:
        if _is_word(token, "from"):
            break
        kept.append(token)
    while kept and _is_word(kept[0], "distinct"):
        kept = kept[1:]
    return kept


def _column(item: _Item, where: str) -> Column:
    parts = [token.text for token in item.tokens]
    name, line = parts[-1], item.line
    if name == "*":
        raise ModelError(
            f"{where}:{line}: the final select says '*'; name its columns, each with a meaning."
        )
    is_named = len(parts) == 1 or parts[-2].lower() == "as" or parts[1:-1] == ["."]
    if not is_named or not _NAME.match(name):
        raise ModelError(
            f"{where}:{line}: the column ending in '{name}' has no plain name; "
            "write 'as name' behind it, in lower case."
        )
    meaning = (item.comment or "").removeprefix("--").strip()
    if not meaning:
        raise ModelError(
            f"{where}:{line}: the column '{name}' of the final select has no meaning; "
            "end its line with '-- what it means'."
        )
    return Column(name, meaning)
