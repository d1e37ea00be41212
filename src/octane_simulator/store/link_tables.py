"""Link tables: many-to-many relations, stored once and read from both ends.

In: the end of a link, the key of a row and what it refers to. Out: rows of the link table. Base of
entity_store.Store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from octane_simulator.model.entity_schema import LinkEnd
from octane_simulator.model.field_model import SHARED_STORAGE
from octane_simulator.store.row_reading import Rows
from octane_simulator.store.table_layout import quoted

__all__ = ["Links"]


class Links(Rows):
    """Writes link tables; `_filled` names those that may have rows."""

    def _unlink(self, end: LinkEnd, key: int | str | None) -> None:
        if end.link in self._filled:
            self.connection.execute(f"DELETE FROM {quoted(end.link)} WHERE {end.own} = ?", (key,))

    def _pairs(
        self, end: LinkEnd, kind: str, key: int | str, targets: Sequence[Mapping[str, Any]]
    ) -> list[tuple[int | str, str, int | str | None, str]]:
        rows = []
        for target in targets:
            far = self.key(end.far_family, target["id"])
            far_type = target["type"]
            if far_type in self.schema.subtypes:
                far_type = self.type_of(end.far_family, far) or far_type
            rows.append((key, kind, far, SHARED_STORAGE.get(far_type, far_type)))
        return rows

    def _append(
        self, end: LinkEnd, rows: Sequence[tuple[int | str, str, int | str | None, str]]
    ) -> None:
        if rows:
            self._filled.add(end.link)
            own, far = end.own, end.far
            self.connection.executemany(
                f"INSERT OR IGNORE INTO {quoted(end.link)}"
                f" ({own}, {own}_type, {far}, {far}_type) VALUES (?, ?, ?, ?)",
                rows,
            )
