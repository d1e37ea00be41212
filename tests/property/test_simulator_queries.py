"""Random queries over random workspaces: the simulator answers what plain Python answers."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from octane_simulator import Simulator
from octane_simulator.query.reader import Caller
from tests.property.naive import All, AnyOf, Empty, Field, Not, Ref, World, holds, text_of

SEEDS = (11, 12, 13)
OPS = ("EQ", "LT", "GT", "LE", "GE", "IN", "BTW")

# The fields in queries: name -> kind, or the entity type that a reference leads to.
MODEL: dict[str, dict[str, str]] = {
    "run": {"id": "id", "name": "text", "subtype": "word", "duration": "number",
            "started": "date", "creation_time": "date", "draft_run": "flag",
            "error_message": "text", "test": "test", "release": "release", "status": "list_node",
            "taxonomies": "taxonomy_node", "defect": "work_item", "parent_suite": "run",
            "user_tags": "user_tag"},
    "test": {"id": "id", "name": "text", "subtype": "word", "owner": "workspace_user",
             "product_areas": "product_area", "covered_content": "work_item", "run": "run",
             "last_runs": "run", "user_tags": "user_tag", "steps_num": "number"},
    "work_item": {"id": "id", "name": "text", "subtype": "word", "story_points": "number",
                  "blocked": "flag", "closed_on": "date", "parent": "work_item", "run": "run",
                  "test": "test", "owner": "workspace_user", "phase": "phase",
                  "release": "release", "user_tags": "user_tag"},
    "release": {"id": "id", "name": "text", "start_date": "date", "is_default": "flag"},
    "product_area": {"id": "id", "name": "text", "parent": "product_area"},
    "taxonomy_node": {"id": "id", "name": "text", "subtype": "word"},
    "workspace_user": {"id": "id", "name": "text", "full_name": "text"},
    "user_tag": {"id": "id", "name": "text"},
    "phase": {"id": "word", "logical_name": "word"},
    "list_node": {"id": "word", "logical_name": "word"},
    "task": {"id": "id", "name": "text", "story": "work_item", "estimated_hours": "number"},
}  # fmt: skip
ASKED = ("run", "test", "work_item", "product_area", "task")


@lru_cache
def opened(seed: int) -> tuple[Simulator, World]:
    """A workspace, and all its rows as the API shows them."""
    simulator = Simulator(dataset="generated", runs=60, seed=seed)
    world: World = {}
    for kind, fields in MODEL.items():
        names = {name for name in fields if name in simulator.schema.entities[kind].fields}
        for row in read(simulator, kind, {"fields": ",".join(sorted(names)), "limit": "1000"})[1]:
            world[row["type"], row["id"]] = row
    return simulator, world


def read(
    simulator: Simulator, kind: str, parameters: dict[str, str]
) -> tuple[int, list[dict[str, Any]]]:
    entity = simulator.schema.entities[kind]
    answer = json.loads(simulator.reader.page(entity, parameters, Caller()).text())
    return answer["total_count"], answer["data"]


def rows_of(simulator: Simulator, world: World, kind: str) -> list[dict[str, Any]]:
    members = {kind, *simulator.schema.subtypes.get(kind, ())}
    return [row for (of, _), row in world.items() if of in members]


@st.composite
def scalars(draw: st.DrawFn, name: str, kind: str, stored_values: list[Any]) -> Any:
    """A comparison with values that occur, or nearly occur."""
    if kind == "flag":
        return Field(name, "EQ", (draw(st.booleans()),))
    op = draw(st.sampled_from(OPS))
    count = {"BTW": 2, "IN": draw(st.integers(1, 3))}.get(op, 1)
    values = []
    for _ in range(count):
        value = draw(st.sampled_from(stored_values)) if stored_values else "x"
        if kind == "id":
            value = int(value) + draw(st.integers(-1, 1))
        elif kind == "number":
            value = int(value) + draw(st.integers(-1, 1)) if stored_values else 1
        elif kind == "text":
            value = value.replace("*", "")
            value = draw(st.sampled_from([value, value.upper(), value[:4], value.swapcase()]))
            if op in {"EQ", "IN"}:
                value = draw(st.sampled_from([value, value[:3] + "*", "*" + value[-3:], "*"]))
        elif kind == "date" and not stored_values:
            value = "2026-01-01T00:00:00Z"
        values.append(value)
    return Field(name, op, tuple(values))


@st.composite
def asks(draw: st.DrawFn, kind: str, seed: int, depth: int) -> Any:
    """A random tree over an entity type."""
    simulator, world = opened(seed)
    if depth and draw(st.integers(0, 2)) == 0:
        parts = tuple(draw(asks(kind, seed, depth - 1)) for _ in range(draw(st.integers(1, 3))))
        return draw(st.sampled_from([All(parts), AnyOf(parts), Not(parts[0])]))
    name = draw(st.sampled_from(sorted(MODEL[kind])))
    of = MODEL[kind][name]
    if of in MODEL:
        if not depth or draw(st.integers(0, 4)) == 0:
            return Empty(name, is_reference=True)
        count = draw(st.integers(1, 2))
        return Ref(name, tuple(draw(asks(of, seed, depth - 1)) for _ in range(count)))
    if of not in {"id", "word"} and draw(st.integers(0, 6)) == 0:
        return Empty(name, is_reference=False)
    stored_values = [
        row[name] for row in rows_of(simulator, world, kind) if row.get(name) is not None
    ]
    return draw(scalars(name, of, stored_values))


@given(data=st.data(), seed=st.sampled_from(SEEDS), kind=st.sampled_from(ASKED))
def test_a_query_finds_what_a_loop_over_dictionaries_finds(
    data: st.DataObject, seed: int, kind: str
) -> None:
    simulator, world = opened(seed)
    ask = data.draw(asks(kind, seed, 3))
    rows = [row for row in rows_of(simulator, world, kind) if holds(ask, row, world)]
    expected = sorted((row["id"] for row in rows), key=int)
    text = text_of(ask)
    total, answer_rows = read(
        simulator, kind, {"query": f'"{text}"', "fields": "id", "limit": "1000"}
    )
    assert [row["id"] for row in answer_rows] == expected, text
    assert total == len(expected), text


@given(
    data=st.data(),
    seed=st.sampled_from(SEEDS),
    kind=st.sampled_from(ASKED),
    limit=st.integers(1, 50),
)
def test_pages_by_id_and_by_offset_add_up(
    data: st.DataObject, seed: int, kind: str, limit: int
) -> None:
    simulator, world = opened(seed)
    ask = data.draw(asks(kind, seed, 1))
    wanted = [r for r in rows_of(simulator, world, kind) if holds(ask, r, world)]
    expected = sorted((row["id"] for row in wanted), key=int)
    by_id: list[str] = []
    last = 0
    while True:
        query = f'"{text_of(ask)};id GT {last}"'
        total, page = read(
            simulator,
            kind,
            {"query": query, "fields": "id", "limit": str(limit), "order_by": "id"},
        )
        assert total == len(expected) - len(by_id)
        if not page:
            break
        by_id += [row["id"] for row in page]
        last = int(page[-1]["id"])
    by_offset: list[str] = []
    while len(by_offset) < len(expected):
        parameters = {
            "query": f'"{text_of(ask)}"',
            "fields": "id",
            "limit": str(limit),
            "offset": str(len(by_offset)),
        }
        by_offset += [row["id"] for row in read(simulator, kind, parameters)[1]]
    assert by_id == by_offset == expected


@given(data=st.data(), seed=st.sampled_from(SEEDS), kind=st.sampled_from(ASKED))
def test_rows_come_in_the_requested_order(data: st.DataObject, seed: int, kind: str) -> None:
    simulator, world = opened(seed)
    sortable = [
        name
        for name, of in MODEL[kind].items()
        if of not in MODEL
        and name in simulator.schema.entities[kind].fields
        and simulator.schema.entities[kind].fields[name].sortable
    ]
    name, down = data.draw(st.sampled_from(sortable)), data.draw(st.booleans())
    rows = sorted(rows_of(simulator, world, kind), key=lambda row: int(row["id"]))

    def key(row: dict[str, Any]) -> tuple[bool, Any]:
        value = int(row[name]) if name == "id" else row.get(name)
        folded = value.casefold() if isinstance(value, str) else value
        return value is not None, 0 if value is None else folded

    rows.sort(key=key, reverse=down)  # rows without a value come first, or last
    parameters = {"fields": "id", "limit": "1000", "order_by": ("-" if down else "") + name}
    answer_rows = [row["id"] for row in read(simulator, kind, parameters)[1]]
    assert answer_rows == [row["id"] for row in rows]
