"""One value that does not fit costs that value: the row is kept, all else is published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.cli.published_messages import require_complete
from octane_flows.client import EntityType, Field, Metadata, PageBytes
from octane_flows.client.transport import Request, Response
from octane_flows.errors import ExtractError
from octane_flows.extract.extract_plan import make_plan
from octane_flows.extract.page_to_arrow import decode_page
from octane_flows.extract.rejected_values import RejectedValues
from octane_flows.extract.row_digests import RecentDigests
from octane_flows.extract.row_to_arrow import Stamp
from octane_flows.lake import Lake, RejectedValue
from octane_flows.warehouse.meta.certificate_tables import REJECTED_VALUES
from octane_flows.warehouse.meta.certificate_tables import rejected_values as meta_rows
from octane_simulator import Simulator
from tests.small import (
    FIELDS,
    START,
    Killed,
    SmallTransport,
    run_extract,
    stored_links,
    stored_rows,
)
from tests.small_defects import certificate, ids_of

HISTORY = EntityType(
    "run_history",
    "Run history",
    "run_history",
    frozenset({"GET"}),
    fields={"name": Field("name", "Name", "string")},
)


class ChangedRows(SmallTransport):
    """A server whose rows of defects are changed on their way."""

    fields = FIELDS | {"story_points", "closed_on"}

    def __init__(self, simulator: Simulator, changes: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(simulator)
        self.changes = changes

    def send(self, request: Request) -> Response:
        answer = super().send(request)
        if "/defects" not in request.url or answer.status != 200:
            return answer
        body = json.loads(answer.body)
        for row in body.get("data", [body]):
            for name, value in self.changes.get(row["id"], {}).items():
                if name in row or name != "id":
                    row[name] = value
        return replace(answer, body=json.dumps(body).encode())


def rejected(home: Path, entity: str = "defect") -> list[tuple[str, str, str]]:
    return [(value.id, value.field, value.value) for value in rejected_values(home, entity)]


def rejected_values(home: Path, entity: str = "defect") -> tuple[RejectedValue, ...]:
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    (states,) = manifest.states.values()
    return states[entity].rejected


def test_a_value_that_does_not_fit_is_null_and_all_else_is_published(
    simulator: Simulator, tmp_path: Path
) -> None:
    first, second, third, *_ = ids = ids_of(simulator)
    changes: dict[str, dict[str, Any]] = {
        first: {"story_points": "many", "user_tags": {"total_count": 1, "data": [{}]}},
        second: {"severity": {}, "closed_on": "2021-01-20"},
        third: {"name": "half \ud83d", "closed_on": "2021-01-20T10:20:30.1234567Z"},
    }

    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes))

    rows = stored_rows(tmp_path, "defect", "name", "story_points", "severity_id", "closed_on")
    assert sorted(rows) == sorted(ids)
    assert rows[first][:2] == ("d0", None)
    assert rows[second][2:] == (None, None)
    assert rows[third][0] == "half \ufffd"
    assert rows[third][3].microsecond == 123456
    assert list(stored_links(tmp_path, "defect", "user_tags")) == [second]
    assert rejected(tmp_path) == [
        (first, "story_points", "many"),
        (first, "user_tags", '{"data": [{}], "total_count": 1}'),
        (second, "closed_on", "2021-01-20"),
        (second, "severity", "{}"),
    ]
    assert report.rejected_values == certificate(report).rejected_values == 4
    assert certificate(report).rows_held == len(ids)
    findings = "\n".join(map(str, report.manifest.findings))
    assert (
        f'defect.story_points: 1 values do not fit their field and are null ({first} has "many")'
        in findings
    )
    cut = "digits of a second after the microsecond were cut"
    assert f"defect.closed_on: {cut} (rows: 1, first {third})" in findings
    with pytest.raises(ExtractError, match="published all but 4 values"):
        require_complete(report)


def test_rejected_values_are_a_table(simulator: Simulator, tmp_path: Path) -> None:
    first = ids_of(simulator)[0]
    changes: dict[str, dict[str, Any]] = {first: {"story_points": "many"}}
    manifest = run_extract(simulator, tmp_path, ChangedRows(simulator, changes)).manifest
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema meta")
        REJECTED_VALUES.create(connection)
        REJECTED_VALUES.fill(connection, meta_rows(manifest))
        rows = connection.execute("from meta.rejected_values").fetchall()

    as_of = manifest.as_of.replace(tzinfo=None)
    assert rows == [(simulator.workspace, "defect", first, "story_points", "many", as_of)]


def test_a_rejected_value_stays_listed_until_its_row_is_read_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    first, second, third, *_ = ids_of(simulator)
    changes: dict[str, dict[str, Any]] = {
        id: {"story_points": "x"} for id in (first, second, third)
    }
    run_extract(simulator, tmp_path, ChangedRows(simulator, changes))
    since = {value.id: value.since for value in rejected_values(tmp_path)}
    simulator.clock.advance(3 * 3600)
    simulator.store.update("defect", first, {"name": "corrected", "story_points": 5})
    simulator.store.update("defect", second, {"name": "changed"})
    del changes[first]

    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes))

    assert rejected(tmp_path) == [(second, "story_points", "x"), (third, "story_points", "x")]
    assert {value.id: value.since for value in rejected_values(tmp_path)} == {
        id: since[id] for id in (second, third)
    }
    assert stored_rows(tmp_path, "defect", "story_points")[first] == (5,)
    assert report.rejected_values == 2

    simulator.store.delete("defect", third)
    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes), census=True)
    assert rejected(tmp_path) == [(second, "story_points", "x")]

    changes.clear()
    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes), full=True)
    assert (rejected(tmp_path), report.rejected_values) == ([], 0)


@pytest.mark.parametrize("id", ["99999999999999999999", "１００３", 2**70])
@pytest.mark.parametrize("place", [0, 2, 4, 9])
def test_a_row_with_an_unusable_id_costs_that_row(
    simulator: Simulator, tmp_path: Path, id: Any, place: int
) -> None:
    ids = ids_of(simulator)
    transport = ChangedRows(simulator, {ids[place]: {"id": id}})

    report = run_extract(simulator, tmp_path, transport)

    assert sorted(stored_rows(tmp_path, "defect")) == sorted({*ids} - {ids[place]})
    assert rejected(tmp_path) == [(str(id), "id", str(id))]
    assert certificate(report).status == "complete"
    assert certificate(report).rows_read == certificate(report).total_count
    again = run_extract(simulator, tmp_path, transport, census=True)
    assert again.rejected_values == 1
    assert len(stored_rows(tmp_path, "defect")) == len(ids) - 1


def test_more_values_than_a_share_stop_the_extract(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(30):
        simulator.store.insert("defect", {"name": f"more {number}"})
    changes: dict[str, dict[str, Any]] = {
        id: {"story_points": "many"} for id in ids_of(simulator)[:21]
    }

    with pytest.raises(ExtractError, match="21 rows of defect have values in field story_points"):
        run_extract(simulator, tmp_path, ChangedRows(simulator, changes))
    assert Lake(tmp_path / "lake").current() is None

    changes.popitem()
    assert run_extract(simulator, tmp_path, ChangedRows(simulator, changes)).rejected_values == 20


def few_values(rejected: int, **choices: Any) -> RejectedValues:
    """The values of an entity type of which so many points were rejected before."""
    field = Field("points", "Points", "integer")
    points = EntityType("defect", "Defect", "defects", frozenset({"GET"}), fields={"points": field})
    (entity,) = make_plan({"1002": Metadata({"defect": points}, [])}).entities
    values = [RejectedValue(str(id), "points", "many", START) for id in range(1, rejected + 1)]
    return RejectedValues(entity, values, START, **{"max_share": 0.01, **choices})


@pytest.mark.parametrize(
    ("share", "rejected", "fewest_rows"),
    [(0.01, 21, 2_100), (0.29, 29, 100), (0.05, 21, 420), (0.01, 20, 0), (0, 20, 0), (1, 30, 30)],
)
def test_the_share_is_exact_at_its_border(share: float, rejected: int, fewest_rows: int) -> None:
    values = few_values(rejected, max_share=share)

    values.require_few(fewest_rows)
    if fewest_rows:
        with pytest.raises(ExtractError, match=f"{rejected} rows of defect .* at most"):
            values.require_few(fewest_rows - 1)


def test_more_than_a_manifest_can_hold_stop_whatever_the_share_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("octane_flows.extract.rejected_values.MAX_REJECTED_VALUES", 25)
    few_values(25, max_share=1).require_few(10**6)

    with pytest.raises(ExtractError, match="at most 25") as raised:
        few_values(26, max_share=0.5).require_few(10**6)
    assert "OCTANE_MAX_REJECTED_SHARE" not in str(raised.value)


def test_a_share_that_is_set_lets_more_values_pass(simulator: Simulator, tmp_path: Path) -> None:
    for number in range(30):
        simulator.store.insert("defect", {"name": f"more {number}"})
    ids = ids_of(simulator)
    half = len(ids) // 2
    changes: dict[str, dict[str, Any]] = {id: {"story_points": "many"} for id in ids[: half + 1]}
    with pytest.raises(ExtractError, match="set OCTANE_MAX_REJECTED_SHARE higher"):
        run_extract(simulator, tmp_path, ChangedRows(simulator, changes))
    with pytest.raises(ExtractError, match=f"at most {half} are set aside"):
        run_extract(simulator, tmp_path, ChangedRows(simulator, changes), max_rejected_share=0.5)

    report = run_extract(
        simulator, tmp_path, ChangedRows(simulator, changes), max_rejected_share=0.6
    )

    assert report.rejected_values == half + 1


def test_values_of_a_field_that_is_gone_are_listed_no_more(
    simulator: Simulator, tmp_path: Path
) -> None:
    first, second, *_ = ids_of(simulator)
    simulator.add_field("defect", "risk_udf", "integer")
    simulator.store.update("defect", first, {"risk_udf": 1})
    changes: dict[str, dict[str, Any]] = {
        first: {"risk_udf": "high"},
        second: {"story_points": "x"},
    }
    run_extract(simulator, tmp_path, ChangedRows(simulator, changes))
    assert len(rejected(tmp_path)) == 2
    simulator.remove_field("defect", "risk_udf")

    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes))

    assert rejected(tmp_path) == [(second, "story_points", "x")]
    assert report.rejected_values == 1


def test_a_sweep_and_a_new_row_keep_what_is_rejected(simulator: Simulator, tmp_path: Path) -> None:
    first, second, *_ = ids_of(simulator)
    changes: dict[str, dict[str, Any]] = {first: {"story_points": "x"}}
    run_extract(simulator, tmp_path, ChangedRows(simulator, changes))
    simulator.clock.advance(3 * 3600)
    changes[second] = {"user_tags": "smoke"}

    run_extract(simulator, tmp_path, ChangedRows(simulator, changes), sweep=True, sweep_share=1.0)

    assert rejected(tmp_path) == [(first, "story_points", "x"), (second, "user_tags", "smoke")]


def test_a_resumed_extract_has_what_the_stopped_one_rejected(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    first, *_, last = ids_of(simulator)
    changes: dict[str, dict[str, Any]] = {
        first: {"story_points": "x", "closed_on": "2021-01-20T10:20:30.1234567Z"},
        last: {"severity": {}},
    }
    stopped = ChangedRows(simulator, changes)
    calls = 0

    def before(request: Request) -> None:
        nonlocal calls
        calls += "/defects" in request.url
        if calls > 6:
            raise Killed

    stopped.before = before
    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, stopped, concurrency=1)

    report = run_extract(simulator, tmp_path, ChangedRows(simulator, changes))

    assert "were read before the extract was stopped" in certificate(report).note
    assert rejected(tmp_path) == [(first, "story_points", "x"), (last, "severity", "{}")]
    assert any("after the microsecond were cut" in str(it) for it in report.manifest.findings)


def test_a_name_among_the_ids_of_rows_that_are_only_added_is_kept() -> None:
    plan = make_plan({"1002": Metadata({"run_history": HISTORY}, [])})
    (entity,) = plan.entities
    body = {"total_count": 2, "data": [{"id": "7"}, {"id": "seven"}]}
    stamp = Stamp("1002", 1, START)
    raw = PageBytes(json.dumps(body).encode(), 1000, 10, "reading")
    page = decode_page(raw, entity, plan.tables, stamp)
    recent = RecentDigests(entity, START, 1000, digests={}, last_id=None, newest=None)

    recent.add_full(page)

    assert set(recent.digests()) == {"7", "seven"}
