"""The values of one entity type that the lake cannot hold: which they are, and since when.

Decoded pages come in, the records for the read state and sentences for the findings go out. A value
stays listed until its row is read again or deleted. `entity_writer` keeps one list for each entity
type; the certificate counts it and `meta.rejected_values` shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from octane_flows.errors import ExtractError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.lake import RejectedValue

ALWAYS_ACCEPTED_VALUES = 20  # a share of few rows says little
ROUNDING = 1e-9  # 0.29 of 100 is 28.999999999999996
LINE_ENDS = "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"
MAX_REJECTED_VALUES = 100_000  # they lie in memory and in the manifest


@dataclass(frozen=True)
class TakenValues:
    """Values of one field that were changed to fit: what was changed, where first, how often."""

    field: str
    what: str
    first_id: str
    count: int = 1


class RejectedValues:
    """The rejected and the changed values of one entity type, kept up page by page.

    `previous` are the rejected values before, of which those of fields that are gone do not count;
    those of a full reading count no more, and only give the time since when the same value is
    rejected. A field with more of them than `max_share` of the rows stops the extract.
    """

    def __init__(
        self,
        entity: EntityPlan,
        previous: Iterable[RejectedValue],
        now: datetime,
        *,
        max_share: float,
        is_full: bool = False,
        taken: Iterable[TakenValues] = (),
    ) -> None:
        self._entity = entity
        self._now = now
        self._max_share = max_share
        fields = {field.name for field in (*entity.scalars, *entity.links)} | {"id", "type"}
        self._previous = {
            (entry.id, entry.field): entry for entry in previous if entry.field in fields
        }
        self._values = {} if is_full else dict(self._previous)
        self._taken = {(entry.field, entry.what): entry for entry in taken}
        self._rows = 0

    def add(self, page: DecodedPage) -> None:
        """Take what a page says about its rows in place of what was known of them."""
        self._rows += page.rows
        if self._values:
            ids = {*page.ids.to_pylist(), *(misfit.id for misfit in page.misfits)}
            fields = page.fields | {"id", "type"}
            self._values = {
                key: value
                for key, value in self._values.items()
                if key[0] not in ids or key[1] not in fields
            }
        for misfit in page.misfits:
            value = RejectedValue(misfit.id, misfit.field, misfit.value, self._now)
            before = self._previous.get((misfit.id, misfit.field))
            if before is not None and before.value == misfit.value:
                value = before
            self._values[misfit.id, misfit.field] = value
        for adjustment in page.adjustments:
            key = (adjustment.field, adjustment.what)
            taken = self._taken.get(key)
            if taken is None:
                self._taken[key] = TakenValues(*key, adjustment.id)
            else:
                self._taken[key] = replace(taken, count=taken.count + 1)
        if len(self._values) > MAX_REJECTED_VALUES:
            self.require_few(self._rows)

    def forget(self, ids: Iterable[str]) -> None:
        """The rows are deleted."""
        if self._values:
            deleted = set(ids)
            self._values = {
                key: value for key, value in self._values.items() if key[0] not in deleted
            }

    def values(self) -> tuple[RejectedValue, ...]:
        """The rejected values in the order of ids and fields."""
        keys = sorted(self._values, key=lambda key: (len(key[0]), key))
        return tuple(self._values[key] for key in keys)

    def taken(self) -> tuple[TakenValues, ...]:
        """The values that were changed to fit."""
        return tuple(self._taken.values())

    def require_few(self, rows: int) -> None:
        """Raise ExtractError when one field has more rejected values than the share of `rows`."""
        counts: dict[str, int] = {}
        for _, name in self._values:
            counts[name] = counts.get(name, 0) + 1
        share = math.floor(self._max_share * max(rows, self._rows) + ROUNDING)
        limit = min(max(ALWAYS_ACCEPTED_VALUES, share), MAX_REJECTED_VALUES)
        remedy = (
            "set OCTANE_MAX_REJECTED_SHARE higher if they may be null, or "
            if limit < MAX_REJECTED_VALUES and self._max_share < 1
            else ""
        )
        for name, count in sorted(counts.items()):
            if count > limit:
                value = next(value for value in self.values() if value.field == name)
                first = f"{_short(value.id)} has {shown(value.value)}"
                raise ExtractError(
                    f"Workspace {self._entity.workspace}: {count:,} rows of {self._entity.name} "
                    f"have values in field {name} that do not fit its type "
                    f"{_type_name(self._entity, name)} ({first}), and "
                    f"at most {limit:,} are set aside. Nothing was published; {remedy}leave the "
                    f"entity type out with --skip {self._entity.name}, and report the field to "
                    "its administrator."
                )


def _type_name(entity: EntityPlan, name: str) -> str:
    types = {field.name: field.field_type for field in (*entity.scalars, *entity.links)}
    return types.get(name, "text")


def _short(text: str) -> str:
    return _line(text)[:60]


def _line(text: str) -> str:
    """A text without line ends of its own, which would look like lines of this program."""
    return "".join(
        character.encode("unicode_escape").decode() if character in LINE_ENDS else character
        for character in text
    )


def shown(value: str) -> str:
    """A rejected value in a sentence: short, and visible where it is empty."""
    line = _line(value)
    return f'"{line}"' if len(line) <= 60 else f'"{line[:57]}..."'


def value_sentences(
    entity: str, rejected: Sequence[RejectedValue], taken: Sequence[TakenValues]
) -> Iterator[str]:
    """One sentence for each field with rejected values, and for each kind of changed values."""
    by_field: dict[str, list[RejectedValue]] = {}
    for value in rejected:
        by_field.setdefault(value.field, []).append(value)
    for name, values in sorted(by_field.items()):
        first = f"{_short(values[0].id)} has {shown(values[0].value)}"
        what = (
            "rows are left out, because their ids are no numbers that fit"
            if name == "id"
            else "values do not fit their field and are null"
        )
        yield f"{entity}.{name}: {len(values)} {what} ({first}); meta.rejected_values lists them"
    for entry in taken:
        first = _short(entry.first_id)
        yield f"{entity}.{entry.field}: {entry.what} (rows: {entry.count}, first {first})"
