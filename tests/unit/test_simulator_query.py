"""The query language with literals: every operator and spelling, as a tree and against rows.

Random queries against plain Python are in tests/property/test_simulator_queries.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from octane_simulator import Simulator
from octane_simulator.model.refusals import ApiError
from octane_simulator.query.query_language import (
    WILDCARD,
    And,
    Compare,
    Cross,
    Literal,
    Node,
    Not,
    Null,
    Or,
    parse,
    unwrap,
)
from octane_simulator.query.reader import Caller


def string(text: str) -> Literal:
    return Literal("string", text)


def number(text: str) -> Literal:
    return Literal("number", text)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("id EQ 5", Compare("id", "EQ", (number("5"),))),
        ("id eq 5", Compare("id", "EQ", (number("5"),))),
        ("id=5", Compare("id", "EQ", (number("5"),))),
        ("id<5", Compare("id", "LT", (number("5"),))),
        ("id>5", Compare("id", "GT", (number("5"),))),
        ("id<=5", Compare("id", "LE", (number("5"),))),
        ("id>=-5", Compare("id", "GE", (number("-5"),))),
        ("id LT 5", Compare("id", "LT", (number("5"),))),
        ("id GT 5", Compare("id", "GT", (number("5"),))),
        ("id LE 5", Compare("id", "LE", (number("5"),))),
        ("id GE 2.5", Compare("id", "GE", (number("2.5"),))),
        ("id BTW 12...16", Compare("id", "BTW", (number("12"), number("16")))),
        ("id BTW 12 ...16", Compare("id", "BTW", (number("12"), number("16")))),
        ("id btw 1.5 ... 2.5", Compare("id", "BTW", (number("1.5"), number("2.5")))),
        ("f BTW 'a' ...'b'", Compare("f", "BTW", (string("a"), string("b")))),
        ("f BTW ^a^...^b^", Compare("f", "BTW", (string("a"), string("b")))),
        ("(id IN '1','2')", Compare("id", "IN", (string("1"), string("2")))),
        ("id IN ^1^, ^2^", Compare("id", "IN", (string("1"), string("2")))),
        ("id IN 1,2,3", Compare("id", "IN", (number("1"), number("2"), number("3")))),
        ("name EQ ^a b^", Compare("name", "EQ", (string("a b"),))),
        ("name='*x*'", Compare("name", "EQ", (string(f"{WILDCARD}x{WILDCARD}"),))),
        (r"name='it\'s \(a\) \"b\" \\c'", Compare("name", "EQ", (string('it\'s (a) "b" \\c'),))),
        (r"name EQ ^C:\temp^", Compare("name", "EQ", (string(r"C:\temp"),))),
        (r"name EQ ^a\*b\^c^", Compare("name", "EQ", (string("a*b^c"),))),
        ("name EQ ^it's^", Compare("name", "EQ", (string("it's"),))),
        ("blocked EQ true", Compare("blocked", "EQ", (Literal("boolean", "true"),))),
        ("closed_on EQ null", Compare("closed_on", "EQ", (Literal("null", "null"),))),
        ("owner={null}", Cross("owner", (Null(),))),
        ("!owner EQ {null}", Not(Cross("owner", (Null(),)))),
        (
            "owner IN {id EQ 1},{id EQ 2}",
            Cross(
                "owner",
                (Compare("id", "EQ", (number("1"),)), Compare("id", "EQ", (number("2"),))),
            ),
        ),
        ("a={b={c='x'}}", Cross("a", (Cross("b", (Compare("c", "EQ", (string("x"),)),)),))),
        (
            "list_root.logical_name='x'",
            Cross("list_root", (Compare("logical_name", "EQ", (string("x"),)),)),
        ),
        (
            "owner IN [current_user]",
            Compare("owner", "IN", (Literal("token", "current_user"),)),
        ),
        ("release={[current_release]}", Cross("release", (Literal("token", "current_release"),))),
        (
            "(name EQ 'x')||!(id GE 5)",
            Or(
                (
                    Compare("name", "EQ", (string("x"),)),
                    Not(Compare("id", "GE", (number("5"),))),
                )
            ),
        ),
        (
            "a EQ 1; b EQ 2||c EQ 3",
            Or(
                (
                    And((Compare("a", "EQ", (number("1"),)), Compare("b", "EQ", (number("2"),)))),
                    Compare("c", "EQ", (number("3"),)),
                )
            ),
        ),
        (
            "!a=1;b=2",
            And((Not(Compare("a", "EQ", (number("1"),))), Compare("b", "EQ", (number("2"),)))),
        ),
        ("name EQ ^Größe 漢字 🙂^", Compare("name", "EQ", (string("Größe 漢字 🙂"),))),
    ],
)
def test_every_spelling_parses_to_its_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name EQ", "EQ 5", "name EQ ^open", "name EQ 'open", "(id EQ 1", "id EQ 1)",
        "id EQ 1;;id EQ 2", "id EQ 1||", "owner EQ {id EQ 1", "id NE 5", "id EQ high",
        "owner EQ {id EQ 1},{id EQ 2}", "owner GT {id EQ 1}", "id BTW 1", "id BTW 1..2",
        "id IN {id EQ 1},5", "id IN 5,{id EQ 1}", "id EQ 1 id EQ 2", "id & 5", "id EQ 12abc",
        "!" * 60 + "id EQ 1", "(" * 60 + "id EQ 1" + ")" * 60,
    ],
)  # fmt: skip
def test_broken_syntax_is_refused_with_400(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(text)
    assert (caught.value.status, caught.value.code) == (400, "platform.invalid_query")


def test_the_double_quotes_belong_to_the_parameter() -> None:
    assert unwrap('"id EQ 1"') == "id EQ 1"
    with pytest.raises(ApiError):
        unwrap("id EQ 1")


# -- against rows -------------------------------------------------------------------------------


def ref(kind: str, identifier: str) -> dict[str, str]:
    return {"type": kind, "id": identifier}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    simulator = Simulator()
    feeder = simulator.feeder()
    releases = feeder.create(
        "releases",
        [
            {"name": name, "start_date": "2021-01-01T00:00:00Z", "end_date": end}
            for name, end in (
                ("941", "2021-02-01T00:00:00Z"),
                ("941.1", "2021-03-01T00:00:00Z"),
                ("942", "2021-04-01T00:00:00Z"),
            )
        ],
    )
    areas = feeder.create("product_areas", [{"name": "Messages"}, {"name": "Matrix"}])
    tests = feeder.create(
        "automated_tests",
        [
            {"name": "adds", "product_areas": {"data": [ref("product_area", areas[0])]}},
            {"name": "subtracts", "product_areas": {"data": [ref("product_area", areas[1])]}},
            {"name": "multiplies"},
        ],
    )
    for index, (name, severity, release, test_index, points, blocked) in enumerate(
        [
            ("Größe fehlt", "high", 0, (0,), 1, True),
            ("größer als 100%", "low", 1, (0, 1), 2, False),
            ("under_score", "high", None, (), None, None),
            ("underXscore", None, 2, (2,), 3, None),
            ('it\'s (a) "quote"', "urgent", 0, (1,), 5, True),
        ]
    ):
        row: dict[str, Any] = {
            "name": name,
            "story_points": points,
            "blocked": blocked,
            "test": {"data": [ref("test", tests[i]) for i in test_index]},
            "fixed_on": f"2021-01-0{index + 1}T08:00:00Z",
        }
        if severity:
            row["severity"] = ref("list_node", f"list_node.severity.{severity}")
        if release is not None:
            row["release"] = ref("release", releases[release])
        feeder.create("defects", [row])
    yield simulator
    simulator.close()


def names(simulator: Simulator, statement: str, collection: str = "defects") -> list[int]:
    """Positions (from 0) of the rows; ids start at 1002 because 1001 is the root."""
    entity = simulator.schema.by_collection[collection]
    return [int(i) - 1002 for i in simulator.reader.ids(entity, f'"{statement}"', Caller())]


@pytest.mark.parametrize(
    ("statement", "positions"),
    [
        ("name EQ ^GRÖSSE FEHLT^", [0]),
        ("name EQ ^größe*^", [0, 1]),
        ("name EQ ^GRÖßER*^", [1]),
        ("name EQ ^*FEHLT^", [0]),
        ("name EQ ^under_score^", [2]),
        ("name EQ ^under_*^", [2]),
        ("name EQ ^*100%^", [1]),
        (r"name='it\'s \(a\) \"quote\"'", [4]),
        ("name EQ ^*^", [0, 1, 2, 3, 4]),
        ("id EQ 1003", [1]),
        ("id EQ '1003'", [1]),
        ("id GT ^1004^", [3, 4]),
        ("id BTW 1003...1004", [1, 2]),
        ("id IN 1002,'1006'", [0, 4]),
        ("story_points GE 2", [1, 3, 4]),
        ("story_points EQ null", [2]),
        ("!story_points EQ 1", [1, 2, 3, 4]),
        ("blocked EQ true", [0, 4]),
        ("!blocked=true", [1, 2, 3]),
        ("fixed_on GT ^2021-01-04T08:00:00Z^", [4]),
        ("fixed_on GE ^2021-01-04T08:00:00.000Z^", [3, 4]),
        ("fixed_on GE ^2021-01-04T08:00:00.500Z^", [4]),
        ("fixed_on LT ^2021-01-02T08:00:00.500Z^", [0, 1]),
        ("fixed_on EQ ^2021-01-02T09:00:00+01:00^", [1]),
        ("fixed_on BTW ^2021-01-02^...^2021-01-03T08:00Z^", [1, 2]),
        ("severity EQ {logical_name EQ ^list_node.severity.high^}", [0, 2]),
        ("severity EQ {id IN 'list_node.severity.high','list_node.severity.low'}", [0, 1, 2]),
        ("severity EQ {null}", [3]),
        ("!severity={null}", [0, 1, 2, 4]),
        ("severity IN {name='High'},{null}", [0, 2, 3]),
        ("severity={list_root={logical_name='list_node.severity'}}", [0, 1, 2, 4]),
        ("release EQ {name EQ ^941*^}", [0, 1, 4]),
        ("test EQ {name EQ ^adds^}", [0, 1]),
        ("!test EQ {name EQ ^adds^}", [2, 3, 4]),
        ("test EQ {!name EQ ^adds^}", [1, 3, 4]),
        ("test EQ {null}", [2]),
        ("test={product_areas={name='Mess*'}};test={product_areas={name='Matrix'}}", [1]),
        ("test={product_areas={name='Mess*'};product_areas={name='Matrix'}}", []),
        ("phase EQ {metaphase EQ {!logical_name EQ ^metaphase.work_item.done^}}", [0, 1, 2, 3, 4]),
        ("author IN [current_user]", [0, 1, 2, 3, 4]),
        ("subtype EQ 'defect'", [0, 1, 2, 3, 4]),
    ],
)
def test_statements_find_their_rows(
    simulator: Simulator, statement: str, positions: list[int]
) -> None:
    assert names(simulator, statement) == positions


def test_inverse_names_can_be_filtered_by_from_the_other_end(simulator: Simulator) -> None:
    entity = simulator.schema.by_collection["product_areas"]
    query = '"test EQ {covered_content EQ {severity EQ {name EQ ^Urgent^}}}"'
    page = simulator.reader.page(entity, {"query": query, "fields": "name"}, Caller())
    assert [('"name":"Matrix"' in row) for row in page.rows] == [True]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("severity EQ 'High'", "platform.invalid_query"),
        ("name EQ {id EQ 1}", "platform.invalid_query"),
        ("story_points EQ 'many'", "platform.invalid_query"),
        ("blocked GT true", "platform.invalid_query"),
        ("fixed_on GT ^yesterday^", "platform.invalid_query"),
        ("fixed_on GT ^2021-13-01^", "platform.invalid_query"),
        ("nonsense EQ 1", "platform.unknown_field"),
        ("release EQ {nonsense EQ 1}", "platform.unknown_field"),
        ("ordering EQ 'x'", "platform.field_not_filterable"),
    ],
)
def test_statements_that_do_not_fit_the_fields_are_refused(
    simulator: Simulator, statement: str, code: str
) -> None:
    with pytest.raises(ApiError) as caught:
        names(simulator, statement)
    assert (caught.value.status, caught.value.code) == (400, code)
