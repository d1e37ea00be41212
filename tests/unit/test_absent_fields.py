"""A field that was requested and is in no row is told: stored values never become null silently."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octane_flows.client import PageBytes
from octane_flows.client.transport import Request, Response
from octane_flows.errors import ExtractError
from octane_flows.extract.absent_fields import absent_fields
from octane_simulator import Simulator
from tests.small import SmallTransport, run_extract, stored_links, stored_rows
from tests.small_defects import certificate, ids_of


@pytest.mark.parametrize(
    ("rows", "absent"),
    [
        ('[{"id":"1","a":null,"b":2}]', []),
        ('[{"id":"1","b":2},{"id":"2","a":null}]', []),  # a row of another kind lacks it
        ('[{"id":"1","b":{"a":1}},{"id":"2","b":"\\"a\\""}]', ["a"]),
        ('[{"id":"1"}]', ["a", "b"]),
        ("[]", []),
        ("null", []),
        ("[3]", []),
        ('[{"id":"1","a":1,"b":', []),
    ],
)
def test_a_field_is_absent_when_no_row_has_it(rows: str, absent: list[str]) -> None:
    for text in ('{"total_count":2,"data":%s}', '{ "data" : %s , "total_count" : 2 }'):
        page = PageBytes((text % rows).encode(), 10, 10, "reading defects")
        assert absent_fields(page, ["a", "b"]) == absent


@pytest.mark.parametrize("memo", ["x" * 9, '\\"a\\":' * 9, "{[}]" * 9, "\\\\", "ö"])
def test_a_large_page_is_looked_at_without_its_values(
    memo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.absent_fields.LARGE_BYTES", 0)
    first = f'{{"id":"1","memo":"{memo}","tags":{{"data":[{{"a":1}}]}}}}'
    second = f'{{"memo":"{memo}","\\u0061" : "a","id":"2"}}'  # a name may be written so, too
    wanted = ["memo", "tags", "a", "b"]

    page = PageBytes(f'{{"data":[{first},{second}]}}'.encode(), 10, 10, "reading defects")
    assert absent_fields(page, wanted) == ["b"]
    page = PageBytes(f'{{"data":[{first},{first}]}}'.encode(), 10, 10, "reading defects")
    assert absent_fields(page, wanted) == ["a", "b"]


class Without(SmallTransport):
    """A server that leaves a field out of the rows of a collection."""

    name = ""

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        if not self.name or "/defects?" not in request.url or "fields=id&" in request.url:
            return answer
        body = json.loads(answer.body)
        for row in body["data"]:
            row.pop(self.name, None)
        return replace(answer, body=json.dumps(body).encode())


@pytest.mark.parametrize("name", ["name", "severity", "user_tags", "last_modified"])
@pytest.mark.parametrize("choices", [{}, {"full": True}, {"census": True, "sweep": True}])
def test_stored_values_do_not_become_null(
    simulator: Simulator, tmp_path: Path, name: str, choices: dict[str, Any]
) -> None:
    high = {"type": "list_node", "id": "list_node.severity.high"}
    for id in ids_of(simulator):
        simulator.store.update("defect", id, {"severity": high})
    run_extract(simulator, tmp_path)
    before = stored_rows(tmp_path, "defect", "name", "severity_id", "last_modified")
    links = stored_links(tmp_path, "defect", "user_tags")
    simulator.clock.advance(3600)
    changed = ids_of(simulator)[0]
    simulator.store.update("defect", changed, {"name": "changed"})
    story = simulator.store.insert("story", {"name": "read all the same"})
    without = Without(simulator)
    without.name = name

    report = run_extract(simulator, tmp_path, without, **choices)

    assert stored_rows(tmp_path, "defect", "name", "severity_id", "last_modified") == before
    assert stored_links(tmp_path, "defect", "user_tags") == links
    assert stored_rows(tmp_path, "story").keys() == {story}
    row = certificate(report)
    assert row.status == "refused"
    assert f"not even null, of {name}, which the metadata calls readable" in row.note
    assert any(f"of {name}," in finding.text for finding in report.manifest.findings)
    report = run_extract(simulator, tmp_path)  # the field is there again
    assert stored_rows(tmp_path, "defect", "name")[changed] == ("changed",)
    assert certificate(report).status == "complete"


def test_a_first_reading_names_the_field_and_the_remedy_helps(
    simulator: Simulator, tmp_path: Path
) -> None:
    without = Without(simulator)
    without.name = "severity"

    with pytest.raises(ExtractError, match=r"no value, not even null, of severity.*--skip defect"):
        run_extract(simulator, tmp_path, without)

    report = run_extract(simulator, tmp_path, without, only=(), skip=("defect",))
    assert report.manifest.generation == 1
