"""One random schedule of changes between and during extracts, then the comparison with the server.

A seed comes in; an AssertionError that names it goes out when the lake does not end equal, or does
not list the values that do not fit their fields.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from octane_flows.client.transport import Request
from octane_flows.errors import OctaneFlowsError
from octane_flows.lake import Lake
from octane_flows.warehouse.meta.certificate_tables import rejected_values
from octane_simulator import Simulator
from tests.property.misfitting_values import MISFITS, Misfits, MisfittingTransport, rejected
from tests.small import START, Killed, links_in, loaded, rows_in, run_extract

ENTITIES = ("defect", "story")
TAGS = 4
STEPS = (
    "edit", "edit", "create", "create", "late_edit", "late_create", "tie", "link_only", "link",
    "delete", "move", "move_back", "burst", "lose", "regain", "add_field", "remove_field", "wait",
    "clock_back", "day_ahead", "day_back", "return_field", "add_list_value", "remove_list_value",
    "back_up", "restore", "restore", "misfit", "misfit", "fit",
)  # fmt: skip

#: What an extract may refuse: a type that was never read, a collection that changes as it is read,
#: a slice beside nothing.
EXPECTED = ("does not let this user", "gave", "repeated", "has nothing to join", "changed during")
#: Now and then list values are read too: by offset, in pages of so many.
LIST_PAGE = 60


class Schedule:
    """A server and a lake, and random changes."""

    def __init__(self, seed: int, home: Path) -> None:
        self.dice = random.Random(seed)
        self.home = home
        self.simulator = Simulator(clock=START + timedelta(minutes=self.dice.randint(-10, 10)))
        self.store = self.simulator.store
        self.udf: list[str] = []
        self.fields = 0
        self.kinds: dict[str, str] = {}
        self.removed: list[tuple[str, int]] = []  # fields, and the extracts before they went
        self.extracts = 0  # that could read defects
        self.lists: list[str] = []
        self.misfits: Misfits = {}  # by id and field
        self.misfits_of_backup: Misfits = {}
        self.backup: sqlite3.Connection | None = None
        self.fields_of_backup = 0  # ever added
        self.lists_of_backup: list[str] = []
        self.was_restored = False
        self.back_unseen = False  # the clock was set back, and no extract of all types has seen it
        self.log: list[str] = []
        self.tags = [self.store.insert("user_tag", {"name": f"t{n}"}) for n in range(TAGS)]
        for _ in range(self.dice.randint(0, 9)):
            self.create()

    def run(self) -> None:
        """Steps and extracts, then an undisturbed extract with census and sweep; compares."""
        if self.dice.random() < 0.3:
            self.back_up()
        for _ in range(self.dice.randint(2, 4)):
            for _ in range(self.dice.randint(0, 5)):
                self.step()
            self.extract()
        self.simulator.faults.allow()
        self.simulator.clock.advance(timedelta(hours=1))
        self.log.append("last extract")
        only = (*ENTITIES, "list_node")
        last: list[dict[str, Any]] = [{"census": True, "sweep": True, "sweep_share": 1.0}]
        if self.was_restored:
            # the remedy that the finding names; it goes on with what a killed full extract has
            # read, and the next extract reads what changed since that one began
            last = [{"full": True, "accept_deletions": only}, {}]
        for choices in last:
            run_extract(self.simulator, self.home, self.transport(None),
                        only=only, page_size=LIST_PAGE, **choices)  # fmt: skip
        self.compare()

    def step(self) -> None:
        """One random change on the server."""
        name = self.dice.choice(STEPS)
        self.log.append(name)
        getattr(self, name)()
        if self.dice.random() < 0.6:
            self.simulator.clock.advance(self.dice.choice([1, 30, 300, 4000]))

    def extract(self) -> None:
        """An extract of a random kind; one that was killed is often run again."""
        if self.dice.random() < 0.3:
            self.burst()
        choices: dict[str, Any] = {}
        kind = self.dice.choice(("", "", "", "census", "sweep", "full", "slice"))
        if kind == "slice":
            now = self.simulator.clock.now()
            choices["since"] = START - timedelta(days=1)
            choices["until"] = now - timedelta(seconds=self.dice.randint(0, 4000))
        elif kind:
            choices[kind] = True
        while not self.attempt(choices) and self.dice.random() < 0.7:
            for _ in range(self.dice.randint(0, 2)):
                self.step()

    def attempt(self, choices: dict[str, Any]) -> bool:
        """One call; rows may change while it reads, or it may be killed, which returns False."""
        during = self.dice.random() < 0.4
        # the first pages of rows come as the tenth request, the last rarely after the twentieth
        kill_at = self.dice.choice((None, None, self.dice.randint(3, 9), self.dice.randint(10, 18)))
        sent = 0

        def before(_: Request) -> None:
            nonlocal sent
            sent += 1
            if kill_at is not None and sent >= kill_at:
                raise Killed
            if during and sent > 3 and self.dice.random() < 0.3:
                changes = (self.hot, self.create, self.edit, self.delete, self.misfit, self.fit)
                self.dice.choice(changes)()
            if during and sent > 3 and "page_size" in choices and self.dice.random() < 0.2:
                self.dice.choice((self.add_list_value, self.remove_list_value))()

        if self.dice.random() < 0.1:
            choices = {**choices, "only": (*ENTITIES, "list_node"), "page_size": LIST_PAGE}
        if during:
            choices = {**choices, "concurrency": 1}
        self.log.append(f"extract {choices} during={during} kill={kill_at}")
        try:
            run_extract(self.simulator, self.home, self.transport(before), **choices)
        except Killed:
            self.log.append("killed")
            return False
        except OctaneFlowsError as error:
            self.log.append(f"refused: {error}")
            if not any(message in str(error) for message in EXPECTED):
                raise
        else:
            self.extracts += "defect" not in self.simulator.faults.refused
            self.back_unseen = self.back_unseen and bool(self.simulator.faults.refused)
        return True

    def transport(self, before: Callable[[Request], None] | None) -> MisfittingTransport:
        return MisfittingTransport(self.simulator, self.misfits, before)

    # -- what happens ---------------------------------------------------------------------------

    def ids(self, entity: str) -> list[str]:
        return [row["id"] for row in self.store.find(entity)]

    def pick(self) -> tuple[str, str] | None:
        entity = self.dice.choice(ENTITIES)
        ids = self.ids(entity)
        return (entity, self.dice.choice(ids)) if ids else None

    def values(self) -> dict[str, Any]:
        severity = self.dice.choice(("high", "low", "medium"))
        values: dict[str, Any] = {"name": f"n{self.dice.randint(0, 999)}"}
        values["severity"] = {"type": "list_node", "id": f"list_node.severity.{severity}"}
        if self.dice.random() < 0.5:
            chosen = self.dice.sample(self.tags, self.dice.randint(0, TAGS))
            values["user_tags"] = [{"type": "user_tag", "id": tag} for tag in chosen]
        return values

    def late(self) -> str:
        # and the clock may be set back by ten: settle and overlap are 22 minutes
        back = timedelta(seconds=self.dice.randint(1, 11 * 60))
        return (self.simulator.clock.now() - back).strftime("%Y-%m-%dT%H:%M:%SZ")

    def create(self) -> None:
        entity = self.dice.choice(ENTITIES)
        values = self.values()
        if entity == "story":
            values.pop("severity")
        self.store.insert(entity, values)

    def late_create(self) -> None:
        self.store.insert("defect", {**self.values(), "last_modified": self.late()})

    def edit(self, **more: Any) -> None:
        picked = self.pick()
        if picked is None:
            return
        values = self.values()
        if picked[0] == "story":
            values.pop("severity")
        self.store.update(*picked, {**values, **more})

    def late_edit(self) -> None:
        self.edit(last_modified=self.late())

    def tie(self) -> None:
        for _ in range(3):
            self.edit()

    def hot(self) -> None:
        ids = self.ids("defect")
        if ids:
            self.simulator.clock.advance(1)
            self.store.update("defect", ids[0], {"name": f"hot{self.dice.randint(0, 999)}"})

    def link(self) -> None:
        self.edit(user_tags=[])

    def link_only(self) -> None:
        picked = self.pick()
        if picked is not None:
            entity, id = picked
            chosen = self.dice.sample(self.tags, self.dice.randint(0, TAGS))
            self.store.link(entity, "user_tags", id, [("user_tag", tag) for tag in chosen])

    def delete(self) -> None:
        picked = self.pick()
        if picked is not None:
            self.store.delete(*picked)

    def move(self, source: str = "defect", target: str = "story") -> str | None:
        ids = self.ids(source)
        if ids:
            with self.store.transaction():
                self.store.connection.execute(
                    "UPDATE work_item SET type = ? WHERE id = ?", (target, int(ids[-1]))
                )
        return ids[-1] if ids else None

    def move_back(self) -> None:
        """A move with a new stamp: two rows that exchange types without one leave counts equal."""
        moved = self.move("story", "defect")
        if moved is not None:
            self.store.update("defect", moved, {"name": f"back{self.dice.randint(0, 999)}"})

    def burst(self) -> None:
        """More changes than a few pages hold."""
        for _ in range(12):
            self.create()
        for id in self.ids("defect"):
            self.store.update("defect", id, self.values())

    def lose(self) -> None:
        self.simulator.faults.refuse(self.dice.choice(ENTITIES))

    def regain(self) -> None:
        self.simulator.faults.allow()

    def add_field(self) -> None:
        self.fields += 1  # a name is never used again
        name = f"f{self.fields}_udf"
        kind = self.dice.choice(("string", "integer"))
        self.kinds[name] = kind
        self.fill_field(name)

    def fill_field(self, name: str) -> None:
        """Add the field, with a value in about half of the rows."""
        kind = self.kinds[name]
        self.simulator.add_field("defect", name, kind)
        self.udf.append(name)
        for id in self.ids("defect"):
            if self.dice.random() < 0.5:
                # A value that touches no stamp. Were `version_stamp` to rise here, a field that is
                # removed before the next extract would leave a version that no request can find.
                value: Any = "x" if kind == "string" else 7
                row = self.store.get("defect", id) or {}
                kept = {stamp: row[stamp] for stamp in ("last_modified", "version_stamp")}
                self.store.update("defect", id, {name: value, **kept})

    def remove_field(self) -> None:
        if self.udf:
            name = self.udf.pop()
            self.simulator.remove_field("defect", name)
            for key in [key for key in self.misfits if key[1] == name]:
                del self.misfits[key]
            self.removed.append((name, self.extracts))

    def return_field(self) -> None:
        """A removed field is there again under the same name, after an extract without it."""
        seen = [name for name, extracts in self.removed if extracts < self.extracts]
        if seen:
            name = self.dice.choice(seen)
            self.removed = [entry for entry in self.removed if entry[0] != name]
            self.fill_field(name)

    def fields_of(self, entity: str) -> list[str]:
        own = ["severity", *self.udf] if entity == "defect" else []
        return ["name", "user_tags", "version_stamp", "last_modified", *own]

    def misfit(self) -> None:
        """A row is changed, and from now on a value of it is answered that does not fit."""
        picked = self.pick()
        if picked is None:
            return
        name = self.dice.choice(self.fields_of(picked[0]))
        kind = f"{self.kinds[name]}_udf" if name in self.udf else name
        self.misfits[picked[1], name] = self.dice.choice(MISFITS[kind])
        values: dict[str, Any] = {"name": f"m{self.dice.randint(0, 999)}"}
        if name in self.udf:  # rows without a value are not asked for when the field is new
            values[name] = "x" if self.kinds[name] == "string" else 7
        self.store.update(*picked, values)

    def fit(self) -> None:
        """A row is changed, and its values fit again."""
        ids = sorted({id for id, _ in self.misfits})
        if not ids:
            return
        mended = self.dice.choice(ids)
        for key in [key for key in self.misfits if key[0] == mended]:
            del self.misfits[key]
        for entity in ENTITIES:
            if mended in self.ids(entity):
                self.store.update(entity, mended, {"name": f"fit{self.dice.randint(0, 999)}"})

    def add_list_value(self) -> None:
        values = {"name": f"value {len(self.lists)}", "logical_name": f"a.{len(self.lists)}"}
        self.lists.append(self.store.insert("list_node", values))

    def remove_list_value(self) -> None:
        if self.lists:
            self.store.delete("list_node", self.lists.pop(self.dice.randrange(len(self.lists))))

    def wait(self) -> None:
        self.simulator.clock.advance(timedelta(hours=3))

    def clock_back(self) -> None:
        """Only the server's clock counts, and it may be set back by ten minutes."""
        self.simulator.clock.advance(timedelta(minutes=-self.dice.randint(1, 10)))

    def day_ahead(self) -> None:
        """The server's whole clock is a day ahead, the stamps of its rows too.

        A clock that goes back and forth between two extracts leaves rows with stamps of the day
        before, which nothing but a full extract can find.
        """
        if not self.back_unseen:
            self.simulator.clock.advance(timedelta(days=1))

    def day_back(self) -> None:
        self.simulator.clock.advance(timedelta(days=-1))
        self.back_unseen = True

    def back_up(self) -> None:
        """Keep the server's rows as they are; its fields are not part of them."""
        if self.backup is not None:
            self.backup.close()
        self.backup = sqlite3.connect(":memory:", check_same_thread=False)
        self.store.connection.backup(self.backup)
        self.fields_of_backup, self.lists_of_backup = self.fields, list(self.lists)
        self.misfits_of_backup = dict(self.misfits)

    def restore(self) -> None:
        """Go back to the backup: ids are given again, and the newest stamps are gone."""
        if self.backup is None or self.fields_of_backup != self.fields:
            return
        self.backup.backup(self.store.connection)
        with self.store.transaction():
            pass  # rows that came around the store, too, must discard the counts that it keeps
        self.lists = list(self.lists_of_backup)
        self.misfits.clear()
        self.misfits.update(self.misfits_of_backup)
        self.was_restored = True

    # -- the comparison -------------------------------------------------------------------------

    def compare(self) -> None:
        """The lake's current state is the server's, with null for what does not fit."""
        with loaded(self.home) as lake:
            listed = {row["id"] for row in self.store.find("list_node")}
            assert rows_in(lake, "list_node").keys() == listed
            for entity in ENTITIES:
                self.compare_entity(lake, entity)

    def compare_entity(self, lake: duckdb.DuckDBPyConnection, entity: str) -> None:
        """The rows of an entity type, their links and what is rejected of them."""
        names = ["name", "version_stamp", *(self.udf if entity == "defect" else [])]
        rows = {row["id"]: row for row in self.store.find(entity)}
        expected = {
            id: tuple(None if (id, name) in self.misfits else row[name] for name in names)
            for id, row in rows.items()
        }
        assert rows_in(lake, entity, *names) == expected
        links = {
            id: sorted(tag["id"] for tag in row["user_tags"])
            for id, row in rows.items()
            if row["user_tags"] and (id, "user_tags") not in self.misfits
        }
        assert links_in(lake, entity, "user_tags") == links
        self.compare_rejected(entity, rows.keys())

    def compare_rejected(self, entity: str, ids: Collection[str]) -> None:
        """What is listed as rejected, and counted in the certificate, does not fit."""
        manifest = Lake(self.home / "lake").current()
        assert manifest is not None
        values = [value for _, name, value in rejected_values(manifest) if name == entity]
        expected = rejected(self.misfits, ids, self.fields_of(entity))
        assert {(value.id, value.field, value.value) for value in values} == expected
        assert len(values) == len(expected)
        assert all(value.since <= manifest.as_of for value in values)
        (row,) = [row for row in manifest.certificate if row.entity == entity]
        assert row.rejected_values == len(expected)
