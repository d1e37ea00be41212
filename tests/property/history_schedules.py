"""One random schedule of saves between and during extracts, then the stays in phases compared.

A seed comes in; an AssertionError goes out when a stay is not exact to the second, or not the one
that plain Python lists give. The history is refused and comes back, old records are dropped by the
server after they were read, commits come late, and the server's clock is set back and ahead.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

from octane_flows.client.transport import Request
from octane_flows.errors import OctaneFlowsError
from octane_flows.models import load_models
from octane_flows.warehouse import build, connect
from octane_simulator import Simulator
from tests.recorded_items import PHASES, Recorded, RecordedItems
from tests.small import FIELDS, START, Killed, SmallTransport, run_extract

STEPS = (
    "create", "create", "move", "move", "move", "move", "late_move", "same_second",
    "back_and_forth", "other_field", "delete", "wait", "clock_back", "clock_ahead",
    "refuse", "allow",
)  # fmt: skip
#: The server keeps records for that long from the second extract on; no pause is as long.
RETENTION_DAYS = 4
SETTLE = timedelta(minutes=11)  # a late commit lies within settle and overlap, as does a clock
NAMES = ("er.metaphases", "er.phases", "er.phase_periods")
MODELS = [model for model in load_models() if model.name in NAMES]


class HistoryTransport(SmallTransport):
    """Lets phases and the time of the creation pass."""

    fields = FIELDS | {"creation_time", "phase", "severity"}


class HistorySchedule:
    """A server and a lake, and random saves."""

    def __init__(self, seed: int, home: Path) -> None:
        self.dice = random.Random(seed)
        self.home = home
        self.simulator = Simulator(clock=START)
        self.items = RecordedItems(self.simulator)
        self.read_once = False
        self.log: list[str] = []

    def run(self) -> None:
        """Steps and extracts, then an undisturbed extract with a census; compares."""
        for _ in range(self.dice.randint(2, 4)):
            for _ in range(self.dice.randint(1, 7)):
                self.step(self.dice.choice(STEPS))
            self.extract()
        self.allow()
        self.simulator.clock.advance(timedelta(hours=1))
        self.log.append("last extract")
        self.read(HistoryTransport(self.simulator), census=True)
        build(self.home, models=MODELS)
        self.compare()

    def step(self, name: str) -> None:
        """One random change on the server."""
        self.log.append(name)
        getattr(self, name)()
        if self.dice.random() < 0.6:
            self.simulator.clock.advance(self.dice.choice([1, 30, 300, 4000]))

    def read(self, transport: HistoryTransport, *, census: bool = False) -> None:
        run_extract(
            self.simulator,
            self.home,
            transport,
            history=("work_item",),
            concurrency=1,
            census=census,
        )

    def extract(self) -> None:
        """An extract, during which items may be saved, or which may be killed and run again."""
        during = self.dice.random() < 0.4
        kill_at = self.dice.choice((None, None, self.dice.randint(3, 25)))
        sent = 0

        def before(_: Request) -> None:
            nonlocal sent
            sent += 1
            if kill_at is not None and sent >= kill_at:
                raise Killed
            if during and sent > 3 and self.dice.random() < 0.3:
                self.step(self.dice.choice(("create", "move", "move", "delete")))

        self.log.append(f"extract during={during} kill={kill_at}")
        try:
            self.read(HistoryTransport(self.simulator, before))
        except Killed:
            self.log.append("killed")
            return
        except OctaneFlowsError as error:
            self.log.append(f"refused: {error}")
            if "changed during" not in str(error):
                raise
            return
        if not self.simulator.faults.refused and not self.read_once:
            self.read_once = True
            self.simulator.faults.add("history_retention", days=RETENTION_DAYS)

    # -- what happens ---------------------------------------------------------------------------

    def pick(self, until: datetime | None = None) -> Recorded | None:
        """An item that is there and was last saved by a moment, so that its saves stay in order."""
        until = until or self.items.now()
        ready = [item for item in self.items.living() if last_save(item) <= until]
        return self.dice.choice(ready) if ready else None

    def create(self) -> None:
        entity = self.dice.choice(tuple(PHASES))
        self.items.create(entity, phase=self.phase(entity))

    def phase(self, entity: str) -> str:
        return f"phase.{entity}.{self.dice.choice(PHASES[entity])}"

    def move(self) -> None:
        item = self.pick()
        if item is not None:
            self.items.change(item, phase=self.phase(item.entity))

    def late_move(self) -> None:
        """A save that the server had stamped some minutes before it can be seen."""
        now = self.simulator.clock.now()
        item = self.pick((now - SETTLE).replace(tzinfo=None))
        if item is not None:
            self.simulator.clock.advance(-timedelta(seconds=self.dice.randint(1, 10 * 60)))
            self.items.change(item, phase=self.phase(item.entity))
            self.simulator.clock.set(now, frozen=True)

    def same_second(self) -> None:
        for _ in range(3):
            self.move()

    def back_and_forth(self) -> None:
        item = self.pick()
        if item is not None:
            before = item.values["phase"][-1][1]
            self.items.change(item, phase=self.phase(item.entity))
            self.items.change(item, phase=before)

    def other_field(self) -> None:
        """A save that keeps the phase."""
        item = self.pick()
        if item is not None and item.entity == "defect":
            self.items.change(item, severity="list_node.severity.high")

    def delete(self) -> None:
        item = self.pick()
        if item is not None:
            self.items.delete(item)

    def wait(self) -> None:
        self.simulator.clock.advance(timedelta(hours=self.dice.choice((3, 20))))

    def clock_back(self) -> None:
        self.simulator.clock.advance(-timedelta(minutes=self.dice.randint(1, 10)))

    def clock_ahead(self) -> None:
        self.simulator.clock.advance(timedelta(minutes=self.dice.randint(1, 10)))

    def refuse(self) -> None:
        """The role may not read the history, until it may again."""
        if self.read_once:
            self.simulator.faults.refuse("history_log")

    def allow(self) -> None:
        self.simulator.faults.allow()

    # -- the comparison -------------------------------------------------------------------------

    def compare(self) -> None:
        """Each stay is that of the plain lists, from second to second."""
        expected = [
            (item.id, phase, begin, begin, end, end, end is not None and end == item.deleted_at
             and number == len(item.stays()) - 1)
            for item in self.items.items
            for number, (phase, begin, end) in enumerate(item.stays())
        ]  # fmt: skip
        with connect(self.home) as connection:
            rows = connection.execute(
                "select work_item_id, phase_id, entered_after_at, entered_by_at, left_after_at, "
                "left_by_at, was_deleted, entry_source from er.phase_periods "
            ).fetchall()
            differences = connection.execute("from meta.history_differences").fetchall()
            saves = connection.execute(
                "select count(*) from past.changes where field_name = 'phase'"
            ).fetchall()[0][0]
        assert sorted(key(row[:7]) for row in rows) == sorted(key(row) for row in expected)
        assert {row[7] for row in rows} <= {"history"}, "no stay is vague"
        assert differences == []
        assert saves == sum(changes(item) for item in self.items.items)


def last_save(item: Recorded) -> datetime:
    """When an item was saved last."""
    return max(at for saves in item.values.values() for at, _ in saves)


def changes(item: Recorded) -> int:
    """Saves of an item that changed its phase; the first is its creation."""
    phases = [phase for _, phase in item.values["phase"]]
    return sum(number == 0 or phase != phases[number - 1] for number, phase in enumerate(phases))


def key(row: tuple[object, ...]) -> tuple[str, ...]:
    """A row by which rows with empty cells can be put in order."""
    return tuple(str(value) for value in row)
