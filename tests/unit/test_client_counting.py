"""Counts over a replaced network: exact also where the server stops counting."""

from __future__ import annotations

import httpx
import pytest

from octane_flows.client.entity_count import count_exactly
from octane_flows.errors import AnswerError
from tests.replaced_server import Handler, Server

IDS = range(1, 21)
CAP = 3  # as far as this server counts


def floor(request: httpx.Request) -> httpx.Response:
    """Answers `id BTW` with at most CAP, and says that there are more."""
    query = request.url.params.get("query", "").strip('"')
    low, high = query.removeprefix("id BTW ").split("...") if query else ("1", "20")
    matching = sum(int(low) <= id <= int(high) for id in IDS)
    return httpx.Response(
        200,
        json={
            "total_count": min(matching, CAP),
            "data": [{"id": low}] if matching else [],
            "exceeds_total_count": matching > CAP,
        },
    )


def refused(request: httpx.Request) -> httpx.Response:
    """Refuses what matches too much, as some versions do."""
    response = floor(request)
    if response.json()["exceeds_total_count"]:
        return httpx.Response(400, json={"error_code": "platform.exceeds_max_total_count"})
    return response


@pytest.mark.parametrize("handler", [floor, refused])
def test_counting_goes_on_in_halves_where_the_server_stops(handler: Handler) -> None:
    with Server(handler).open() as octane:
        assert count_exactly(octane.workspace("1002"), "defects", 1, 40) == len(IDS)


def test_a_floor_is_not_taken_for_a_count() -> None:
    with Server(floor).open() as octane, pytest.raises(AnswerError, match="more than 3"):
        octane.workspace("1002").count("defects")


def test_an_id_that_cannot_be_counted_alone_is_told() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"total_count": 0, "data": [], "exceeds_total_count": True})

    with Server(endless).open() as octane, pytest.raises(AnswerError, match="not even id 1 alone"):
        count_exactly(octane.workspace("1002"), "defects", 1, 4)
