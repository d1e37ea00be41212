"""`--as-of` any moment that the change history covers: work items as they were, to the second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from octane_flows.errors import UsageError
from octane_flows.warehouse import connect_as_of, load_models
from octane_flows.warehouse.warehouse_as_of import FOLDER, KEPT_MOMENTS
from octane_simulator import Simulator
from tests.recorded_items import Recorded, RecordedItems
from tests.small import FIELDS, START, SmallTransport, run_extract

NAMES = ("er.metaphases", "er.phases", "er.phase_periods", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]
FIELDS_OF_ITEMS = ("phase", "owner", "sprint", "release", "severity")
HOUR = timedelta(hours=1)


class ItemTransport(SmallTransport):
    """Lets the fields pass that a moment can set."""

    fields = FIELDS | {"creation_time", *FIELDS_OF_ITEMS}


@dataclass
class Past:
    """A lake of two generations, and the items of its server."""

    home: Path
    items: RecordedItems
    first: datetime
    second: datetime
    said: list[str]

    def at(self, moment: datetime) -> duckdb.DuckDBPyConnection:
        self.said.clear()
        return connect_as_of(self.home, moment, models=FEW, progress=self.said.append)


def phase(entity: str, name: str) -> str:
    return f"phase.{entity}.{name}"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Hours 0, 1, 2: items are made and changed; an extract; hours 4, 5, 6: again; an extract."""
    home = tmp_path_factory.mktemp("past")
    simulator = Simulator(clock=START)
    items = RecordedItems(simulator)
    store = simulator.store
    release, other = (store.insert("release", {"name": name}) for name in ("R1", "R2"))
    sprint = store.insert("sprint", {"name": "S1", "release": {"type": "release", "id": release}})

    def pass_hour() -> None:
        simulator.clock.advance(HOUR)

    changed = items.create("defect", phase=phase("defect", "new"), release=release)
    doomed = items.create("defect", phase=phase("defect", "new"))
    items.create("story", phase=phase("story", "new"), sprint=sprint)
    pass_hour()
    items.change(changed, phase=phase("defect", "opened"), release=other, owner="1001")
    pass_hour()
    early = items.create("story", phase=phase("story", "new"))
    simulator.clock.advance(2 * HOUR)
    run_extract(simulator, home, ItemTransport(simulator), history=("work_item",))
    first = items.now()
    pass_hour()
    items.change(changed, phase=phase("defect", "fixed"), release=None, sprint=sprint)
    items.change(early, owner="1001")
    pass_hour()
    items.delete(doomed)
    items.create("defect", phase=phase("defect", "new"), severity="list_node.severity.high")
    pass_hour()
    items.change(changed, phase=phase("defect", "closed"), owner=None)
    simulator.clock.advance(2 * HOUR)
    run_extract(simulator, home, ItemTransport(simulator), history=("work_item",), census=True)
    yield Past(home, items, first, items.now(), [])
    simulator.close()


def expected(items: list[Recorded], moment: datetime) -> list[tuple[str | None, ...]]:
    return sorted(
        (item.entity, item.id, *(item.value_at(name, moment) for name in FIELDS_OF_ITEMS))
        for item in items
        if item.is_there(moment)
    )


def found(connection: duckdb.DuckDBPyConnection) -> list[tuple[str | None, ...]]:
    names = ", ".join(f"{name}_id" for name in FIELDS_OF_ITEMS)
    story = names.replace("severity_id", "null")
    rows = connection.execute(
        f"select 'defect', id, {names} from octane.defect "
        f"union all select 'story', id, {story} from octane.story order by all"
    ).fetchall()
    return sorted(rows)


@pytest.mark.parametrize("minutes", [30, 60, 130, 300, 359, 360, 430])
def test_items_have_the_values_of_the_moment(past: Past, minutes: int) -> None:
    moment = (START + timedelta(minutes=minutes)).replace(tzinfo=None)
    with past.at(moment) as connection:
        assert found(connection) == expected(past.items.items, moment)
        as_of = connection.execute("select as_of from meta.generation").fetchall()
        stays = connection.execute(
            "select work_item_id, phase_id, entered_by_at from er.phase_periods "
            "where entered_after_at = entered_by_at order by all"
        ).fetchall()
    assert as_of == [(moment,)]
    assert stays == sorted(
        (item.id, entered, at)
        for item in past.items.items
        for entered, at, _ in item.stays()
        if at <= moment
    )
    assert any(
        "phase, owner, sprint, release and severity of defect, story are those of this moment"
        in sentence
        for sentence in past.said
    )


def test_the_sentences_stand_among_the_findings(past: Past) -> None:
    with past.at(START + timedelta(minutes=30)) as connection:
        said = connection.execute(
            "select finding from meta.findings where finding like 'as of %'"
        ).fetchall()
    assert [(sentence,) for sentence in past.said if sentence.startswith("as of ")] == said


def test_a_generation_itself_is_answered_as_before(past: Past) -> None:
    with connect_as_of(past.home, 1, models=FEW) as connection:
        rows = found(connection)
    assert rows == expected(past.items.items, past.first)
    assert (past.home / FOLDER / "000001.duckdb").is_file()


def test_a_moment_before_the_history_is_told(past: Past) -> None:
    with pytest.raises(UsageError, match=r"does not cover it either: it is complete from 2021-01"):
        past.at(START - timedelta(days=2))


def test_few_moments_are_kept(past: Past) -> None:
    for minutes in range(KEPT_MOMENTS - 2):
        past.at(START + timedelta(minutes=61 + minutes)).close()
    assert len(list((past.home / FOLDER).glob("*-*.duckdb"))) == KEPT_MOMENTS


def test_where_no_history_was_read_the_generation_answers(tmp_path: Path) -> None:
    simulator = Simulator(clock=START)
    items = RecordedItems(simulator)
    item = items.create("defect", phase=phase("defect", "new"))
    run_extract(simulator, tmp_path, ItemTransport(simulator))
    simulator.clock.advance(HOUR)
    items.change(item, phase=phase("defect", "opened"))
    simulator.clock.advance(HOUR)
    run_extract(simulator, tmp_path, ItemTransport(simulator))
    simulator.close()
    moment = START + timedelta(minutes=90)
    with connect_as_of(tmp_path, moment, models=FEW) as connection:
        assert found(connection) == expected([item], START.replace(tzinfo=None))
    with pytest.raises(UsageError, match="it keeps 2, from"):
        connect_as_of(tmp_path, START - timedelta(days=1), models=FEW)
