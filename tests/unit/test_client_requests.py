"""Requests and answers of the client over a replaced network: pages, writes, metadata, secrets."""

from __future__ import annotations

import json
import traceback

import httpx
import pytest

from octane_flows.client import field
from octane_flows.errors import (
    AnswerError,
    PartialError,
    RequestError,
    ServerError,
)
from tests.replaced_server import (
    NOW,
    Server,
    answering,
    ok,
    read,
)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ([], "where a page was expected"),
        ({"total_count": 1}, "no list of rows"),
        ({"data": [], "total_count": "1"}, "no total_count"),
        ({"data": [], "total_count": True}, "no total_count"),
        ({"data": [{"name": "x"}], "total_count": 1}, "without an id"),
        ({"data": [{"id": "1"}, {"id": "2"}], "total_count": 2}, "at most 1"),
        ({"data": [{"id": "1"}], "total_count": 0}, "total_count of 0"),
    ],
)
def test_an_envelope_that_cannot_be_right_is_refused(body: object, part: str) -> None:
    server = Server(answering(httpx.Response(200, json=body)))
    with server.open() as octane, pytest.raises(AnswerError, match=part):
        octane.workspace("1002").page("defects", fields=["id"], limit=1)


def test_a_page_is_asked_for_with_everything_spelled_out_and_encoded_once() -> None:
    server = Server(answering(ok()))
    with server.open() as octane:
        octane.workspace("1002").page(
            "defects", fields=["name", "owner{name}"], query=field("name").eq("ä&#+%"), offset=10
        )
    assert server.requests[1].url.raw_path.decode() == (
        "/api/shared_spaces/1001/workspaces/1002/defects?fields=name,owner%7Bname%7D"
        "&query=%22name%20EQ%20%5E%C3%A4%26%23%2B%25%5E%22&order_by=id&limit=1000&offset=10"
    )


def test_version_time_and_workspaces_are_read() -> None:
    date = {"Date": "Wed, 20 Jan 2021 21:00:00 GMT"}
    listed = {"total_count": 2, "data": [{"id": 1002, "name": "Main"}, {"id": "1003"}]}
    server = Server(
        answering(
            httpx.Response(200, json={"version": "24.1"}),
            httpx.Response(200, json={"version": "24.1"}, headers=date),
            httpx.Response(400, json={"error_code": "platform.unknown_field"}),
            httpx.Response(200, json=listed),
        )
    )
    with server.open() as octane:
        assert octane.version() == "24.1"
        assert octane.server_time() == NOW
        assert [(workspace.id, workspace.name) for workspace in octane.workspaces()] == [
            ("1002", "Main"),
            ("1003", "1003"),
        ]


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(404, json={"error_code": "platform.not_found"}),
        httpx.Response(403, json={"error_code": "platform.not_authorized"}),
        httpx.Response(200, json={"id": "1001"}),
    ],
    ids=["unknown", "forbidden", "nameless"],
)
def test_a_server_that_does_not_tell_who_is_signed_in_is_no_error(refusal: httpx.Response) -> None:
    with Server(answering(refusal)).open() as octane:
        assert octane.current_user() is None


def test_writes_go_in_batches_and_a_partial_refusal_keeps_the_good_rows() -> None:
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["data"]
        sizes.append(len(rows))
        if rows[0]["name"] == "bad":
            return httpx.Response(
                409, json={"data": [{"id": "9"}], "errors": [{"index": 0, "description": "no"}]}
            )
        return httpx.Response(201, json={"data": [{"id": str(n)} for n in range(len(rows))]})

    server = Server(handler)
    with server.open() as octane:
        workspace = octane.workspace("1002")
        assert len(workspace.create("defects", [{"name": "漢"}] * 450)) == 450
        with pytest.raises(PartialError) as caught:
            workspace.update("defects", [{"name": "bad"}, {"name": "good"}])
    assert sizes == [200, 200, 50, 2]
    assert caught.value.rows == [{"id": "9"}]


@pytest.mark.parametrize("refused", ["some", "all"])
def test_a_refusal_in_a_later_batch_keeps_what_the_former_ones_wrote(refused: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["data"]
        good = [{"id": row["name"]} for row in rows if row["name"] != "bad"]
        errors = [
            {"index": n, "description": "no"} for n, row in enumerate(rows) if row["name"] == "bad"
        ]
        if errors and refused == "all":
            good = []
        return httpx.Response(409 if errors else 201, json={"data": good, "errors": errors})

    rows = [{"name": str(n)} for n in range(201)] + [{"name": "bad"}]
    with Server(handler).open() as octane, pytest.raises(PartialError) as caught:
        octane.workspace("1002").create("defects", rows)
    assert len(caught.value.rows) == (201 if refused == "some" else 200)
    assert [row_error["index"] for row_error in caught.value.errors] == (
        [201] if refused == "some" else []
    )


def test_deleting_accepts_an_empty_answer() -> None:
    server = Server(answering(httpx.Response(200)))
    with server.open() as octane:
        octane.workspace("1002").delete("defects", "7")
    assert server.requests[1].method == "DELETE"


def test_metadata_is_asked_in_batches() -> None:
    names = [f"entity_{n}" for n in range(45)]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/entities"):
            rows: list[dict[str, object]] = [{"name": name, "features": []} for name in names]
            return httpx.Response(200, json={"data": rows, "total_count": len(rows)})
        requested_names = [name for name in names if f"^{name}^" in request.url.params["query"]]
        rows = [
            {"entity_name": entity, "name": "name", "field_type": "string"}
            for entity in requested_names
        ]
        return httpx.Response(200, json={"data": rows, "total_count": len(rows)})

    server = Server(handler)
    with server.open() as octane:
        metadata = octane.workspace("1002").metadata()
    assert set(metadata.entity_types) == set(names)
    assert all("name" in entity.fields for entity in metadata.entity_types.values())
    assert len(server.requests) == 1 + 1 + 3


def test_secrets_show_in_no_representation_and_no_error_of_any_answer() -> None:
    echo = "canary-secret canary-1"
    answers = [
        httpx.Response(status, json={"error_code": "x", "description": echo})
        for status in (400, 401, 403, 404, 409, 500, 503)
    ]
    answers += [httpx.Response(200, text=f"<title>{echo}</title>"), httpx.Response(200, text=echo)]
    for answer in answers:
        server = Server(lambda request, answer=answer: answer)  # type: ignore[misc]
        with server.open() as octane:
            with pytest.raises(ServerError) as caught:
                read(octane)
            shown = [*traceback.format_exception(caught.value), repr(octane), repr(vars(octane))]
        assert "canary" not in "".join(shown), answer


def test_request_errors_keep_the_code_for_the_reader() -> None:
    answer = httpx.Response(400, json={"error_code": "platform.exceeds_max_total_count"})
    with Server(answering(answer)).open() as octane, pytest.raises(RequestError) as caught:
        read(octane)
    assert caught.value.error_code == "platform.exceeds_max_total_count"
