"""Pages of OData: one after another they have what one answer has, of one generation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from octane_flows.config import ServePlace
from octane_flows.serve import bounded_answers
from octane_flows.serve.odata_page_cache import PageCache
from octane_flows.serve.served_generations import OLDER_KEPT
from tests.served import DEFECTS, publish, refusal, serving


@pytest.fixture(scope="module")
def client(served_home: Path) -> Iterator[httpx.Client]:
    with serving(served_home) as opened:
        yield opened


def pages(client: httpx.Client, address: str, size: int) -> Iterator[list[dict[str, Any]]]:
    link: str | None = address
    while link:
        answer = client.get(link, headers={"prefer": f"odata.maxpagesize={size}"})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        yield body["value"]
        link = body.get("@odata.nextLink")


@pytest.mark.parametrize(
    "address",
    [
        "er_defects",
        "er_defects?$orderby=severity_code desc",
        "er_defects?$skip=3&$top=30&$select=defect_id",
        "er_defects?$filter=release_id eq '6'",
        "flow_open_high_severity_defects(severity_codes='High,Low')",
        "meta_columns",
        "er_defects?$apply=groupby((defect_name,severity_code),aggregate($count as n))",
    ],
)
@pytest.mark.parametrize("size", [7, 10])
def test_pages_have_together_what_one_answer_has(
    address: str, size: int, client: httpx.Client
) -> None:
    path = f"/odata/{quote(address, safe='$&=?(),/')}"
    whole = client.get(path).json()
    parts = list(pages(client, path, size))

    assert "@odata.nextLink" not in whole
    assert [row for part in parts for row in part] == whole["value"]
    assert {len(part) for part in parts[:-1]} == {size}
    assert 0 < len(parts[-1]) <= size


def test_pages_are_smaller_where_rows_are_too_large_for_one(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get("/odata/er_defects").json()["value"]
    monkeypatch.setattr(bounded_answers, "MAX_BYTES", 20_000)

    # other sizes than those of the other tests, whose pages may still be in memory
    parts = list(pages(client, "/odata/er_defects", 39))

    assert [row for part in parts for row in part] == whole
    assert len(parts) > 2


def test_pages_that_were_read_ahead_take_bounded_memory() -> None:
    cache = PageCache(most_bytes=10)
    cache.put("first", b"12345")
    cache.put("second", b"12345")
    cache.put("second", b"1234")
    cache.put("third", b"123456")

    assert [cache.take(name) for name in ("first", "second", "third")] == [None, b"1234", b"123456"]
    cache.put("huge", b"x" * 11)
    assert cache.take("huge") is None
    assert cache.take("third") is None


def test_pages_stay_with_their_generation_until_it_is_gone(copied_home: Path) -> None:
    address = "/odata/er_defects?$orderby=defect_id desc"
    with serving(copied_home, ServePlace(requests=1)) as opened:
        whole = opened.get(address).json()["value"]
        assert len(whole) == DEFECTS
        sequence = pages(opened, address, 15)
        first = next(sequence)
        late = opened.get(address, headers={"prefer": "maxpagesize=15"}).json()["@odata.nextLink"]

        publish(copied_home, without_defects(2))

        assert opened.get("/odata/meta_generation").json()["value"][0]["generation"] == 2
        assert opened.get(address).json()["value"] == []
        assert [row for part in (first, *sequence) for row in part] == whole
        for generation in range(3, 4 + OLDER_KEPT):
            publish(copied_home, without_defects(generation))
            opened.get(address)
        assert "read the first page again" in refusal(opened.get(late), 410)
        assert opened.get(address).status_code == 200


def without_defects(generation: int) -> str:
    """SQL that makes the warehouse one of a later generation, which has no defects."""
    return f"update meta.generation set generation = {generation}; delete from octane.defect"
