"""Collections without numeric ids are read by offset: no row is lost when others come or go."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from octane_flows.client.stable_reading import read_stable_pages
from octane_flows.client.transport import Request
from octane_flows.errors import AnswerError
from octane_simulator import Simulator
from tests.small import SmallTransport, run_extract, stored_rows


@dataclass(frozen=True, eq=False)
class ListPage:
    ids: list[str]
    total_count: int


class ChangingList:
    """A list that changes before some of its pages: `changes` by the number of the request."""

    def __init__(self, ids: str, changes: dict[int, str]) -> None:
        self.ids = ids
        self.changes = changes
        self.requests = 0

    def page(self, offset: int) -> ListPage:
        self.ids = self.changes.get(self.requests, self.ids)
        self.requests += 1
        return ListPage(list(self.ids[offset : offset + 2]), len(self.ids))

    def read(self) -> str:
        pages = read_stable_pages(
            self.page(0),
            self.page,
            lambda page: page.ids,
            self.page,
            lambda page: page.ids,
            AnswerError,
        )
        return "".join(id for page in pages for id in page.ids)


def test_pages_that_confirm_the_ids_are_not_kept() -> None:
    ids = [f"list_node.{number}" for number in range(5_000)]
    alive: weakref.WeakSet[ListPage] = weakref.WeakSet()
    most = 0

    def page_at(offset: int) -> ListPage:
        return ListPage(ids[offset : offset + 100], len(ids))

    def id_page_at(offset: int) -> ListPage:
        nonlocal most
        page = page_at(offset)
        alive.add(page)
        most = max(most, len(alive))
        return page

    pages = read_stable_pages(
        page_at(0),
        page_at,
        lambda page: page.ids,
        id_page_at,
        lambda page: page.ids,
        AnswerError,
    )

    assert [id for page in pages for id in page.ids] == ids
    assert most <= 2  # the page before, and the one that replaces it


def test_a_row_that_comes_again_much_later_is_noticed() -> None:
    changing = ChangingList("abcdefgh", {3: "bcdefgha"})  # nothing is lost, a comes twice

    assert sorted(changing.read()) == list("abcdefgh")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "abcde"),
        ({1: "bcde"}, "bcde"),  # c would be lost, and the counts agree
        ({2: "abdef"}, "abdef"),
        ({1: "xabcde"}, "xabcde"),  # b comes twice
        ({3: "abcdef"}, "abcdef"),  # after the last page
        ({4: "acde"}, "acde"),  # while the ids are confirmed
    ],
)
def test_a_list_that_changes_is_read_until_two_readings_agree(
    changes: dict[int, str], expected: str
) -> None:
    assert ChangingList("abcde", changes).read() == expected


def test_one_page_needs_no_second_reading() -> None:
    one_page = ChangingList("ab", {1: "b"})

    assert (one_page.read(), one_page.requests) == ("ab", 1)


def test_a_list_that_changes_all_the_time_is_not_read() -> None:
    restless = ChangingList("abcde", {place: "abcde"[place % 5 :] + "xy" for place in range(99)})

    with pytest.raises(AnswerError, match="changed during each of 5 readings"):
        restless.read()


def change_before_page(place: int, change: Callable[[], object]) -> Callable[[Request], None]:
    """Calls `change` before request `place` for list nodes."""
    left = place

    def before(request: Request) -> None:
        nonlocal left
        if "/list_nodes?" in request.url:
            left -= 1
            if left == -1:
                change()

    return before


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("act", ["delete", "insert"])
def test_a_list_value_that_comes_or_goes_between_pages_hides_no_other(
    simulator: Simulator, tmp_path: Path, page: int, act: str
) -> None:
    store = simulator.store
    first = min(row["id"] for row in store.find("list_node"))

    def change() -> None:
        if act == "delete":
            store.delete("list_node", first)
        else:
            store.insert("list_node", {"name": "new", "logical_name": "a.new"})

    transport = SmallTransport(simulator, change_before_page(page, change))

    run_extract(simulator, tmp_path, transport, only=("list_node",))

    expected = {row["id"] for row in store.find("list_node")}
    assert stored_rows(tmp_path, "list_node").keys() == expected
    requests = [target for target in transport.targets if "/list_nodes?" in target]
    run_extract(
        simulator, tmp_path / "quiet", quiet := SmallTransport(simulator), only=("list_node",)
    )
    assert len(requests) > sum("/list_nodes?" in target for target in quiet.targets)
