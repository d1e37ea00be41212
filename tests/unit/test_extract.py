"""The extract's own logic: rows to columns without loss, pages that must add up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from octane_flows.client import EntityType, Field, Metadata, Page, PageBytes, Workspace
from octane_flows.errors import AnswerError, UsageError
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.extract_plan import EntityPlan, Plan, make_plan
from octane_flows.extract.field_values import ValueNotes
from octane_flows.extract.page_reader import read_pages
from octane_flows.extract.page_size import PageSize
from octane_flows.extract.page_to_arrow import decode_page
from octane_flows.extract.row_to_arrow import Stamp, entity_table, link_table, short_lists

STAMP = Stamp("1002", 7, datetime(2021, 1, 20, 21, tzinfo=UTC))


def a_field(name: str, field_type: str, *, multiple: bool = False) -> Field:
    return Field(
        name=name,
        label=name.title(),
        field_type=field_type,
        is_reference=field_type == "reference",
        multiple=multiple,
        targets=(),
        list_root=None,
        filterable=True,
        sortable=True,
        selectable=True,
        editable=True,
        required=False,
        is_user_defined=False,
        max_length=None,
        access_level="PUBLIC",
        description="",
    )


def an_entity(name: str, *fields: Field, subtypes: tuple[str, ...] = ()) -> EntityType:
    return EntityType(
        name=name,
        label=name.title(),
        collection=f"{name}s",
        methods=frozenset({"GET"}),
        access_level="PUBLIC",
        subtype_of=None,
        subtypes=subtypes,
        fields={field.name: field for field in fields},
    )


DEFECT = an_entity(
    "defect",
    a_field("name", "string"),
    a_field("story_points", "integer"),
    a_field("closed_on", "date_time"),
    a_field("severity", "reference"),
    a_field("jobs", "object"),
    a_field("user_tags", "reference", multiple=True),
)


def planned(*entities: EntityType) -> Plan:
    return make_plan({"1002": Metadata({entity.name: entity for entity in entities}, [])})


PLAN = planned(DEFECT)
(ENTITY,) = PLAN.entities


def row(**values: Any) -> dict[str, Any]:
    return {"type": "defect", "id": "1001", **values}


def table_of(*rows: dict[str, Any]) -> dict[str, list[Any]]:
    return cast(
        "dict[str, list[Any]]",
        entity_table(ENTITY, PLAN.tables["defect"], rows, STAMP, ValueNotes()).to_pydict(),
    )


def test_each_kind_of_value_keeps_its_meaning() -> None:
    table = table_of(
        row(
            name="Größe ✓",
            story_points=5,
            closed_on="2021-01-20T20:01:50.104Z",
            severity={"type": "list_node", "id": "list_node.severity.high"},
            jobs={"b": 1},
        )
    )

    assert table["name"] == ["Größe ✓"]
    assert table["story_points"] == [5]
    assert table["closed_on"] == [datetime(2021, 1, 20, 20, 1, 50, 104000)]
    assert table["severity_id"] == ["list_node.severity.high"]
    assert table["severity_type"] == ["list_node"]
    assert table["jobs"] == ['{"b": 1}']
    assert table["_workspace_id"] == ["1002"]
    assert table["_generation"] == [7]


def test_the_concrete_type_wins_over_the_aggregate() -> None:
    assert table_of({"type": "work_item", "subtype": "defect", "id": 1001})["type"] == ["defect"]


def test_absent_values_are_null() -> None:
    table = table_of(row())

    assert table["name"] == table["severity_id"] == table["closed_on"] == [None]


def test_a_multi_reference_becomes_one_row_a_target() -> None:
    tags = {"total_count": 2, "data": [{"type": "user_tag", "id": id} for id in ("1", "2")]}
    (field,) = ENTITY.links

    table = link_table(
        PLAN.tables["defect__user_tags"], field, [row(user_tags=tags), row()], STAMP, ValueNotes()
    ).to_pydict()

    assert table["source_id"] == ["1001", "1001"]
    assert table["target_id"] == ["1", "2"]


def test_a_nested_list_that_is_shorter_than_its_count_is_listed() -> None:
    short = {"total_count": 3, "data": [{"type": "user_tag", "id": "1"}]}

    assert [field.name for _, field in short_lists(ENTITY, [row(user_tags=short)])] == ["user_tags"]


def test_an_aggregate_is_read_through_its_subtypes() -> None:
    work_item = an_entity("work_item", subtypes=("defect",))

    plan = planned(work_item, DEFECT)

    assert [entity.name for entity in plan.entities] == ["defect"]
    assert [aggregate.name for aggregate in plan.aggregates] == ["work_item"]


def test_an_unknown_entity_type_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'defekt' on this server\. Did you mean defect"):
        make_plan({"1002": Metadata({"defect": DEFECT}, [])}, only=["defekt"])


class FakeWorkspace:
    """Answers pages from a list of ids; `spoil` may change an answer."""

    def __init__(self, ids: Sequence[int], spoil: Any = None) -> None:
        self.ids = sorted(ids)
        self.spoil = spoil
        self.requests = 0

    def page(
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: Any = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> Page:
        self.requests += 1
        text = str(query) if query is not None else ""
        low, high = 0, 10**9
        if " BTW " in text:
            low, high = (int(edge) for edge in text.split(" BTW ")[1].split("..."))
        elif text:
            above, below = text.replace("(", "").replace(")", "").split(";")
            low, high = int(above.split()[-1]) + 1, int(below.split()[-1])
        matching = [id for id in self.ids if low <= id <= high]
        if order_by == "-id":
            matching.reverse()
        rows = [{"id": str(id), "type": "defect"} for id in matching[: limit or 1000]]
        page = Page(rows, len(matching), False, 10)
        return self.spoil(page, text) if self.spoil is not None else page

    def page_bytes(self, collection: str, **parameters: Any) -> PageBytes:
        page = self.page(collection, **parameters)
        body = {"total_count": page.total_count, "data": page.rows, "exceeds_total_count": False}
        return PageBytes(
            json.dumps(body).encode(), parameters["limit"], 10, f"reading {collection}"
        )

    def count(self, collection: str, query: Any = None) -> int:
        return self.page(collection, fields=["id"], query=query, limit=1).total_count


def read(workspace: FakeWorkspace, page_size: int = 10) -> tuple[list[int], ReadCount]:
    count = ReadCount()
    plan: EntityPlan = ENTITY
    with ThreadPoolExecutor(3) as pool:
        pages = read_pages(
            cast("Workspace", workspace),
            plan,
            pool,
            decode=lambda page: decode_page(page, plan, PLAN.tables, STAMP),
            size=PageSize(page_size),
            windows_in_flight=3,
            count=count,
        )
        return [int(id) for page in pages for id in page.ids.to_pylist()], count


@pytest.mark.parametrize("total", [0, 1, 9, 10, 11, 99, 100, 101, 437])
def test_every_row_comes_once_and_in_order(total: int) -> None:
    ids = [1001 + 3 * index for index in range(total)]

    rows, count = read(FakeWorkspace(ids))

    assert rows == ids
    assert count.rows == count.total_count == total


def test_sparse_ids_cost_few_empty_windows() -> None:
    ids = [1001, *range(900_000, 900_100)]
    workspace = FakeWorkspace(ids)

    rows, _ = read(workspace)

    assert rows == ids
    assert workspace.requests < 40


def short_page(page: Page, text: str) -> Page:
    if " GT " in text and len(page.rows) > 3:
        return Page(page.rows[:3], page.total_count, False, 10)
    return page


def repeated_row(page: Page, text: str) -> Page:
    if " BTW " in text and len(page.rows) > 1:
        return Page([page.rows[0], *page.rows[:-1]], page.total_count, False, 10)
    return page


def overcounted(page: Page, text: str) -> Page:
    return page if text else Page(page.rows, page.total_count + 1, False, 10)


def all_rows(page: Page, text: str) -> Page:
    """A server that ignores the query."""
    if " BTW " in text:
        return Page([{"id": str(id), "type": "defect"} for id in range(1001, 1011)], 99, False, 10)
    return page


def row_above(page: Page, text: str) -> Page:
    if " BTW " in text and page.rows:
        return Page([*page.rows[:-1], {"id": "9999", "type": "defect"}], page.total_count, False, 1)
    return page


def undercounted(page: Page, text: str) -> Page:
    """Counts that are far too low, of everything and of the whole range."""
    is_whole = not text or text == "id BTW 1001...1099"
    return Page(page.rows, 40, False, 10) if is_whole else page


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (short_page, "gave a page of 3 rows"),
        (repeated_row, "repeated or misplaced id"),
        (all_rows, "repeated or misplaced id 1001 after"),
        (row_above, "gave id 9999 where ids up to 10[0-9]+ were requested"),
        (undercounted, "gave 99 rows and counts 40"),
    ],
)
def test_a_page_that_cannot_be_right_is_an_error(spoil: Any, sentence: str) -> None:
    with pytest.raises(AnswerError, match=sentence):
        read(FakeWorkspace(range(1001, 1100), spoil))


def test_a_count_that_the_range_does_not_confirm_is_taken_again() -> None:
    rows, count = read(FakeWorkspace(range(1001, 1100), overcounted))

    assert len(rows) == count.total_count == 99
