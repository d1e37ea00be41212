"""Whole collections over a replaced network: every row once, missing and repeated ones are told."""

from __future__ import annotations

import httpx
import pytest

from octane_flows.errors import (
    AnswerError,
)
from octane_flows.octane import Workspace
from octane_flows.octane.paging import count_exactly, id_windows, rows_by_key
from tests.replaced_server import (
    Handler,
    Server,
    answering,
    ok,
)


def collection(ids: list[str], *, drop: str | None = None, cap: int = 10**9) -> Handler:
    """A server that knows `id GT`, `id BTW` and offset; `drop` withholds a row it counts."""

    def handler(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        query, matching = params.get("query", '""').strip('"'), ids
        if query.startswith("id GT "):
            matching = [one for one in ids if int(one) > int(query[6:])]
        elif query.startswith("id BTW "):
            low, high = query[7:].split("...")
            matching = [one for one in ids if int(low) <= int(one) <= int(high)]
        start, limit = int(params.get("offset", 0)), int(params["limit"])
        page = [one for one in matching if one != drop][start : start + limit]
        counted = min(len(matching), cap)
        body = {
            "total_count": counted,
            "data": [{"id": one} for one in page],
            "exceeds_total_count": len(matching) > cap,
        }
        return httpx.Response(200, json=body)

    return handler


def keys(workspace: Workspace, page_size: int = 3) -> list[str]:
    pages = rows_by_key(workspace, "defects", ["id"], page_size=page_size)
    return [row["id"] for page in pages for row in page.rows]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("cap", [2, 1000])
def test_every_row_is_read_once_whatever_the_last_page_holds(count: int, cap: int) -> None:
    ids = [str(1001 + 2 * n) for n in range(count)]
    with Server(collection(ids, cap=cap)).open() as octane:
        workspace = octane.workspace("1002")
        if cap >= 3 or count <= cap:
            assert keys(workspace) == ids
        else:
            assert keys(workspace, page_size=2) == ids


def test_named_ids_are_read_by_offset() -> None:
    ids = [f"phase.{n}" for n in range(7)]
    with Server(collection(ids)).open() as octane:
        assert keys(octane.workspace("1002")) == ids


@pytest.mark.parametrize("ids", [["1", "2", "3", "4", "5"], ["a", "b", "c", "d", "e"]])
@pytest.mark.parametrize("place", [1, 4])
def test_a_withheld_row_is_found(ids: list[str], place: int) -> None:
    with (
        Server(collection(ids, drop=ids[place])).open() as octane,
        pytest.raises(AnswerError, match="trusted"),
    ):
        keys(octane.workspace("1002"))


@pytest.mark.parametrize(
    "pages",
    [
        [["1", "2"], ["1", "2"]],
        [["2", "1"]],
        [["1", "1"]],
        [["1", "x"], ["x", "y"]],
    ],
)
def test_repeated_and_misplaced_rows_are_found(pages: list[list[str]]) -> None:
    answers = [ok(total_count=5, data=[{"id": one} for one in page]) for page in pages]
    with (
        Server(answering(*answers)).open() as octane,
        pytest.raises(AnswerError, match="trusted"),
    ):
        keys(octane.workspace("1002"), page_size=2)


def test_counting_goes_on_in_halves_where_the_server_stops() -> None:
    ids = [str(n) for n in range(1, 21)]
    with Server(collection(ids, cap=3)).open() as octane:
        workspace = octane.workspace("1002")
        assert count_exactly(workspace, "defects", 1, 20) == 20
        with pytest.raises(AnswerError, match="more than 3"):
            workspace.count("defects")


def test_windows_adjoin_and_cover() -> None:
    assert list(id_windows(5, 12, 3)) == [(5, 7), (8, 10), (11, 12)]
    assert list(id_windows(5, 5, 3)) == [(5, 5)]
    assert list(id_windows(6, 5, 3)) == []
    with pytest.raises(ValueError, match="at least one"):
        list(id_windows(1, 2, 0))
