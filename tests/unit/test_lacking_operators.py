"""The extract against a server whose queries lack symbols, empty references and sub-queries."""

from __future__ import annotations

from pathlib import Path

from octane_simulator import Simulator
from tests.small import run_extract, small, stored_rows
from tests.wsgi import WsgiTransport

__all__ = ["small"]

LACKING = ">= <= != > < {null} cross"  # a live server has no >= and !=


def test_loads_refreshes_and_deletions_need_no_operator_that_a_server_may_lack(
    small: Simulator, tmp_path: Path
) -> None:
    feeder = small.feeder()
    kept, changed, gone = feeder.create(
        "defects", [{"name": "kept"}, {"name": "before"}, {"name": "gone"}]
    )
    small.faults.add("query_dialect", without=LACKING)
    transport = WsgiTransport(small)

    run_extract(small, tmp_path, transport, page_size=2, only=("defect",))
    first = stored_rows(tmp_path, "defect", "name")
    small.store.update("defect", changed, {"name": "after"})
    (added,) = feeder.create("defects", [{"name": "added"}])
    small.store.delete("defect", gone)
    run_extract(small, tmp_path, transport, page_size=2, only=("defect",), census=True)
    second = stored_rows(tmp_path, "defect", "name")

    assert first == {kept: ("kept",), changed: ("before",), gone: ("gone",)}
    assert second == {kept: ("kept",), changed: ("after",), added: ("added",)}
