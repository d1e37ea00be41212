"""An extract of one workspace during which another workspace is extracted and published."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="needs the extra export")


from octane_flows.client.transport import Request
from octane_flows.export import destination, export
from octane_flows.export.destination import Format
from octane_flows.extract import ExtractReport
from octane_flows.extract.script_reader import TABLE as SCRIPTS
from octane_flows.lake import Lake, Manifest, compact, expire
from octane_flows.warehouse import build, connect, load_models
from octane_simulator import Simulator
from tests.company_lake import FORMATS, read
from tests.small import START, SmallTransport, run_extract, stored_rows

SLOW, QUICK = "1001", "1002"
FEW = [model for model in load_models() if model.name == "er.releases"]
CHOICES: dict[str, Any] = {"scripts": True, "concurrency": 1}


@pytest.fixture
def simulator() -> Simulator:
    """Two workspaces with two defects, a story and a manual test each."""
    simulator = Simulator(clock=START, workspaces=[SLOW, QUICK])
    for workspace in (SLOW, QUICK):
        feeder = simulator.feeder(workspace)
        feeder.create("defects", [{"name": f"{workspace} a"}, {"name": f"{workspace} b"}])
        feeder.create("stories", [{"name": f"{workspace} story"}])
        feeder.create("manual_tests", [{"name": f"{workspace} test"}])
    simulator.clock.advance(3600)
    return simulator


def extract_both(simulator: Simulator, home: Path, *, field: str = "") -> list[ExtractReport]:
    """An extract of the slow workspace, and during it one of the quick one, published first.

    `field` is a user-defined field of defects that is added between the beginnings of the two.
    """
    reports: list[ExtractReport] = []

    def meanwhile(request: Request) -> None:
        if f"/{SLOW}/stories?" in request.url and not reports:
            if field:
                simulator.add_field("defect", field, "string")
            simulator.clock.advance(60)
            reports.append(run_extract(simulator, home, workspaces=(QUICK,), **CHOICES))

    transport = SmallTransport(simulator, meanwhile)
    slow = run_extract(simulator, home, transport, workspaces=(SLOW,), **CHOICES)
    return [*reports, slow]


def test_each_has_its_rows_scripts_columns_and_states(simulator: Simulator, home: Path) -> None:
    quick, slow = (report.manifest for report in extract_both(simulator, home, field="team_udf"))

    assert (quick.generation, quick.parent, quick.stamp(QUICK)) == (1, None, 1)
    assert (slow.generation, slow.parent, slow.stamp(SLOW), slow.stamp(QUICK)) == (2, 1, 1, 1)
    assert slow.states == {QUICK: quick.states[QUICK], SLOW: slow.states[SLOW]}
    assert set(slow.states[SLOW]) == set(slow.states[QUICK]) == {"defect", "story", SCRIPTS}
    assert {file.workspace for file in slow.tables[SCRIPTS].files} == {SLOW, QUICK}
    assert len(stored_rows(home, "defect", "team_udf")) == 4
    assert {field.workspace for field in slow.fields if field.name == "team_udf"} == {QUICK}
    assert {field.first_generation for field in slow.fields if field.workspace == SLOW} == {2}
    assert {field.first_generation for field in slow.fields if field.workspace == QUICK} == {1}

    third = run_extract(simulator, home, workspaces=(SLOW,), **CHOICES).manifest
    changes = [(change.workspace, change.field, change.change) for change in third.schema_changes]
    assert changes == [(SLOW, "team_udf", "added")]


def test_the_certificate_has_both_at_the_same_time(simulator: Simulator, home: Path) -> None:
    quick, slow = (report.manifest for report in extract_both(simulator, home))

    assert slow.as_of == quick.as_of  # the slow one began before it, but the quick one's is in it
    assert slow.workspaces[SLOW].as_of < slow.workspaces[QUICK].as_of == quick.as_of
    rows_of_certificate = {
        (row.workspace, row.entity): (row.status, row.rows_held, row.lag_s)
        for row in slow.certificate
    }
    assert rows_of_certificate == {
        (SLOW, "defect"): ("complete", 2, 180),  # cursors stay two minutes behind
        (SLOW, "story"): ("complete", 1, 180),
        (QUICK, "defect"): ("carried", 2, 120),
        (QUICK, "story"): ("carried", 1, 120),
    }
    assert {figures["workspace"] for figures in slow.politeness["collections"]} - {None, ""} == {
        SLOW
    }


def test_a_finding_stays_until_its_workspace_is_read_again(
    simulator: Simulator, home: Path
) -> None:
    run_extract(simulator, home, workspaces=(SLOW, QUICK), **CHOICES)
    simulator.clock.advance(3600)
    simulator.faults.add("refuse", entity="story")
    run_extract(simulator, home, workspaces=(SLOW,), **CHOICES)
    simulator.faults.clear()
    after = run_extract(simulator, home, workspaces=(QUICK,), **CHOICES).manifest
    assert refusals(after) == [SLOW]
    build(home, models=FEW)
    refusal = "from meta.findings where finding like 'workspace 1001: story may no longer be read%'"
    assert len(rows(home, refusal)) == 1

    again = run_extract(simulator, home, workspaces=(SLOW,), **CHOICES).manifest
    assert refusals(again) == []
    assert {finding.workspace for finding in again.findings} == {SLOW, QUICK}


def test_a_warehouse_follows_concurrent_generations(simulator: Simulator, home: Path) -> None:
    run_extract(simulator, home, workspaces=(SLOW, QUICK), **CHOICES)
    build(home, models=FEW)
    for round in range(3):
        simulator.clock.advance(3600)
        for workspace in (SLOW, QUICK):
            store = simulator.workspaces[workspace].store
            for row in store.find("defect"):
                store.update("defect", row["id"], {"name": f"{workspace} round {round}"})
        assert [report.rows_written for report in extract_both(simulator, home)] == [2, 2]
        if round == 1:
            compact(Lake(home / "lake"), min_files=2)
        build(home, models=FEW)
        names = rows(home, "select distinct name from octane.defect order by all")
        assert names == [(f"{workspace} round {round}",) for workspace in (SLOW, QUICK)]

    updated = rows(home, "from octane.defect order by all")
    build(home, models=FEW, full=True)
    assert rows(home, "from octane.defect order by all") == updated


def refusals(manifest: Manifest) -> list[str]:
    """The workspaces of findings about what may no longer be read."""
    return [
        finding.workspace
        for finding in manifest.findings
        if "may no longer be read" in finding.text
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_a_history_gets_rows_that_were_read_before_it_and_published_after_it(
    format: Format, simulator: Simulator, home: Path
) -> None:
    place = destination(format, home)
    quick = simulator.workspaces[QUICK].store
    story, defect = (quick.find(entity)[0]["id"] for entity in ("story", "defect"))
    run_extract(simulator, home, workspaces=(SLOW, QUICK), **CHOICES)
    simulator.clock.advance(3600)
    slow_story = simulator.workspaces[SLOW].store.find("story")[0]["id"]
    simulator.workspaces[SLOW].store.update("story", slow_story, {"name": "slow"})
    exported: list[int] = []

    def meanwhile(request: Request) -> None:
        """Two generations are published and exported, of which the first expires."""
        if f"/{SLOW}/stories?" not in request.url or exported:
            return
        for entity, id in (("story", story), ("defect", defect)):
            quick.update(entity, id, {"name": f"quick {entity}"})
            simulator.clock.advance(60)
            run_extract(simulator, home, workspaces=(QUICK,), **CHOICES)
            build(home, models=FEW)
            exported.append(export(home, place, history=True).generation)
        expire(Lake(home / "lake"), keep=1)

    slow = SmallTransport(simulator, meanwhile)
    late = run_extract(simulator, home, slow, workspaces=(SLOW,), **CHOICES).manifest
    assert (exported, late.generation, late.stamp(SLOW)) == ([2, 3], 4, 2)
    build(home, models=FEW)
    export(home, place, history=True)
    export(home, place, history=True)

    names_of_versions = Counter(row["name"] for row in read(place, "story_history").to_pylist())
    assert names_of_versions == Counter([f"{SLOW} story", f"{QUICK} story", "quick story", "slow"])
    names = {row["name"] for row in read(place, "story").to_pylist()}
    assert names == {"quick story", "slow"}


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with connect(home) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path
