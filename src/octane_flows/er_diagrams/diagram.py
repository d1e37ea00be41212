"""A diagram as data: boxes for tables, lines for relations, with counts where a warehouse has them.

Records alone: `draw_diagrams` makes them, the modules for texts and pictures read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The kind of a column by its name, which follows one grammar in all models.
KINDS = (
    ("_id", "id"),
    ("_at", "time"),
    ("_date", "date"),
    ("_code", "code"),
    ("_label", "label"),
    ("_count", "number"),
    ("_number", "number"),
    ("_ms", "number"),
    ("_bytes", "number"),
    ("_ratio", "share"),
)
FLAGS = ("is_", "has_", "was_")


@dataclass(frozen=True)
class BoxColumn:
    """A column of a table; `fields` are the fields of the REST API that carry a reference."""

    name: str
    is_key: bool = False
    is_reference: bool = False
    fields: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What a value is, as the column's name says it."""
        if self.name.startswith(FLAGS):
            return "flag"
        return next((kind for suffix, kind in KINDS if self.name.endswith(suffix)), "text")


@dataclass(frozen=True)
class Box:
    """A table with the columns that a diagram shows; `rows` is None without a warehouse."""

    name: str
    columns: tuple[BoxColumn, ...]
    rows: int | None = None

    @property
    def title(self) -> str:
        """The name as it is shown: without `er`, which nearly all tables have."""
        return self.name.removeprefix("er.")


@dataclass(frozen=True)
class Line:
    """A relation: rows of `source` refer by `column` to the `target_column` of `target`.

    `links` of them have a reference, of which `dangling` lead nowhere. `is_multiple`: a row can
    refer to several.
    """

    source: str
    column: str
    target: str
    target_column: str
    fields: tuple[str, ...] = ()
    is_required: bool = False
    is_unique: bool = False
    may_be_gone: bool = False
    is_multiple: bool = False
    links: int | None = None
    dangling: int | None = None

    @property
    def field_names(self) -> tuple[str, ...]:
        """The REST fields without their entity types, each once."""
        return tuple(dict.fromkeys(name.partition(".")[2] for name in self.fields))

    @property
    def counts(self) -> str:
        """How many references there are, and how many lead nowhere; empty without a warehouse."""
        if self.links is None:
            return ""
        text = f"{self.links:,} {'link' if self.links == 1 else 'links'}"
        return f"{text}, {self.dangling:,} lead nowhere" if self.dangling else text


@dataclass(frozen=True)
class Diagram:
    """Tables and the relations between them; `types` are DuckDB's by table and column."""

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    types: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def lines_of(self, box: Box) -> list[Line]:
        """The relations whose references a table holds."""
        return [line for line in self.lines if line.source == box.name]
