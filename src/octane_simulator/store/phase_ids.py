"""Ids of phases and metaphases: names as today, or numbers as before version 12.55.

In: a store. Out: the same rows under other ids, everywhere they are referred to. Called by
server_faults.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from octane_simulator.store.entity_store import Store
from octane_simulator.store.sqlite_database import FIRST_ID
from octane_simulator.store.table_layout import quoted

__all__ = ["name_phases", "number_phases"]

FAMILIES = ("metaphase", "phase")


def number_phases(store: Store) -> None:
    """Give every phase and metaphase a number; `logical_name` keeps the name."""
    for family in FAMILIES:
        rows = store.read(f"SELECT id FROM {quoted(family)} ORDER BY rowid")
        _rename(store, family, {row[0]: str(FIRST_ID + n) for n, row in enumerate(rows)})


def name_phases(store: Store) -> None:
    """Give every phase and metaphase its logical name as id."""
    for family in FAMILIES:
        _rename(store, family, dict(store.read(f"SELECT id, logical_name FROM {quoted(family)}")))


def _rename(store: Store, family: str, names: Mapping[str, str]) -> None:
    """Move rows to other ids, with the references and links to them."""
    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return
    places = [(family, "id")]
    for child in store.schema.families():
        places += [
            (child, f"{name}_id")
            for name, column in store.columns(child).items()
            if column.kind == "single" and column.far_family == family
        ]
    for (owner, _), end in store.schema.link_ends.items():
        if end.far_family == family:
            places.append((end.link, end.far))
        if owner == family:
            places.append((end.link, end.own))
    with store.transaction():
        run = store.connection.execute
        run("CREATE TEMP TABLE new_ids (old TEXT PRIMARY KEY, new TEXT NOT NULL)")
        store.connection.executemany("INSERT INTO new_ids VALUES (?, ?)", changed.items())
        for table, column in dict.fromkeys(places):
            name = quoted(column)
            run(
                f"UPDATE {quoted(table)} SET {name} = (SELECT new FROM new_ids WHERE old = {name})"
                f" WHERE {name} IN (SELECT old FROM new_ids)"
            )
        run("DROP TABLE new_ids")
