"""Which columns a column is made of: known where it can be followed, and otherwise not said."""

from __future__ import annotations

import duckdb
import pytest

from octane_flows.models.lineage import columns_made_of, relations, trace
from octane_flows.models.syntax_tree import parse_sql
from octane_flows.warehouse import load_models

TABLES = relations({"er.tests": ["test_id", "test_name"], "flow.failed": ["test_id", "failed_at"]})


def made_of(sql: str) -> dict[str, str]:
    with duckdb.connect(":memory:") as connection:
        traced = trace(parse_sql(sql, "here", connection), TABLES)
    return {name: " ".join(map(".".join, origins)) for name, origins in traced.items()}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "select t.name as a, u.name as b from octane.t as t "
            "join octane.u as u on u.id = t.u_id",
            {"a": "octane.t.name", "b": "octane.u.name"},
        ),
        (
            "with named as (select t.id as key, t.name from octane.t as t) "
            "select named.key, upper(named.name) as loud from named",
            {"key": "octane.t.id", "loud": "octane.t.name"},
        ),
        (
            "select t.a, t.b as c from octane.t as t union all select u.x, u.y from octane.u as u",
            {"a": "octane.t.a octane.u.x", "c": "octane.t.b octane.u.y"},
        ),
        (
            "select t.a, t.b from octane.t as t union all by name select u.b from octane.u as u",
            {"a": "octane.t.a", "b": "octane.t.b octane.u.b"},
        ),
        (
            "select coalesce(u.label, t.id) as label from octane.t as t "
            "left join octane.u as u on u.id = t.id",
            {"label": "octane.t.id octane.u.label"},
        ),
        (
            "select row_number() over (partition by t.a order by t.b) as n from octane.t as t",
            {"n": "octane.t.a octane.t.b"},
        ),
        (
            "select (select max(u.at) from octane.u as u where u.id = t.id) as last "
            "from octane.t as t",
            {"last": "octane.u.at"},
        ),
        (
            "with recursive up as (select t.id, t.parent_id from octane.t as t union all "
            "select up.id, t.parent_id from up join octane.t as t on t.id = up.parent_id) "
            "select up.id, up.parent_id as above from up",
            {"id": "octane.t.id", "above": "octane.t.parent_id"},
        ),
        (
            "select tests.*, failed.failed_at from er.tests as tests "
            "join flow.failed(hours := 3) as failed on failed.test_id = tests.test_id",
            {
                "test_id": "er.tests.test_id",
                "test_name": "er.tests.test_name",
                "failed_at": "flow.failed.failed_at",
            },
        ),
        ("select test_name from er.tests", {"test_name": "er.tests.test_name"}),
    ],
)
def test_a_column_is_followed_to_the_tables(sql: str, expected: dict[str, str]) -> None:
    assert made_of(sql) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) as n, 7 as seven, $p as given from octane.t as t",
        "select name from octane.t as t join octane.u as u on u.id = t.id",  # whose name?
        "select name from octane.t as t",  # of which nobody says that it has a name
        "select * from octane.t as t",
        "select * from er.tests as tests cross join flow.failed() as failed",  # one name twice
        "select * exclude (test_id) from er.tests as tests",
        "select exists (select 1 from octane.u as u where u.id = t.id) as is_there from octane.t t",
        "select u.v from octane.t as t, unnest(t.l) as u(v)",
        "select t.b from octane.t as t(b)",  # names given anew
        "select coalesce(elsewhere.x, t.id) as x from octane.t as t",  # half of it is not enough
        "select t.a from octane.t as t intersect select u.a from octane.u as u",
    ],
)
def test_what_cannot_be_followed_is_not_said(sql: str) -> None:
    assert made_of(sql) == {}


def test_the_models_name_columns_that_their_tables_have() -> None:
    models = [one for one in load_models() if one.schema != "check"]
    found = columns_made_of(models)
    own = {one.name: {column.name for column in one.columns} for one in models}
    told = [
        (name, column, one) for name, by in found.items() for column in by for one in by[column]
    ]

    assert [
        one for one in told if one[2].table in own and one[2].column not in own[one[2].table]
    ] == []
    assert [one for one in told if one[1] not in own[one[0]]] == []
    assert {one.table for one in found["er.tests"]["test_name"]} == {
        "octane.gherkin_test",
        "octane.test_automated",
        "octane.test_manual",
        "octane.test_suite",
    }
    assert sum(map(len, found.values())) > 0.9 * sum(map(len, own.values()))
