"""What the header and the final select of a model must say, and what is told when they do not."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from octane_flows.errors import ModelError
from octane_flows.models.documented_columns import Column, parse_columns
from octane_flows.models.header import NOTE_TOPICS, Note, Relation, parse_header
from octane_flows.models.macro_parameters import Parameter
from octane_flows.models.macros import macro_sql
from octane_flows.models.model import in_order, load_models, read_model
from octane_flows.models.row_sources import RowSource

HEADER = """-- Which tests fail?
-- flow: 10 Get what failed
-- source: https://example.com/page
-- grain: one test
-- key: test_id
-- param: hours integer = 24 -- length of the
--     window
-- order: test_id desc
"""
BODY = """select
    tests.test_id, -- id of the test
    tests.test_id || '$hours' as label -- not a parameter
from er.tests as tests
where tests.age < $hours
"""


def read(tmp_path: Path, text: str, schema: str = "flow") -> object:
    path = tmp_path / "failing.sql"
    path.write_text(text, encoding="utf-8")
    with duckdb.connect() as connection:
        return read_model(path, schema, connection)


def test_a_header_is_read_with_continued_lines() -> None:
    header = parse_header(HEADER, schema="flow", where="x.sql")

    assert header.question == "Which tests fail?"
    assert (header.flow_number, header.flow_title) == (10, "Get what failed")
    assert header.parameters == (Parameter("hours", "integer", "24", "length of the window"),)
    assert header.key == ("test_id",)


def test_a_plan_says_which_parameters_it_needs() -> None:
    needing = f"{HEADER}-- param: path text = null -- a file\n-- needs: path, hours or path\n"
    header = parse_header(needing, schema="flow", where="x.sql")

    assert header.needs == (("path",), ("hours", "path"))
    with pytest.raises(ModelError, match="needs has 'pat', which is no parameter"):
        parse_header(needing.replace("needs: path", "needs: pat"), schema="flow", where="x.sql")


def test_a_flow_of_ones_own_has_neither_number_nor_page() -> None:
    own = HEADER.replace("-- flow: 10 Get what failed\n", "")
    for text in (own, own.replace("-- source: https://example.com/page\n", "")):
        header = parse_header(text, schema="flow", where="x.sql")
        assert (header.flow_number, header.flow_title) == (None, None)


def test_defaults_are_null_text_and_numbers() -> None:
    lines = (
        "-- Q?\n-- param: a text = null -- one\n-- param: b text = 'it''s' -- two\n-- check: warn"
    )
    header = parse_header(lines, schema="check", where="x.sql")

    assert [parameter.default_sql for parameter in header.parameters] == ["null", "'it''s'"]


def test_a_relation_is_read() -> None:
    text = "-- Q?\n-- source: o\n-- grain: g\n-- key: k\n-- relation: a_id -> er.things.thing_id"

    relation = parse_header(text, schema="er", where="x.sql").relations

    assert relation == (Relation("a_id", "er.things", "thing_id"),)


def test_the_rows_of_others_are_read() -> None:
    text = (
        "-- Q?\n-- source: o\n-- grain: g\n-- key: k\n"
        "-- rows: er.things where kind in ('a', 'b')\n-- rows: er.others"
    )

    rows = parse_header(text, schema="er", where="x.sql").rows

    assert rows == (RowSource("er.things", "kind", ("a", "b")), RowSource("er.others"))
    assert [part.condition("thing") for part in rows] == ["thing.kind in ('a', 'b')", "true"]


def test_rows_of_something_else_are_told_with_their_line() -> None:
    text = "-- Q?\n-- source: o\n-- grain: g\n-- key: k\n-- rows: er.things where kind = 'a'"

    with pytest.raises(ModelError, match=r"x\.sql:5: .*write 'er\.table' or"):
        parse_header(text, schema="er", where="x.sql")


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("-- grain: one test", "-- grain: x\n-- rows: er.runs"), 5, "only an er model can have"),
        (("-- grain:", "-- grian:"), 4, "did you mean 'grain'"),
        (("-- key: test_id\n", ""), 1, "needs '-- key: ...'"),
        (("-- source: https://example.com/page\n", ""), 1, "with the vendor's page"),
        (("-- key: test_id\n", "-- key: test_id\n-- key: test_id\n"), 6, "line 5 already"),
        (("-- grain: one test", "-- grain:"), 4, "has no value"),
        (("hours integer = 24", "hours hour = 24"), 6, "is no parameter"),
        (("hours integer = 24 -- length of the", "hours integer"), 6, "is no parameter"),
        (("-- flow: 10 Get what failed", "-- flow: Get"), 2, "write its number and title"),
        (("-- Which tests fail?\n", ""), 1, "first line must be a comment with the question"),
        (("-- grain: one test", "-- free words"), 4, "is no header line"),
        (("-- grain: one test", "-- grain: one test\n-- check: fatal"), 5, "'error' or 'warn'"),
        (("-- grain: one test", "-- grain: x\n-- relation: a"), 5, "is no relation"),
    ],
)
def test_a_broken_header_names_file_line_and_remedy(
    change: tuple[str, str], line: int, said: str
) -> None:
    with pytest.raises(ModelError) as raised:
        parse_header(HEADER.replace(*change), schema="flow", where="sql/flow/failing.sql")

    assert str(raised.value).startswith(f"sql/flow/failing.sql:{line}: ")
    assert said in str(raised.value)


def test_columns_are_those_of_the_last_top_level_select() -> None:
    sql = """with first as (select 1 as a, 2 as b)
    select distinct
        first.a, -- first, with a comma
        -- a remark on its own
        coalesce(first.b, (select 1))
            as c, -- over two lines
        "first".b as d -- last, no comma
    from first"""

    assert parse_columns(sql, where="x.sql") == (
        Column("a", "first, with a comma"),
        Column("c", "over two lines"),
        Column("d", "last, no comma"),
    )


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select t.a -- one\n, t.b\nfrom s.t", "'b' of the final select has no meaning"),
        ("select t.*, -- all\nfrom s.t", "says '*'"),
        ("select * from s.t", "says '*'"),
        ("select a + 1 -- sum\nfrom s.t", "no plain name"),
        ("select t.a, -- one\n t.b as a -- two\nfrom s.t", "two columns named 'a'"),
        ("select a, b -- both\nfrom s.t", "'a' of the final select has no meaning"),
    ],
)
def test_an_undocumented_column_is_an_error(sql: str, said: str) -> None:
    with pytest.raises(ModelError, match=r"x.sql") as raised:
        parse_columns(sql, where="x.sql")

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("er.tests as", "tests as"), "without its schema"),
        (("er.tests as", "octane.test as"), "may not read octane.test"),
        (("from er.tests as tests", "from read_csv('x.csv') as tests"), "never files"),
        (("tests.age < $hours", "tests.age < $days"), "$days is used but not declared"),
        (("tests.age < $hours", "true"), "$hours is not used"),
        (("tests.age <", "hours <"), "has the name of a parameter"),
        (("where", "whree tests.x"), "cannot parse"),
        (("from er.tests", ";select 1 as test_id --x\nfrom er.tests"), "2 statements"),
        (("tests.test_id, -- id", "tests.test_no, -- id"), "key column 'test_id' is not"),
    ],
)
def test_broken_sql_is_told_with_its_file(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(ModelError, match=r"^sql/flow/failing.sql") as raised:
        read(tmp_path, HEADER + BODY.replace(*change))

    assert said in str(raised.value)


def test_a_macro_casts_parameters_and_leaves_texts_alone(tmp_path: Path) -> None:
    path = tmp_path / "failing.sql"
    path.write_text(HEADER + BODY, encoding="utf-8")
    with duckdb.connect() as connection:
        sql = macro_sql(read_model(path, "flow", connection))

    assert "flow.failing(hours := 24)" in sql
    assert "tests.age < cast(hours as BIGINT)" in sql
    assert "'$hours'" in sql
    assert sql.endswith("order by flow_rows.test_id desc")


def test_models_that_read_one_another_in_a_circle_are_refused(tmp_path: Path) -> None:
    head = "-- Q?\n-- source: x\n-- grain: one\n-- key: a\n"
    models = []
    with duckdb.connect() as connection:
        for name, other in (("one", "two"), ("two", "one")):
            path = tmp_path / f"{name}.sql"
            path.write_text(f"{head}select t.a -- a\nfrom er.{other} as t", encoding="utf-8")
            models.append(read_model(path, "er", connection))

    with pytest.raises(ModelError, match="in a circle"):
        in_order(models)
    with pytest.raises(ModelError, match=r"there is no sql/er/two.sql"):
        in_order(models[:1])


def test_a_model_comes_after_all_that_it_reads() -> None:
    seen: set[str] = set()
    for model in load_models():
        assert {name for name in model.sources if name.startswith(("er.", "flow."))} <= seen
        seen.add(model.name)


def test_sql_files_keep_to_the_line_length() -> None:
    for model in load_models():
        for line in model.sql.splitlines():
            assert len(line) <= 100 or line.startswith(("-- source: http", "-- param: "))
        assert "\t" not in model.sql


def test_models_use_no_function_that_older_duckdb_lacks() -> None:
    """DuckDB 1.x has no function `if` in macros and views; `count_if` counts in a hugeint."""
    for model in load_models():
        assert not re.search(r"(?<![\w$])(if|count_if)\(", model.sql), f"{model.name}: use case"


def test_relations_lead_to_keys() -> None:
    models = {model.name: model for model in load_models()}
    for model in models.values():
        for relation in model.header.relations:
            assert relation.target_column in models[relation.target].header.key


def test_notes_are_read_by_topic() -> None:
    text = (
        HEADER + "-- note: not told apart: a retry and\n--     a second run\n-- note: gaps: none\n"
    )

    header = parse_header(text, schema="flow", where="x.sql")

    assert header.notes == (
        Note("not told apart", "a retry and a second run"),
        Note("gaps", "none"),
    )


@pytest.mark.parametrize("note", ["no topic", "weather: sunny", "gaps"])
def test_a_note_without_a_topic_is_told_with_its_line(note: str) -> None:
    with pytest.raises(ModelError, match=r"x.sql:9: .* is no note; write 'topic: text'"):
        parse_header(f"{HEADER}-- note: {note}\n", schema="flow", where="x.sql")


def test_every_metric_on_results_has_a_note_about_every_topic() -> None:
    on_results = [
        model
        for model in load_models()
        if model.schema == "metric"
        and {"er.automated_results", "metric.test_outcomes"} & set(model.sources)
    ]

    assert len(on_results) >= 10
    for model in on_results:
        topics = [note.topic for note in model.header.notes if note.topic != "past"]
        assert topics == [topic for topic in NOTE_TOPICS if topic != "past"], model.name


def test_every_metric_names_its_published_definition_or_is_of_our_own() -> None:
    """A publication has a year; the vendor's page and a glossary have none."""
    source = re.compile(r"of our own|\((?:.*, |.* )?(?:19|20)\d\d[,)]|vendor's|ISTQB")

    for model in load_models():
        if model.schema != "metric":
            continue
        [definition] = [note.text for note in model.header.notes if note.topic == "definition"]
        assert source.search(definition), model.name
