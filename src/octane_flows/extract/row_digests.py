"""Rows as short digests, to tell a row that an overlap brings again from a new version.

Arrow tables of a page in, one digest a row out; the read state keeps those that matter. Link sets
count as part of their owner; columns without a value do not, so that a new column changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import pyarrow as pa

from octane_flows.extract.field_columns import OWN_COLUMNS

DIGEST_BYTES = 8  # of rows with one id at most a few dozen versions are ever compared
_OWN = frozenset(column.name for column in OWN_COLUMNS)


def row_digests(rows: pa.Table, links: Mapping[str, pa.Table]) -> dict[str, str]:
    """Digests by id; `links` are the link tables of the same page by field."""
    sets: dict[str, list[tuple[str, str, str | None]]] = {}
    for name, table in links.items():
        for pair in table.select(["source_id", "target_id", "target_type"]).to_pylist():
            sets.setdefault(pair["source_id"], []).append(
                (name, pair["target_id"], pair["target_type"] or "")
            )
    names = [name for name in rows.column_names if name not in _OWN]
    return {
        row["id"]: _digest(
            [
                {key: value for key, value in row.items() if value is not None},
                sorted(sets.get(row["id"], ())),
            ]
        )
        for row in rows.select(names).to_pylist()
    }


def _digest(value: object) -> str:
    text = json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()
