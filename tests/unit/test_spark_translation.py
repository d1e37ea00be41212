"""Models as Spark SQL: what is translated how, and what is refused by name. No Java is needed."""

from __future__ import annotations

import re
import sys

import pytest
import sqlglot

from octane_flows.cli.spark_engine import require_spark
from octane_flows.errors import UsageError
from octane_flows.models.shared_functions import FUNCTIONS
from octane_flows.spark import NotCarriedOver, translate
from octane_flows.spark.spark_sql import translate_sql
from octane_flows.spark.supported_constructs import KNOWN
from octane_flows.warehouse import Model, load_models

CARRIED = [model for model in load_models() if model.schema in ("er", "flow", "metric")]


def one_line(sql: str) -> str:
    return " ".join(translate_sql(sql, "flow.example", "http://host/").split())


@pytest.mark.parametrize("model", CARRIED, ids=lambda model: model.name)
def test_every_model_is_translated(model: Model) -> None:
    sql = translate(model, "http://127.0.0.1/")

    assert not re.search(r"[$:][a-z]|\ber\.(is_listed|item_url|name_matches|plain_text)\b", sql)


def test_the_list_holds_nothing_that_no_model_uses() -> None:
    texts = [model.sql for model in CARRIED] + [f"select {body}" for _, body in FUNCTIONS.values()]
    used = {type(node) for sql in texts for node in sqlglot.parse_one(sql, read="duckdb").walk()}

    assert used >= KNOWN


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select sha256(given.a) as b from er.given as given", "it uses SHA256(given.a)"),
        ("select soundex(given.a) as b from er.given as given", "soundex"),
        ("select er.unheard_of(given.a) as b from er.given as given", "er.unheard_of()"),
        ("select given.a from er.given as given limit 3", "LIMIT 3"),
        ("select given.a from er.given as given asof join er.b as b on b.a >= given.a", "asof"),
        (r"select regexp_replace(given.a, '\d', '', 'g') as b from er.given as given", r"\d"),
        ("select regexp_replace(given.a, 'x', '') as b from er.given as given", "first match"),
        (
            r"select regexp_replace(given.a, '(x)', '$1y', 'g') as b from er.given as given",
            "dollar sign",
        ),
        ("select regexp_matches(given.a, given.b) as c from er.given as given", "no literal"),
        ("select date_diff('month', given.a, given.b) as c from er.given as given", "months"),
        ("select date_trunc('quarter', given.a) as c from er.given as given", "quarter"),
        ("select round(given.a, given.b) as c from er.given as given", "decimals"),
        ("select cast(given.a as integer) as c from er.given as given", "cast(given.a as int)"),
        ("select cast(given.a_ratio as varchar) as c from er.given as given", "a_ratio as text"),
        ("select given.a ilike given.b as c from er.given as given", "ilike given.b"),
        ("select given.a from flow.unheard_of(b := 1) as given", "flow.unheard_of()"),
        ("select lag(given.a ignore nulls) over () as c from er.given as given", "ignore nulls"),
        ("select a.b from er.a as a join er.c as c using (b)", "using"),
        ("select trim(given.a, 'x') as c from er.given as given", "trim() of certain"),
        ("select first(given.a) as c from er.given as given", "first() without"),
        ("select unnest(given.a) as c, unnest(given.b) as d from er.given as given", "two lists"),
        (
            "select avg(given.a) filter (where given.b) over () as c from er.given as given",
            "window",
        ),
        ("select 1 as a union all by name select given.* from er.given as given", "unknown"),
        ("select list(given.a order by given.b) as c from er.given as given", "list() with"),
    ],
)
def test_what_nobody_has_shown_to_be_alike_is_refused_by_name(sql: str, found: str) -> None:
    with pytest.raises(NotCarriedOver) as refused:
        translate_sql(sql, "flow.example")

    assert str(refused.value).startswith("flow.example is not carried over to Spark: ")
    assert found.lower() in str(refused.value).lower()


def test_a_parameter_becomes_a_literal_of_its_type_that_nothing_can_leave() -> None:
    flow = next(model for model in CARRIED if model.name == "flow.modules_with_recent_failures")

    sql = translate(flow, "http://127.0.0.1/", {"workspace_id": "1' or '1'='1\\"})

    assert r"CAST('1\' or \'1\'=\'1\\' AS STRING)" in sql


def test_an_answer_keeps_the_order_of_its_header() -> None:
    flow = next(model for model in CARRIED if model.name == "flow.closed_defects_of_failed_runs")

    tail = translate(flow, "http://127.0.0.1/").split("flow_rows")[-1].split()

    assert (
        " ".join(tail) == "ORDER BY closed_at DESC, workspace_id NULLS LAST, defect_id NULLS LAST"
    )


def test_columns_of_a_union_by_name_are_put_side_by_side() -> None:
    sql = one_line(
        "select given.a, given.b from er.given as given "
        "union all by name select given.b, given.c from er.given as given"
    )

    assert sql == (
        "SELECT given.a, given.b, NULL AS c FROM er.given AS given "
        "UNION ALL SELECT NULL AS a, given.b, given.c FROM er.given AS given"
    )


def test_without_sqlglot_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "octane_flows.spark", None)
    monkeypatch.delattr("octane_flows.spark")

    with pytest.raises(UsageError, match=r"pip install 'octane-flows\[spark\]'"):
        require_spark()
