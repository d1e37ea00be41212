"""Values of user-defined fields come from the columns of the lake, however fields are called."""

from __future__ import annotations

from pathlib import Path

from octane_flows.lake import ColumnEntry, TableEntry
from octane_flows.warehouse import create_schemas
from octane_flows.warehouse.duckdb_file import open_file
from octane_flows.warehouse.user_defined_values import COLUMNS, VIEW, create_user_defined_values


def entry(name: str, *columns: ColumnEntry) -> TableEntry:
    entity, _, field = name.partition("__")
    return TableEntry(name, "link" if field else "entity", entity, field or None, name, columns, ())


def test_without_user_defined_fields_the_view_is_empty() -> None:
    with open_file(Path(":memory:"), read_only=False) as connection:
        create_schemas(connection)
        create_user_defined_values(connection, [entry("defect", ColumnEntry("name", "VARCHAR"))])
        rows = connection.execute(f"select * from {VIEW}").fetchall()
        names = [row[0] for row in connection.execute(f"describe {VIEW}").fetchall()]

    assert rows == []
    assert names == list(COLUMNS)


def test_any_name_is_quoted_and_each_field_keeps_its_type() -> None:
    odd = "größe-'x\"_udf"
    column = ColumnEntry(odd, "DOUBLE", odd, "float", "Size: it's", is_user_defined=True)
    other = ColumnEntry("marked", "VARCHAR", "marked", "string", "Marked", is_user_defined=True)
    with open_file(Path(":memory:"), read_only=False) as connection:
        create_schemas(connection)
        connection.execute("create table octane.task (_workspace_id varchar, id varchar)")
        connection.execute('alter table octane.task add column "größe-\'x""_udf" double')
        connection.execute("alter table octane.task add column marked varchar")
        connection.execute("insert into octane.task values ('1002', '1', 1.5, 'yes')")
        create_user_defined_values(connection, [entry("task", column, other)])
        rows = connection.execute(
            f"select entity_type, entity_name, field_name, field_label, value_type, value "
            f"from {VIEW} order by value"
        ).fetchall()

    assert rows == [
        ("task", None, odd, "Size: it's", "float", "1.5"),
        ("task", None, "marked", "Marked", "string", "yes"),
    ]
