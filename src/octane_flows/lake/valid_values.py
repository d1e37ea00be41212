"""From when on the stored values of a field count, in SQL that DuckDB and Spark read alike.

A field that was deleted on the server, or deleted and made again under its name, has values in
older files that are its values no more. A table's entry in, conditions on its rows out; the
warehouse, Spark and the extract's own look-ups call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from octane_flows.lake.manifest import TableEntry

#: As the first `_generation` whose values count: none count, the server has no such field.
NEVER = 2**62


def outdated_columns(entry: TableEntry) -> Iterator[tuple[str, str]]:
    """Columns of an entity table with the condition of the rows in which they do not count."""
    for column in entry.columns if entry.kind == "entity" else ():
        since = entry.values_since.get(column.field or "")
        if since:
            yield column.name, _is_older(since)


def outdated_links(entry: TableEntry) -> str | None:
    """The condition of the rows of a link table that do not count; None: all count."""
    since = entry.values_since.get(entry.field or "") if entry.kind == "link" else None
    return _is_older(since) if since else None


def _is_older(since: Mapping[str, int]) -> str:
    parts = []
    for workspace, generation in sorted(since.items()):
        text = workspace.replace("'", "''")
        parts.append(f"(_workspace_id = '{text}' and _generation < {generation})")
    return "(" + " or ".join(parts) + ")"
