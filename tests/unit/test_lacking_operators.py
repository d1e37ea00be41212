"""Extracts from servers whose queries lack operators, {null}, carets or large pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octane_flows.client.transport import Request, Response
from octane_flows.lake import Lake, Manifest
from octane_flows.warehouse.meta.create_meta import create_meta
from octane_flows.warehouse.meta.generation_tables import BuildRecord
from octane_simulator import Simulator
from tests.small import SmallTransport, loaded, run_extract, small, stored_rows

__all__ = ["small"]


def manifest_of(home: Path) -> Manifest:
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    return manifest


def substitutes(home: Path) -> Mapping[str, str]:
    """What stands for the features that the server refused."""
    return {
        finding.feature: finding.form
        for finding in manifest_of(home).server
        if not finding.is_taken
    }


def on_server(small: Simulator) -> dict[str, tuple[Any, ...]]:
    """The defects as the server has them, without its query language."""
    return {row["id"]: (row["name"],) for row in small.store.find("defect")}


def load_and_refresh(small: Simulator, home: Path, **choices: Any) -> None:
    """A first load and refreshes over every kind of change; the rows are those of the server."""
    names = ("kept", "before", "gone", "a", "b", "c", "d")
    kept, changed, deleted, *_ = small.feeder().create(
        "defects", [{"name": name} for name in names]
    )
    choices = {"only": ("defect",), "history": ("defect",), **choices}
    run_extract(small, home, **choices)
    assert stored_rows(home, "defect", "name") == on_server(small)

    small.clock.advance(3 * 3600)
    small.store.update("defect", changed, {"name": "after"})
    small.feeder().create("defects", [{"name": "added"}])
    small.store.delete("defect", deleted)
    for field in ("note_udf", "phase_udf"):
        target = "phase" if field == "phase_udf" else None
        small.faults.add("add_field", field=f"defect.{field}", target=target)
    stamps = {
        name: (small.store.get("defect", kept) or {})[name]
        for name in ("last_modified", "version_stamp")
    }
    values = {"note_udf": "new", "phase_udf": {"type": "phase", "id": "phase.defect.new"}}
    small.store.update("defect", kept, {**values, **stamps})
    run_extract(small, home, census=True, sweep=True, **choices)
    assert stored_rows(home, "defect", "name") == on_server(small)
    new_values = stored_rows(home, "defect", "note_udf", "phase_udf_id")
    assert new_values.pop(kept) == ("new", "phase.defect.new")
    assert set(new_values.values()) == {(None, None)}

    run_extract(small, home, **choices)
    assert stored_rows(home, "defect", "name") == on_server(small)


@pytest.mark.parametrize(
    ("lacking", "substituted"),
    [
        (">= <= != > < cross", {}),
        ("{null} cross", {"{null}": ""}),
        ("GE LE", {"GE": "field>=value", "LE": "field<=value"}),
        (
            "GE LE >= <=",
            {"GE": "field GT value||field EQ value", "LE": "field LT value||field EQ value"},
        ),
        ("GT LT > <", {"GT": "field GE value;!(field EQ value)"}),
        ("BTW", {"BTW": "field GE value;field LE other"}),
        (
            "BTW GE LE >= <=",
            {"BTW": "(field GT value||field EQ value);(field LT other||field EQ other)"},
        ),
        ("IN", {"IN": "field EQ value||..."}),
        ("IN EQ", {"IN": "field=value||...", "EQ": "field=value"}),
        ("^", {"text": "'value'"}),
        ("^ GE BTW IN {null}", {"text": "'value'", "GE": "field>=value", "{null}": ""}),
        ("GE LE GT LT >= <= BTW", {"GE": "field>value||field=value", "GT": "field>value"}),
    ],
)
def test_extracts_bring_the_same_rows_without_what_a_server_lacks(
    small: Simulator, tmp_path: Path, lacking: str, substituted: dict[str, str]
) -> None:
    small.faults.add("query_dialect", without=lacking)

    load_and_refresh(small, tmp_path)

    written = substitutes(tmp_path)
    assert {feature: written.get(feature) for feature in substituted} == substituted
    if not substituted:
        assert written == {}


def test_an_empty_owner_beside_a_phase_may_fail(small: Simulator, tmp_path: Path) -> None:
    small.faults.add("owner_null_error")

    load_and_refresh(small, tmp_path)


def test_pages_are_as_small_as_the_server_wants_them(small: Simulator, tmp_path: Path) -> None:
    small.faults.add("page_size", max=60)
    names = [{"name": f"defect {number}"} for number in range(140)]
    small.feeder().create("defects", names)

    report = run_extract(small, tmp_path, only=("defect",), page_size=1000, census=True)

    assert stored_rows(tmp_path, "defect", "name") == on_server(small)
    assert len(on_server(small)) == 140
    assert substitutes(tmp_path) == {"rows of a page": "50"}
    requests = report.manifest.politeness["requests"]
    again = run_extract(small, tmp_path, only=("defect",), page_size=1000, full=True, census=True)
    assert again.manifest.politeness["requests"] < requests  # the maximum is remembered


class WatchingTransport(SmallTransport):
    """Counts refused requests, and answers with another version of the server."""

    version: str | None = None
    refused = 0

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        self.refused += answer.status == 400
        if self.version is None or not request.url.endswith("/admin/server/version"):
            return answer
        body = {"version": self.version, "display_version": self.version}
        return replace(answer, body=json.dumps(body).encode())


def load_without_ge_and_btw(small: Simulator, home: Path) -> Manifest:
    """A first load and a refresh of seven defects, from a server without GE and BTW."""
    small.faults.add("query_dialect", without="GE BTW")
    small.feeder().create("defects", [{"name": str(number)} for number in range(7)])
    for _ in range(2):
        run_extract(small, home, only=("defect",), census=True)
    return manifest_of(home)


def test_the_next_extract_begins_with_what_the_server_takes(
    small: Simulator, tmp_path: Path
) -> None:
    first = load_without_ge_and_btw(small, tmp_path)

    small.clock.advance(3600)
    transport = WatchingTransport(small)
    run_extract(small, tmp_path, transport, only=("defect",), census=True)

    assert transport.refused == 0
    since = {finding.feature: finding.since for finding in first.server}
    assert since.keys() >= {"GE", "BTW", "text", "time"}
    assert {finding.feature: finding.since for finding in manifest_of(tmp_path).server} == since


def test_an_upgraded_server_is_asked_again(small: Simulator, tmp_path: Path) -> None:
    load_without_ge_and_btw(small, tmp_path)
    assert substitutes(tmp_path).keys() == {"GE", "BTW"}

    small.faults.clear()
    transport = WatchingTransport(small)
    transport.version = "99.1.1"
    run_extract(small, tmp_path, transport, only=("defect",), census=True)

    assert substitutes(tmp_path) == {}


def test_meta_server_keeps_what_the_server_takes(small: Simulator, tmp_path: Path) -> None:
    small.faults.add("query_dialect", without="BTW {null}")
    load_and_refresh(small, tmp_path)
    manifest = manifest_of(tmp_path)

    with loaded(tmp_path) as connection:
        create_meta(connection, manifest, BuildRecord("1", "", None, [], None), {})
        rows = connection.execute(
            "select feature, answer, form_used from meta.server where shared_space = ? "
            "and since is not null and feature in ('GE', 'BTW', '{null}') order by feature",
            [small.shared_space],
        ).fetchall()

    assert rows == [
        ("BTW", "refused", "field GE value;field LE other"),
        ("GE", "taken", "field GE value"),
        ("{null}", "refused", None),
    ]
