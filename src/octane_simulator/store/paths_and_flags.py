"""What a write changes in other rows: paths below it in a tree, and the flags of its owner.

In: a database and the row that is written. Out: paths, and flags such as `has_comments` renewed.
Called by entity_store.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from octane_simulator.store.generated_names import ROOT_PATH, path_segment
from octane_simulator.store.sqlite_database import Database
from octane_simulator.store.table_layout import quoted

__all__ = ["OWNER_FLAGS", "Owner", "flagged_owners", "move_paths", "path_below", "renew_flags"]

OWNER_FLAGS = {"comment": "has_comments", "attachment": "has_attachments"}

# Family, flag and id of an owner, and the reference by which rows name it.
Owner = tuple[str, str, str, Any]


def path_below(database: Database, family: str, parent: object, key: int | str) -> str:
    """The path of a row below a parent; of a root when there is none."""
    if parent is None:
        return ROOT_PATH
    rows = database.read(f"SELECT path FROM {quoted(family)} WHERE id = ?", (parent,))
    return ((rows[0][0] or "") if rows else "") + path_segment(key)


def move_paths(database: Database, family: str, key: int | str, parent: object) -> None:
    """Renew the path of a row that got another parent, and of the rows below it."""
    table = quoted(family)
    parent_rows = database.read(f"SELECT path FROM {table} WHERE id = ?", (parent,))
    own_rows = database.read(f"SELECT path FROM {table} WHERE id = ?", (key,))
    if parent_rows and own_rows and parent_rows[0][0] and own_rows[0][0]:
        new_path, old_path = parent_rows[0][0] + path_segment(key), own_rows[0][0]
        database.connection.execute(
            f"UPDATE {table} SET path = ? || substr(path, ?) WHERE path LIKE ?",
            (new_path, len(old_path) + 1, old_path + "%"),
        )


def flagged_owners(database: Database, family: str, key: int | str | None) -> list[Owner]:
    """The owner and the parent of a row, if they have a flag for it."""
    columns = database.columns(family)
    owners: list[Owner] = []
    for name, column in columns.items():
        flag = OWNER_FLAGS.get(family) if name.startswith("owner_") else None
        if name == "parent" and "has_children" in columns:
            flag = "has_children"
        if flag is not None and column.kind == "single":
            reference = quoted(f"{name}_id")
            sql = f"SELECT {reference} FROM {quoted(family)} WHERE id = ?"
            owners += [
                (column.far_family, flag, reference, row[0])
                for row in database.read(sql, (key,))
                if row[0] is not None
            ]
    return owners


def renew_flags(database: Database, family: str, owners: Iterable[Owner]) -> None:
    """Set the flags of the owners: do they have rows of this family?"""
    for far, flag, reference, owner in owners:
        database.connection.execute(
            f"UPDATE {quoted(far)} SET {quoted(flag)} = EXISTS (SELECT 1 FROM"
            f" {quoted(family)} WHERE {reference} = ?) WHERE id = ?",
            (owner, owner),
        )
