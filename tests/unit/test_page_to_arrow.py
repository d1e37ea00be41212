"""Pages by column and pages by Python objects: the same tables, the same values set aside."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octane_flows.client import EntityType, Field, Metadata, PageBytes
from octane_flows.errors import AnswerError
from octane_flows.extract import page_to_arrow
from octane_flows.extract.extract_plan import make_plan
from octane_flows.extract.field_values import (
    BOOLEAN_AS_TEXT,
    CUT,
    HALF_CHARACTER,
    NOT_A_TEXT,
    NUMBER_AS_TEXT,
    ValueNotes,
)
from octane_flows.extract.page_to_arrow import DecodedPage, decode_exactly, decode_page
from octane_flows.extract.row_to_arrow import Stamp, link_table

STAMP = Stamp("1002", 7, datetime(2021, 1, 20, 21, tzinfo=UTC))
TYPES = {
    "name": "string",
    "description": "memo",
    "points": "integer",
    "effort": "float",
    "blocked": "boolean",
    "closed_on": "date_time",
    "due": "date",
    "last_runs": "object",
    "odd": "new_type",
    "severity": "reference",
    "tags": "reference",
    "runs": "reference",
}
FIELDS = {
    name: Field(
        name,
        name,
        field_type,
        is_reference=field_type == "reference",
        multiple=name in ("tags", "runs"),
    )
    for name, field_type in TYPES.items()
}
DEFECT = EntityType("defect", "Defect", "defects", frozenset({"GET"}), fields=FIELDS)
PLAN = make_plan({"1002": Metadata({"defect": DEFECT}, [])})
(ENTITY,) = PLAN.entities

any_id = st.integers(1, 10**12).map(str) | st.sampled_from(["phase.new", "0", "٣", "x"])
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
references = st.fixed_dictionaries(
    {"type": st.sampled_from(["list_node", "work_item", ""]), "id": any_id},
    optional={"subtype": st.sampled_from(["story", ""]) | st.none(), "name": any_text},
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(any_text, inner, max_size=2),
    max_leaves=5,
)
lists = st.builds(
    lambda targets, missing: {"total_count": len(targets) + missing, "data": targets},
    st.lists(references, max_size=3),
    st.sampled_from([0, 0, 0, 1]),
)
dates = st.dates(date(1700, 1, 1), date(2200, 1, 1)).map(str)
moments = st.builds(
    lambda day, time: f"{day}T{time}Z",
    dates,
    st.sampled_from(["10:20", "10:20:30", "10:20:30.1", "10:20:30.104", "23:59:59.999999"]),
)
fitting: dict[str, st.SearchStrategy[Any]] = {
    "name": any_text,
    "description": any_text.map(lambda text: f"<p>\n{text}</p>\t"),
    "points": st.integers(-(2**63), 2**63 - 1),
    "effort": st.floats(allow_infinity=False, allow_nan=False) | st.integers(-(10**18), 10**18),
    "blocked": st.booleans(),
    "closed_on": moments,
    "due": dates | moments,
    "last_runs": json_values,
    "odd": json_values,
    "severity": references,
    "tags": lists,
    "runs": lists,
}
rows = st.fixed_dictionaries(
    {"id": any_id},
    optional={
        "type": st.sampled_from(["defect", "work_item"]),
        "subtype": st.sampled_from(["defect", ""]),
        "not_requested": json_values,
        **{name: values | st.none() for name, values in fitting.items()},
    },
)


def as_page(data: list[Any], *, total: int | None = None, **extra: Any) -> PageBytes:
    count = len(data) if total is None else total
    body = {"total_count": count, "data": data, "exceeds_total_count": False, **extra}
    return PageBytes(json.dumps(body).encode(), 1000, 10, "reading defects")


def facts(page: DecodedPage) -> dict[str, Any]:
    return {
        "total": (page.total_count, page.exceeds_total_count, page.bytes_received),
        "ids": page.ids.to_pylist(),
        "short": sorted((id, field.name) for id, field in page.short_lists),
        "schemas": {name: table.schema for name, table in page.tables.items()},
        "rows": {name: table.to_pylist() for name, table in page.tables.items()},
        "numbers": None if page.numbers is None else page.numbers.to_pylist(),
        "misfits": page.misfits,
        "adjustments": page.adjustments,
        "rejected": page.rejected_ids,
    }


def outcome(way: Any, page: PageBytes) -> Any:
    try:
        decoded = way(page, ENTITY, PLAN.tables, STAMP)
        return facts(decoded.of_numbers())
    except AnswerError as error:
        return type(error), str(error)


@given(st.lists(rows, max_size=6), st.booleans(), st.sampled_from([None, 1, 2]))
def test_both_ways_give_the_same_tables(data: list[Any], raw: bool, indent: int | None) -> None:
    page = as_page(data, total=len(data) + 3)
    body = json.dumps(json.loads(page.body), ensure_ascii=raw, indent=indent).encode()

    assert outcome(decode_page, replace(page, body=body)) == outcome(decode_exactly, page)


@given(st.lists(rows, min_size=1, max_size=3), st.sampled_from(sorted(TYPES)), json_values)
def test_both_ways_meet_the_same_misfits(data: list[Any], field: str, value: Any) -> None:
    data[-1][field] = value
    page = as_page(data)

    assert outcome(decode_page, page) == outcome(decode_exactly, page)


@given(st.lists(rows, max_size=3), st.data())
def test_a_cut_page_is_never_accepted(data: list[Any], draws: st.DataObject) -> None:
    page = as_page(data)
    cut = draws.draw(st.integers(0, len(page.body) - 1))

    with pytest.raises(AnswerError):
        decode_page(replace(page, body=page.body[:cut]), ENTITY, PLAN.tables, STAMP)


@pytest.mark.parametrize(
    "body",
    [
        b'{"total_count":0,"data":[]} {"total_count":0,"data":[]}',
        b'{"total_count":1,"data":[{"id":"1","name":"\xff"}]}',
        b'{"total_count":1,"data":[null]}',
        b'{"total_count":1,"data":[{"id":""}]}',
        b'{"total_count":1,"data":[{"name":"a"}]}',
        b'{"total_count":0,"data":[{"id":"1"}]}',
        b'{"total_count":-1,"data":[]}',
        b'{"total_count":0}',
        b"[]",
        b"",
    ],
)
def test_a_page_that_cannot_be_right_is_an_error(body: bytes) -> None:
    with pytest.raises(AnswerError):
        decode_page(PageBytes(body, 1000, 1, "reading defects"), ENTITY, PLAN.tables, STAMP)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("points", "five", "five"),
        ("points", "05", "05"),
        ("points", "５", "５"),
        ("points", 1.5, "1.5"),
        ("points", 2**63, str(2**63)),
        ("points", 1e300, "1e+300"),
        ("points", 9007199254740995.0, "9007199254740996.0"),
        ("points", True, "true"),
        ("points", float("nan"), "NaN"),
        ("effort", "a lot", "a lot"),
        ("effort", "NaN", "NaN"),
        ("effort", float("nan"), "NaN"),
        ("effort", float("inf"), "Infinity"),
        ("effort", 10**400, "1" + "0" * 400),
        ("effort", 2**53 + 1, str(2**53 + 1)),
        ("blocked", 1, "1"),
        ("blocked", "yes", "yes"),
        ("name", {"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
        ("description", ["a"], '["a"]'),
        ("name", float("nan"), "NaN"),
        ("last_runs", {"a": float("nan")}, '{"a": NaN}'),
        ("closed_on", "yesterday", "yesterday"),
        ("closed_on", "", ""),
        ("closed_on", "2021-01-20", "2021-01-20"),
        ("closed_on", "2021-01-20T10:20:30", "2021-01-20T10:20:30"),
        ("closed_on", "2021-02-30T10:20:30Z", "2021-02-30T10:20:30Z"),
        ("closed_on", "0000-01-20T10:20:30Z", "0000-01-20T10:20:30Z"),
        ("closed_on", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59-05:00"),
        ("closed_on", 1611138030000, "1611138030000"),
        ("due", 20210120, "20210120"),
        ("due", "", ""),
        ("due", "2021-02-30", "2021-02-30"),
        ("due", "0000-01-20", "0000-01-20"),
        ("due", "2021-01-20 or later", "2021-01-20 or later"),
        ("severity", {}, "{}"),
        ("severity", {"name": "High"}, '{"name": "High"}'),
        ("severity", {"id": ""}, '{"id": ""}'),
        ("severity", {"id": {"a": 1}}, '{"id": {"a": 1}}'),
        ("severity", {"id": "1", "type": 5}, '{"id": "1", "type": 5}'),
        ("severity", True, "true"),
        ("severity", [{"id": "1"}], '[{"id": "1"}]'),
        ("tags", {"total_count": 1, "data": [{"name": "smoke"}]}, None),
        ("tags", {"total_count": 1}, None),
        ("tags", {"total_count": 1, "data": 7}, None),
        ("tags", {"total_count": 1, "data": [None]}, None),
        ("tags", {"total_count": 1, "data": [{"id": "7", "type": ["a"]}]}, None),
        ("tags", "smoke", "smoke"),
    ],
)
def test_a_misfit_is_null_and_keeps_its_value_as_text(
    field: str, value: Any, text: str | None
) -> None:
    page = decode_page(
        as_page([{"id": "1000", "name": "a"}, {"id": "1001", "subtype": "defect", field: value}]),
        ENTITY,
        PLAN.tables,
        STAMP,
    )

    (misfit,) = page.misfits
    assert (misfit.id, misfit.field) == ("1001", field)
    assert misfit.value == (json.dumps(value, sort_keys=True) if text is None else text)
    first, second = page.tables["defect"].to_pylist()
    assert first["name"] == "a"
    names = [name for name in second if name.startswith(field)]
    assert [second[name] for name in names] == [None] * len(names)
    assert second["type"] == "defect"
    assert page.tables["defect__tags"].num_rows == 0
    assert page.short_lists == ()


@pytest.mark.parametrize(
    ("field", "value", "column", "taken", "what"),
    [
        ("points", "5", "points", 5, NUMBER_AS_TEXT),
        ("points", "-9223372036854775808", "points", -(2**63), NUMBER_AS_TEXT),
        ("effort", "1.5", "effort", 1.5, NUMBER_AS_TEXT),
        ("blocked", "true", "blocked", True, BOOLEAN_AS_TEXT),
        ("name", "half \ud83d", "name", "half \ufffd", HALF_CHARACTER),
        ("last_runs", {"a": "\udc00"}, "last_runs", '{"a": "\ufffd"}', HALF_CHARACTER),
        ("name", 5, "name", "5", NOT_A_TEXT),
        *(
            ("closed_on", f"2021-01-20T10:20:30.{digits}{zone}", "closed_on", moment, CUT)
            for digits in ("1234567", "123456999")
            for zone, moment in (
                ("Z", datetime(2021, 1, 20, 10, 20, 30, 123456)),
                ("+02:00", datetime(2021, 1, 20, 8, 20, 30, 123456)),
            )
        ),
    ],
)
def test_what_loses_nothing_is_taken_with_a_note(
    field: str, value: Any, column: str, taken: Any, what: str
) -> None:
    page = decode_page(as_page([{"id": "1001", field: value}]), ENTITY, PLAN.tables, STAMP)

    assert page.tables["defect"][column].to_pylist() == [taken]
    assert page.misfits == ()
    assert [(note.id, note.field, note.what) for note in page.adjustments] == [
        ("1001", field, what)
    ]


@pytest.mark.parametrize(
    "id", ["9223372036854775808", "9" * 5000, "１００１", "0100", "-5", 2**63, -5]
)
def test_a_row_whose_number_cannot_be_used_is_set_aside_whole(id: Any) -> None:
    rows = [{"id": "1000"}, {"id": id, "points": "x", "tags": {"data": [{"id": "1"}]}}]

    page = decode_page(as_page(rows), ENTITY, PLAN.tables, STAMP)

    assert page.ids.to_pylist() == ["1000"]
    assert page.numbers is not None
    assert page.numbers.to_pylist() == [1000]
    assert (page.rows, len(page.rejected_ids)) == (2, 1)
    assert [(misfit.field, misfit.value[:20]) for misfit in page.misfits] == [("id", str(id)[:20])]
    assert page.tables["defect__tags"].num_rows == 0


def test_ids_that_are_names_are_kept_unless_the_collection_has_numbers() -> None:
    rows = as_page([{"id": "phase.defect.new"}, {"id": "7"}])

    named = decode_page(rows, ENTITY, PLAN.tables, STAMP)
    numbered = decode_page(rows, ENTITY, PLAN.tables, STAMP, of_numbers=True)

    assert (named.numbers, named.ids.to_pylist()) == (None, ["phase.defect.new", "7"])
    assert numbered.ids.to_pylist() == ["7"]
    assert [misfit.value for misfit in numbered.misfits] == ["phase.defect.new"]


ORDINARY = {
    "type": "work_item",
    "subtype": "defect",
    "id": "1001",
    "name": "Größe ✓",
    "points": 5,
    "closed_on": "2021-01-20T20:01:50.104Z",
    "last_runs": None,
    "severity": {"type": "list_node", "id": "list_node.severity.high", "name": "High"},
    "tags": {"total_count": 3, "data": [{"type": "user_tag", "id": "7"}]},
}


def test_an_ordinary_page_needs_no_python_objects() -> None:
    with patch.object(page_to_arrow, "decode_exactly", side_effect=AssertionError("the slow way")):
        page = decode_page(as_page([ORDINARY]), ENTITY, PLAN.tables, STAMP)

    row = page.tables["defect"].to_pylist()[0]
    assert row["type"] == "defect"
    assert row["closed_on"] == datetime(2021, 1, 20, 20, 1, 50, 104000)
    assert (row["severity_id"], row["severity_type"]) == ("list_node.severity.high", "list_node")
    assert page.tables["defect__tags"]["target_id"].to_pylist() == ["7"]
    assert [(id, field.name) for id, field in page.short_lists] == [("1001", "tags")]


def test_a_filled_object_field_is_kept_as_json_text() -> None:
    with patch.object(page_to_arrow, "decode_exactly", side_effect=AssertionError("the slow way")):
        page = decode_page(
            as_page([{**ORDINARY, "last_runs": {"b": 1, "a": "ü"}}]), ENTITY, PLAN.tables, STAMP
        )

    assert page.tables["defect"]["last_runs"].to_pylist() == ['{"a": "ü", "b": 1}']


def test_a_completed_list_replaces_the_short_one() -> None:
    page = decode_page(as_page([ORDINARY]), ENTITY, PLAN.tables, STAMP)
    (id, field) = page.short_lists[0]
    whole = {"id": "1001", "tags": {"data": [{"type": "user_tag", "id": id} for id in "789"]}}

    notes = ValueNotes()
    links = link_table(PLAN.tables["defect__tags"], field, [whole], STAMP, notes)
    page = page.with_links("defect__tags", id, links, notes)

    assert page.tables["defect__tags"]["target_id"].to_pylist() == ["7", "8", "9"]


GOOD_PAGE = b'{"total_count":0,"data":[],"exceeds_total_count":false}'
ODD_BODIES = [
    b"null", b" \r\n null", b"\xef\xbb\xbfnull", b"null" + GOOD_PAGE, b"true", b"1", b'"a"', b"[]",
    b"[null]", b"NaN", b"", b" " * 100 + b"null", b"{}", b'{"data":null}', b'{"data":[null]}',
    b'{"data":[[]],"total_count":1}', b'{"data":{},"total_count":1}', GOOD_PAGE + b"null",
    GOOD_PAGE + GOOD_PAGE, GOOD_PAGE + b"[]", b"[" * 100_000, b'{"data":' * 100_000,
    b'{"total_count":1e999,"data":[]}', b'{"total_count":"1","data":[]}',
    b'{"total_count":-1,"data":[]}', b'{"total_count":99999999999999999999,"data":[{}]}',
    b'{"total_count":1,"data":[{"id":null}]}', b'{"total_count":1,"data":[{"id":""}]}',
    b'{"total_count":1,"data":[{"id":{}}]}', b'{"total_count":1,"data":[{"id":true}]}',
    b'{"total_count":1,"data":[{"id":[1]}]}', b'{"total_count":1,"data":[{"id":1.5}]}',
    b'{"total_count":' + b"9" * 5000 + b',"data":[]}',
    "{\"total_count\":0,\"data\":[],\"note\":\"größe\"}".encode("latin-1"),
]  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES, ids=[repr(body[:40]) for body in ODD_BODIES])
def test_a_body_that_is_no_page_is_an_error_and_not_the_end_of_the_process(body: bytes) -> None:
    with pytest.raises(AnswerError):
        decode_page(PageBytes(body, 100, len(body), "reading"), ENTITY, PLAN.tables, STAMP)
