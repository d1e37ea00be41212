"""Files of `sql/` read for what they say about themselves, without parsing their SQL.

A schema and a slug in, header and columns out; `questions.catalogue` calls it, so that one question
does not wait for the syntax trees of all models. A build reads and checks the whole files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from octane_flows.models.documented_columns import Column, parse_columns
from octane_flows.models.header import Header, parse_header
from octane_flows.models.sql_folder import read_sql, sql_folder


@dataclass(frozen=True)
class QuestionFile:
    """What a file says about its question."""

    slug: str
    header: Header
    columns: tuple[Column, ...]


def slugs(schema: str) -> list[str]:
    """The names of all files of a schema, sorted."""
    return sorted(path.stem for path in (sql_folder() / schema).glob("*.sql"))


def question_file(schema: str, slug: str) -> QuestionFile:
    """One file, which `slugs` named; a fault is a `ModelError` that begins with file and line."""
    return _read(sql_folder() / schema / f"{slug}.sql", schema)


@cache
def _read(path: Path, schema: str) -> QuestionFile:
    where = f"sql/{schema}/{path.name}"
    text = read_sql(path, where)
    header = parse_header(text, schema=schema, where=where)
    return QuestionFile(path.stem, header, parse_columns(text.strip(), where=where))
