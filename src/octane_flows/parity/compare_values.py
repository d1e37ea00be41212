"""The values that an answer shows, such as names, dates and labels, compared with the server's.

A workspace of the client, a flow's rows and the ids that both sides name in; how much was compared
and each value that differs out. `verify_flows` calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from octane_flows.errors import RequestError
from octane_flows.parity.requests import DocumentedRequests, Row
from octane_flows.parity.requests.documented_requests import IDS_PER_REQUEST, identifier
from octane_flows.parity.send_requests import RestWorkspace, utc_time
from octane_flows.parity.shown_values import SHOWN_VALUES
from octane_flows.parity.verification import Difference, Reason
from octane_flows.questions.catalogue import Question

MOST_VALUES = 500  # rows whose values are looked up: at most ten requests a flow and part
MOST_EXPANSIONS = 3  # of references in one request, as the vendor advises


@dataclass(frozen=True)
class ComparedValues:
    """How many rows, with which columns; `left` says why others were not."""

    row_count: int
    columns: tuple[str, ...]
    differences: tuple[Difference, ...]
    left: str = ""

    @property
    def words(self) -> str:
        """What was compared, for a reader."""
        if not self.columns:
            return f"ids alone{f' ({self.left})' if self.left else ''}"
        rows = f"{self.row_count:,} row{'s' * (self.row_count != 1)}"
        return f"ids, and of {rows} {', '.join(self.columns)}{f' ({self.left})' * bool(self.left)}"


def compare_values(
    workspace: RestWorkspace,
    flow: Question,
    documented: DocumentedRequests,
    rows: Sequence[Row],
    counted: Mapping[str, Row],
    ids: Sequence[str],
    cursor: datetime,
) -> ComparedValues:
    """Compare rows of the ids that both sides name; `counted` is what the requests gave already.

    A row that changed at or after `cursor` (UTC) may show other values. Raises ServerError.
    """
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        by_id.setdefault(str(row[documented.key]), []).append(row)
    own = {column.name for column in flow.columns}
    shown = {name: path for name, path in SHOWN_VALUES.get(flow.slug, {}).items() if name in own}
    chosen = list(ids[:MOST_VALUES])
    left = f"of {len(ids):,}" if len(ids) > MOST_VALUES else ""
    read, refused = _read(workspace, documented.collection, shown, chosen)
    columns: dict[str, None] = {}
    differences: list[Difference] = []
    for id in chosen:
        values = {**read.get(id, {}), **counted.get(id, {})}
        time = values.pop("last_modified", None)
        for name, value in values.items():
            if name not in own:
                continue
            columns[name] = None
            for row in by_id.get(id, []):
                if _plain(value) != _plain(row[name]):
                    reason: Reason = "changed" if time and time >= cursor else "different"
                    detail = f"{name} is {value!r} in Octane and {row[name]!r} in the warehouse"
                    differences.append(Difference(id, "neither", reason, detail))
                    break
    if refused:
        left = "; ".join(filter(None, (left, f"the server refused {', '.join(refused)}")))
    return ComparedValues(len(chosen), tuple(columns), tuple(differences), left)


def _read(
    workspace: RestWorkspace, collection: str, shown: Mapping[str, str], ids: Sequence[str]
) -> tuple[dict[str, Row], list[str]]:
    """The values of each id by column, its last change, and the columns that were refused."""
    values: dict[str, Row] = {}
    refused: list[str] = []
    for part in _parts(shown):
        fields = sorted({_field(path) for path in part.values()} | {"last_modified"})
        for start in range(0, len(ids), IDS_PER_REQUEST):
            batch = ids[start : start + IDS_PER_REQUEST]
            query = f"id IN {','.join(identifier(id) for id in batch)}"
            try:
                page = workspace.page(collection, fields=fields, query=query, limit=IDS_PER_REQUEST)
            except RequestError:  # of a collection of several kinds, or an older server
                without = [field for field in fields if field != "last_modified"]
                try:
                    page = workspace.page(
                        collection, fields=without, query=query, limit=IDS_PER_REQUEST
                    )
                except RequestError:
                    refused += part
                    break
            for row in page.rows:
                entry = values.setdefault(str(row["id"]), {})
                if isinstance(row.get("last_modified"), str):
                    entry["last_modified"] = utc_time(row["last_modified"])
                for name, path in part.items():
                    field, _, inner = path.partition(".")
                    if field in row:
                        entry[name] = _value(row[field], inner)
    return values, refused


def _parts(shown: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Plain fields first, then a few references at a time."""
    plain = {name: path for name, path in shown.items() if "." not in path}
    if plain:
        yield plain
    expanded = [(name, path) for name, path in shown.items() if "." in path]
    for start in range(0, len(expanded), MOST_EXPANSIONS):
        yield dict(expanded[start : start + MOST_EXPANSIONS])


def _field(path: str) -> str:
    field, _, inner = path.partition(".")
    return f"{field}{{{inner}}}" if inner else field


def _value(value: Any, inner: str) -> Any:
    if not inner:
        return value
    return value.get(inner) if isinstance(value, dict) else None


def _plain(value: Any) -> Any:
    """A value of either side to compare: times as naive UTC, numbers as numbers."""
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        try:
            return utc_time(value)
        except ValueError:
            return value
    return value
