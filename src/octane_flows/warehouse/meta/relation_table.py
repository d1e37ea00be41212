"""`meta.relations`: what refers to what, by which field of the REST API, and how often.

Counted relations in, rows out; `create_meta` fills it, `show`, `er` and BI tools read it.
"""

from __future__ import annotations

from octane_flows.warehouse.link_counts import CountedRelation
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable

RELATIONS = MetaTable[CountedRelation](
    "relations",
    "Every relation: each row of source_table refers to at most one row of target_table.",
    (
        MetaColumn(
            "source_table",
            "VARCHAR",
            "table that holds the reference; octane.* for user-defined fields",
            lambda it: it.relation.source,
        ),
        MetaColumn(
            "source_column",
            "VARCHAR",
            "column that holds the reference",
            lambda it: it.relation.column,
        ),
        MetaColumn(
            "target_table", "VARCHAR", "table that is referred to", lambda it: it.relation.target
        ),
        MetaColumn(
            "target_column",
            "VARCHAR",
            "column of that table that has the same value, in the same workspace",
            lambda it: it.relation.target_column,
        ),
        MetaColumn(
            "rest_fields",
            "VARCHAR[]",
            "fields of the REST API that carry the reference, as in run_manual.release",
            lambda it: list(it.relation.fields),
        ),
        MetaColumn(
            "is_required",
            "BOOLEAN",
            "whether every row has a reference",
            lambda it: it.relation.is_required,
        ),
        MetaColumn(
            "is_unique",
            "BOOLEAN",
            "whether no two rows have the same reference",
            lambda it: it.relation.is_unique,
        ),
        MetaColumn(
            "may_be_gone",
            "BOOLEAN",
            "whether rows outlive what they refer to, so that a reference to nothing is no fault",
            lambda it: it.relation.may_be_gone,
        ),
        MetaColumn(
            "is_user_defined",
            "BOOLEAN",
            "whether a user-defined field carries it",
            lambda it: it.relation.is_user_defined,
        ),
        MetaColumn("row_count", "BIGINT", "rows of source_table", lambda it: it.row_count),
        MetaColumn("link_count", "BIGINT", "rows that have a reference", lambda it: it.link_count),
        MetaColumn(
            "dangling_count",
            "BIGINT",
            "rows whose reference leads to no row of target_table",
            lambda it: it.dangling_count,
        ),
    ),
)
