"""Which column holds which field: every field of an entity type has columns of its own.

Fields with the names that they would like come in, names that differ go out. A reference `x` wants
`x_id` and `x_type`, so a scalar `x_id` gets another column; so do names that differ in upper and
lower case alone, the lake's own names, and a field that has another type in another workspace. A
field keeps the columns that it has. Pure; `extract_plan` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from octane_flows.lake.field_columns import REFERENCE

Key = tuple[str, str]  # field and shape
Names = tuple[str, ...]

#: How a column says that it has the values of another type than the column with the plain name.
TYPE_WORDS = {
    "VARCHAR": "text",
    "BIGINT": "integer",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "time",
    "DATE": "date",
    REFERENCE: "reference",
}


@dataclass(frozen=True)
class WantedColumns:
    """A field of one shape: a DuckDB type, or a reference, whose id and type are two columns."""

    field: str
    shape: str
    is_user_defined: bool = False

    @property
    def key(self) -> Key:
        """Field and shape: the same field can have several shapes in several workspaces."""
        return self.field, self.shape

    def names(self, base: str) -> Names:
        """The columns under another base than the field's name."""
        return (f"{base}_id", f"{base}_type") if self.shape == REFERENCE else (base,)


def choose_names(
    wanted: Iterable[WantedColumns],
    reserved: Collection[str],
    previous: Mapping[Key, Names],
    in_use: Callable[[Key], bool],
) -> dict[Key, Names]:
    """The columns of each field.

    `previous` are those that the lake has; `in_use` tells of one that is not wanted whether another
    workspace needs it. The column of a field that no workspace has any more is free for the field.
    """
    fields = list({entry.key: entry for entry in wanted}.values())
    chosen = {entry.key: previous[entry.key] for entry in fields if entry.key in previous}
    taken = {name.casefold() for name in reserved}
    taken |= {name.casefold() for names in chosen.values() for name in names}
    retired: dict[str, tuple[str, str]] = {}  # folded name -> name and field
    for key, names in previous.items():
        if key not in chosen:
            if in_use(key):
                taken |= {name.casefold() for name in names}
            else:
                retired |= {name.casefold(): (name, key[0]) for name in names}
    # the models read standard fields, which have names in lower case
    for entry in sorted(fields, key=lambda it: (it.is_user_defined, it.field != it.field.lower())):
        if entry.key in chosen:
            continue
        for base in _bases(entry):
            names = entry.names(base)
            folded = [name.casefold() for name in names]
            if taken.isdisjoint(folded) and all(
                retired.get(fold, (name, entry.field)) == (name, entry.field)
                for fold, name in zip(folded, names, strict=True)
            ):
                chosen[entry.key] = names
                taken.update(folded)
                break
    return chosen


def _bases(entry: WantedColumns) -> Iterator[str]:
    """The field's name, then names that say what is different, without an end."""
    yield entry.field
    word = TYPE_WORDS.get(entry.shape, "field")
    yield f"{entry.field}_{word}"
    for number in count(2):
        yield f"{entry.field}_{word}_{number}"
