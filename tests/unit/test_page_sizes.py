"""Fields in several requests where the address is too long, and pages that shrink and grow."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from octane_flows.client import Id, field
from octane_flows.errors import AnswerError, RequestError, TimeOutError, TooLargeError
from octane_flows.extract.page_size import PageSize
from tests.replaced_server import Server

FIELDS = [
    "last_modified",
    *(f"a_rather_long_user_defined_field_{number}_udf" for number in range(400)),
]


def wide_row(request: httpx.Request, id: str = "7", stamp: str = "2021-01-01T00:00:00Z") -> bytes:
    names = parse_qs(request.url.query.decode())["fields"][0].split(",")
    row = {"type": "defect", "id": id, **dict.fromkeys(names, 1), "last_modified": stamp}
    return json.dumps({"total_count": 1, "data": [row], "exceeds_total_count": False}).encode()


def read(server: Server) -> dict[str, object]:
    with server.open() as octane:
        page = octane.workspace("1002").page("defects", fields=FIELDS, query=field("id").gt(6))
    assert page.total_count == 1
    return page.rows[0]


def pages(server: Server) -> list[httpx.Request]:
    return [request for request in server.requests if request.url.path.endswith("/defects")]


def test_fields_that_make_the_address_too_long_come_in_several_requests() -> None:
    server = Server(lambda request: httpx.Response(200, content=wide_row(request)))

    row = read(server)

    assert set(row) == {"id", "type", *FIELDS}
    assert len(pages(server)) == 3
    assert all(len(str(request.url)) <= 7_500 for request in pages(server))


def test_a_query_that_fills_the_address_does_not_make_a_request_for_each_field() -> None:
    server = Server(lambda request: httpx.Response(200, content=wide_row(request)))
    query = field("id").in_([Id(10**12 + number) for number in range(600)])
    with server.open() as octane:
        octane.workspace("1002").page("defects", fields=FIELDS, query=query)
    assert len(pages(server)) == 1


def test_a_gateway_that_takes_short_addresses_only_gets_short_ones() -> None:
    def gateway(request: httpx.Request) -> httpx.Response:
        if len(str(request.url)) > 2_000:
            return httpx.Response(414, text="<html>Request-URI Too Large")
        return httpx.Response(200, content=wide_row(request))

    assert len(read(Server(gateway))) == len(FIELDS) + 2


def test_a_414_that_no_shorter_address_helps_is_told_as_what_it_is() -> None:
    server = Server(lambda _: httpx.Response(414, text="<html>Request-URI Too Large"))

    with pytest.raises(RequestError, match="no address or headers of this length"):
        read(server)


@pytest.mark.parametrize(
    "changed",
    [
        lambda request: wide_row(request, stamp=str(len(str(request.url)))),
        lambda request: wide_row(request, id=str(len(str(request.url)))),
    ],
    ids=["a newer version", "another row"],
)
def test_parts_of_different_rows_are_not_joined(changed: Callable[[httpx.Request], bytes]) -> None:
    server = Server(lambda request: httpx.Response(200, content=changed(request)))

    with pytest.raises(AnswerError, match="rows changed between them"):
        read(server)


def test_a_row_that_changes_between_two_requests_is_read_again() -> None:
    stamps = iter(["old", "old", "new", "new", "new", "new"])
    server = Server(
        lambda request: httpx.Response(200, content=wide_row(request, stamp=next(stamps)))
    )

    assert read(server)["last_modified"] == "new"


def test_a_page_is_made_smaller_and_grows_again() -> None:
    size = PageSize(1000)
    sizes = []
    while size.shrink(size.rows, TooLargeError("")):
        sizes.append(size.rows)
    assert sizes == [250, 62, 15, 3, 1]

    for _ in range(100):
        size.succeeded(size.rows)

    assert size.rows == 1000


def test_a_server_that_is_too_slow_for_ten_rows_is_not_asked_for_fewer() -> None:
    size = PageSize(40)
    assert size.shrink(40, TimeOutError(""))
    assert size.rows == 10
    assert not size.shrink(10, TimeOutError(""))


def test_two_threads_that_fail_at_once_make_the_page_smaller_once() -> None:
    size = PageSize(1000)
    assert size.shrink(1000, TooLargeError(""))
    assert size.shrink(1000, TooLargeError(""))
    assert size.rows == 250
