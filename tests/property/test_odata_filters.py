"""Random filters of OData select the rows that plain Python selects.

Each filter is made as a tree, written as text with random blanks, read by the grammar, turned into
SQL and run by DuckDB; beside it, the tree is evaluated in Python by the rules of OData 4.01.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar

import duckdb
import pytest

from octane_flows.serve.odata_expressions import Tokens, parse_expression
from octane_flows.serve.odata_sql import SqlParameters, condition_sql, kind_of
from octane_flows.serve.refused_requests import RefusalError

FILTERS = int(os.environ.get("TESTS_EXAMPLES") or 10_000)
AT_ONCE = 100  # conditions of one query: planning it is what costs
COLUMNS = {
    "name": "VARCHAR",
    "code": "VARCHAR",
    "runs": "BIGINT",
    "fails": "BIGINT",
    "ratio": "DOUBLE",
    "is_open": "BOOLEAN",
    "created_at": "TIMESTAMP",
    "due_date": "DATE",
}
KINDS = {name: kind_of(kind) for name, kind in COLUMNS.items()}
TEXTS = ["", "a", "Ab", "it's", "50% _x", "Überlauf", "back\\slash", " blank ", "and or eq", "ß'('"]
NUMBERS = [-7, -1, 0, 1, 2, 3, 10, 250]
RATIOS = [-2.75, -0.1, 0.0, 0.25, 1.0, 99.9]
TIMES = [datetime(2021, 1, 20, 21, 5, 9), datetime(2020, 2, 29), datetime(1999, 12, 31, 23, 59, 59)]
DATES = [date(2021, 1, 20), date(2020, 2, 29), date(2000, 1, 1)]
POOLS: dict[str, list[Any]] = {
    "text": TEXTS,
    "integer": NUMBERS,
    "number": RATIOS,
    "boolean": [True, False],
    "time": TIMES,
    "date": DATES,
}
Row = dict[str, Any]
Evaluation = Callable[[Row], Any]
Filter = tuple[str, Evaluation]


def rows(chance: random.Random) -> list[Row]:
    return [
        {
            name: None if chance.random() < 0.25 else chance.choice(POOLS[KINDS[name]])
            for name in COLUMNS
        }
        for _ in range(40)
    ]


def literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else repr(value)


def strict(function: Callable[..., Any], *operands: Evaluation) -> Evaluation:
    """A function that gives null for null."""

    def evaluate(row: Row) -> Any:
        values = [operand(row) for operand in operands]
        return None if None in values else function(*values)

    return evaluate


def divided(left: int, right: int) -> Any:
    return None if right == 0 else math.trunc(left / right)


def remainder(left: int, right: int) -> Any:
    return None if right == 0 else int(math.fmod(left, right))


def half_up(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number)


class Maker:
    """Random expressions of each kind, as text and as a function of a row."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def blank(self) -> str:
        return self.chance.choice([" ", " ", "  ", "\t"])

    def call(self, name: str, *operands: Filter) -> str:
        comma = self.chance.choice([",", ", ", " ,"])
        return f"{name}({comma.join(text for text, _ in operands)})"

    def value(self, kind: str, depth: int) -> Filter:
        if depth > 0 and self.chance.random() < 0.5 and kind in self.makers:
            return self.chance.choice(self.makers[kind])(self, depth - 1)
        if self.chance.random() < 0.6:
            name = self.chance.choice([name for name, own in KINDS.items() if own == kind])
            return name, lambda row: row[name]
        value = self.chance.choice(POOLS[kind])
        return literal(value), lambda row: value

    def text(self, depth: int) -> Filter:
        name, function = self.chance.choice(
            [("tolower", str.lower), ("trim", lambda text: text.strip(" "))]
        )
        operand = self.value("text", depth)
        return self.call(name, operand), strict(function, operand[1])

    def joined(self, depth: int) -> Filter:
        left, right = self.value("text", depth), self.value("text", depth)
        return self.call("concat", left, right), strict(lambda a, b: a + b, left[1], right[1])

    def part(self, depth: int) -> Filter:
        text, begin = self.value("text", depth), self.value("integer", 0)
        if self.chance.random() < 0.5:
            cut = strict(lambda word, at: word[max(at, 0) :], text[1], begin[1])
            return self.call("substring", text, begin), cut
        length = self.value("integer", 0)
        evaluation = strict(
            lambda word, at, size: word[max(at, 0) :][: max(size, 0)], text[1], begin[1], length[1]
        )
        return self.call("substring", text, begin, length), evaluation

    def whole(self, depth: int) -> Filter:
        if self.chance.random() < 0.3:
            operand = self.value("text", depth)
            return self.call("length", operand), strict(len, operand[1])
        if self.chance.random() < 0.3:
            left, right = self.value("text", depth), self.value("text", depth)
            return self.call("indexof", left, right), strict(str.find, left[1], right[1])
        if self.chance.random() < 0.4:
            name = self.chance.choice(["year", "month", "day", "hour", "minute", "second"])
            kind = "time" if name in ("hour", "minute", "second") else self.either("time", "date")
            operand = self.value(kind, depth)
            return self.call(name, operand), strict(lambda time: getattr(time, name), operand[1])
        return self.calculated("integer", depth)

    def calculated(self, kind: str, depth: int) -> Filter:
        name, function = self.chance.choice(
            [
                ("add", lambda a, b: a + b),
                ("sub", lambda a, b: a - b),
                ("mul", lambda a, b: a * b),
                *([("div", divided), ("mod", remainder)] if kind == "integer" else []),
            ]
        )
        left, right = self.value(kind, depth), self.value(kind, 0)
        text = f"({left[0]}{self.blank()}{name}{self.blank()}{right[0]})"
        return text, strict(function, left[1], right[1])

    def decimal(self, depth: int) -> Filter:
        if self.chance.random() < 0.5:
            return self.calculated("number", depth)
        name, function = self.chance.choice(
            [("floor", math.floor), ("ceiling", math.ceil), ("round", half_up)]
        )
        operand = self.value("number", depth)
        return self.call(name, operand), strict(function, operand[1])

    def day(self, depth: int) -> Filter:
        operand = self.value("time", depth)
        return self.call("date", operand), strict(datetime.date, operand[1])

    def either(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def condition(self, depth: int) -> Filter:
        choice = self.chance.random()
        if depth > 0 and choice < 0.45:
            return self.combined(depth - 1)
        if choice < 0.6:
            return self.listed(depth)
        if choice < 0.7:
            left, right = self.value("text", 1), self.value("text", 0)
            name, function = self.chance.choice(
                [
                    ("contains", lambda a, b: b in a),
                    ("startswith", str.startswith),
                    ("endswith", str.endswith),
                ]
            )
            return self.call(name, left, right), strict(function, left[1], right[1])
        if choice < 0.75:
            return self.value("boolean", 0)
        return self.compared(depth)

    def combined(self, depth: int) -> Filter:
        left, right = self.condition(depth), self.condition(depth)
        name = self.either("and", "or", "not")
        if name == "not":
            return f"not{self.blank()}({left[0]})", strict(lambda value: not value, left[1])

        def evaluate(row: Row) -> Any:
            values = (left[1](row), right[1](row))
            decisive = name == "or"
            if decisive in values:
                return decisive
            return None if None in values else not decisive

        text = f"{left[0]}{self.blank()}{name}{self.blank()}{right[0]}"
        return f"({text})", evaluate

    def listed(self, depth: int) -> Filter:
        kind = self.either(*POOLS)
        operand = self.value(kind, 1)
        values = [
            self.chance.choice([*POOLS[kind], None]) for _ in range(self.chance.randint(1, 4))
        ]
        text = f"{operand[0]} in ({', '.join(map(literal, values))})"
        return text, lambda row: operand[1](row) in values

    def compared(self, depth: int) -> Filter:
        kind = self.either(*POOLS)
        other = {"integer": "number", "number": "integer"}.get(kind, kind)
        names = ("eq", "ne") if kind == "boolean" else ("eq", "ne", "gt", "ge", "lt", "le")
        name, left = self.either(*names), self.value(kind, depth)
        right = ("null", lambda row: None) if self.chance.random() < 0.15 else self.value(other, 1)

        def evaluate(row: Row) -> bool:
            a, b = left[1](row), right[1](row)
            if name in ("eq", "ne"):
                return (a == b) is (name == "eq")
            if a is None or b is None:
                return False
            return bool({"gt": a > b, "ge": a >= b, "lt": a < b, "le": a <= b}[name])

        return f"{left[0]}{self.blank()}{name}{self.blank()}{right[0]}", evaluate

    makers: ClassVar[dict[str, list[Callable[[Maker, int], Filter]]]] = {
        "text": [text, joined, part],
        "integer": [whole],
        "number": [decimal],
        "date": [day],
    }


def test_random_filters_select_what_plain_python_selects() -> None:
    maker, selected = Maker(20_21), 0
    data = rows(maker.chance)
    with duckdb.connect() as connection:
        body = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table rows (place bigint, {body})")
        for place, row in enumerate(data):
            marks = ", ".join("?" for _ in range(len(row) + 1))
            connection.execute(f"insert into rows values ({marks})", [place, *row.values()])
        for _ in range(0, FILTERS, AT_ONCE):
            filters = [maker.condition(maker.chance.randint(0, 4)) for _ in range(AT_ONCE)]
            parameters = SqlParameters()
            conditions = [sql_of(text, parameters) for text, _ in filters]
            answers = connection.execute(
                f"select {', '.join(conditions)} from rows order by place", parameters.values
            ).fetchall()
            for index, (text, evaluate) in enumerate(filters):
                expected = [evaluate(row) is True for row in data]
                assert [row[index] is True for row in answers] == expected, text
                selected += 0 < sum(expected) < len(data)
    assert selected > FILTERS / 3, "most filters select some rows and leave out others"


def sql_of(text: str, parameters: SqlParameters) -> str:
    tokens = Tokens(text, "$filter")
    expression = parse_expression(tokens)
    tokens.end()
    return condition_sql(expression, KINDS, parameters, "$filter")


def test_damaged_filters_are_refused_or_read_and_never_fail_otherwise() -> None:
    maker, refused = Maker(7), 0
    for _ in range(FILTERS // 5):
        text = list(maker.condition(3)[0])
        for _ in range(maker.chance.randint(1, 3)):
            at = maker.chance.randrange(len(text) + 1)
            text[at : at + maker.chance.randint(0, 2)] = maker.chance.choice(
                [
                    "'",
                    "(",
                    ")",
                    ",",
                    " and ",
                    " eq ",
                    "--",
                    ";",
                    "\x00",
                    "é",
                    "9" * 30,
                    "@p",
                    "$it/",
                ]
            )
        try:
            sql_of("".join(text), SqlParameters())
        except RefusalError as error:
            refused += error.status == 400
    assert refused > FILTERS / 10


def test_no_text_of_a_filter_is_part_of_its_sql() -> None:
    parameters = SqlParameters()

    sql = sql_of("name eq 'x'' or 1=1; drop table rows --'", parameters)

    assert sql == '("name" is not distinct from cast($v0 as varchar))'
    assert parameters.values == {"v0": "x' or 1=1; drop table rows --"}


@pytest.mark.parametrize(
    "text", ["(" * 3000 + "is_open" + ")" * 3000, "not " * 3000 + "is_open", "-" * 3000 + "1 eq 1"]
)
def test_nested_filters_end_in_one_sentence(text: str) -> None:
    with pytest.raises(RefusalError, match="lie within one another"):
        sql_of(text, SqlParameters())


def test_long_chains_of_conditions_are_read() -> None:
    parameters = SqlParameters()
    sql = sql_of(" or ".join(f"runs eq {number}" for number in range(1000)), parameters)

    with duckdb.connect() as connection:
        [(count,)] = connection.execute(
            f"select count(*) from (select range as runs from range(5000)) where {sql}",
            parameters.values,
        ).fetchall()
    assert count == 1000
    with pytest.raises(RefusalError, match="in one go"):
        sql_of("runs eq " + " add ".join(["1"] * 1000), SqlParameters())
