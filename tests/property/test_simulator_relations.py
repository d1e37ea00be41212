"""Random writes by the simulator's rules: both ends of every relation always agree.

The reader shows each end and answers queries by it. No reference leads to a row that does not
exist, and the flags and paths that follow from relations are right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from octane_simulator import Simulator
from octane_simulator.model.relations import INVERSES, LINKS, Inverse, Link, Side
from octane_simulator.query.reader import Caller
from octane_simulator.store.table_layout import quoted

Row = dict[str, Any]
KINDS = (
    "epic", "feature", "story", "quality_story", "defect", "task", "test_manual", "gherkin_test",
    "test_suite", "test_suite_link_to_manual", "run_manual", "run_suite", "product_area",
    "requirement_document", "requirement_folder", "release", "sprint", "milestone", "team",
    "program", "user_tag", "comment", "attachment", "pipeline", "ci_server", "test_automated",
)  # fmt: skip
STEPS = 700
FLAGS = {"comment": "has_comments", "attachment": "has_attachments"}


class World:
    """A simulator, the dice, and the writes that the dice choose."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulator = Simulator()
        self.store, self.schema = self.simulator.store, self.simulator.schema
        self.done = dict.fromkeys(("create", "update", "delete"), 0)

    def rows(self, family: str) -> list[Row]:
        stored_rows = self.store.read(f"SELECT type, id FROM {quoted(family)}")
        return [{"type": kind, "id": str(key)} for kind, key in stored_rows]

    def reference(self, targets: tuple[str, ...], root: str | None) -> Row | None:
        family = self.schema.family(targets[0])
        candidates = [row for row in self.rows(family) if row["type"] in targets]
        if root is not None:
            nodes = self.store.find("list_node", list_root=root)
            candidates = [{"type": "list_node", "id": node["id"]} for node in nodes]
        return self.dice.choice(candidates) if candidates else None

    def values(self, kind: str, share: float) -> Row:
        """Some of the references that may be written, and what a new row needs."""
        values: Row = {}
        for name, field in self.schema.entities[kind].fields.items():
            if not field.editable or field.filter_only or name == "phase":
                continue
            if field.is_reference and (field.required or self.dice.random() < share):
                drawn = [
                    self.reference(field.targets, field.list_root)
                    for _ in range(self.dice.randint(1, 3))
                ]
                references = [row for row in drawn if row is not None]
                if field.multiple:
                    values[name] = {"data": references}
                elif references or not field.required:
                    values[name] = references[0] if references else None
        return values

    def step(self) -> None:
        kind = self.dice.choice(KINDS)
        entity = self.schema.entities[kind]
        identifiers = [
            row["id"] for row in self.rows(self.schema.family(kind)) if row["type"] == kind
        ]
        action = self.dice.choices(("create", "update", "delete"), (6, 6, 1))[0]
        writer = self.simulator.writer
        if action == "create" or not identifiers:
            needed = {
                "name": f"{kind} {self.dice.random()}",
                "start_date": "2026-01-01",
                "end_date": "2026-02-01",
                "date": "2026-01-10",
            }
            row = {**needed, **self.values(kind, 0.15)}
            new_row = {key: value for key, value in row.items() if key in entity.fields}
            if kind in FLAGS:
                new_row = {k: v for k, v in new_row.items() if not k.startswith("owner_")}
                owner = self.reference(("story", "defect", "epic"), None)
                new_row["owner_work_item"] = owner or {"type": "work_item", "id": "1001"}
            self.done["create"] += len(writer.create(entity, [new_row]).ids)
        elif action == "update":
            row = {"id": self.dice.choice(identifiers), **self.values(kind, 0.2)}
            append = self.dice.random() < 0.3
            self.done["update"] += len(writer.update(entity, [row], append=append).ids)
        else:
            identifier = self.dice.choice(identifiers)
            if identifier != "1001":  # the root of modules
                writer.delete(entity, [identifier])
                self.done["delete"] += 1

    # -- the two views of it ---------------------------------------------------------------------

    def shown_pairs(self, family: str, field: str) -> set[tuple[str, str]] | None:
        """(own id, far id) as the field shows it, or None where it is for queries alone."""
        pairs: set[tuple[str, str]] = set()
        for member in self.schema.members(family):
            entity = self.schema.entities[member]
            definition = entity.fields.get(field)
            if definition is None or member in self.schema.subtypes:
                continue
            if definition.filter_only or not definition.selectable:
                return None
            page = self.simulator.reader.page(entity, {"fields": field, "limit": "1000"}, Caller())
            for row in map(json.loads, page.rows):
                value = row[field]
                data = value["data"] if value and "data" in value else [value] if value else []
                pairs |= {(row["id"], reference["id"]) for reference in data}
        return pairs

    def queried_pairs(self, family: str, field: str, far: str) -> set[tuple[str, str]]:
        """(own id, far id) as queries by the field find it."""
        pairs: set[tuple[str, str]] = set()
        for member in self.schema.members(family):
            entity = self.schema.entities[member]
            if field not in entity.fields or member in self.schema.subtypes:
                continue
            for row in self.rows(far):
                query = f'"{field} EQ {{id EQ ^{row["id"]}^}}"'
                ids = self.simulator.reader.ids(entity, query, Caller())
                pairs |= {(own, row["id"]) for own in ids}
        return pairs


@pytest.fixture(scope="module", params=[1, 2, 3])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(request.param)
    for _ in range(STEPS):
        world.step()
    assert min(world.done.values()) > 3, world.done
    yield world
    world.simulator.close()


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
def test_both_ends_of_a_link_show_the_same(world: World, link: Link) -> None:
    def both(side: Side, far: Side) -> list[set[tuple[str, str]]]:
        pair_sets = []
        for field in side.fields:
            shown_pairs = world.shown_pairs(side.family, field)
            queried_pairs = world.queried_pairs(side.family, field, far.family)
            assert shown_pairs is None or shown_pairs == queried_pairs, field
            pair_sets.append(queried_pairs)
        return pair_sets

    left, right = both(link.left, link.right), both(link.right, link.left)
    turned = [{(far, own) for own, far in pairs} for pairs in right]
    stored = {
        (str(a), str(b)) for a, b in world.store.read(f"SELECT a, b FROM {quoted(link.name)}")
    }
    assert set().union(*left) == stored
    for pairs in [*left[1:], *turned]:  # twins may belong to some of the types only
        assert pairs <= stored
    if right and not link.right.filter_only:
        assert set().union(*turned) == stored


@pytest.mark.parametrize(
    "inverse", INVERSES, ids=lambda inverse: f"{inverse.family}.{inverse.field}"
)
def test_an_inverse_is_what_the_single_reference_says(world: World, inverse: Inverse) -> None:
    shown_pairs = world.shown_pairs(inverse.family, inverse.field)
    queried_pairs = world.queried_pairs(inverse.family, inverse.field, inverse.child)
    assert shown_pairs is None or shown_pairs == queried_pairs
    holding = {
        name
        for name in world.schema.members(inverse.family)
        if inverse.field in world.schema.entities[name].fields
    }
    reference = quoted(inverse.reference)[1:-1]
    rows = world.store.read(
        f'SELECT "{reference}_id", "{reference}_type", id FROM {quoted(inverse.child)}'
        f' WHERE "{reference}_id" IS NOT NULL'
    )
    assert queried_pairs == {(str(own), str(child)) for own, kind, child in rows if kind in holding}


def test_nothing_refers_to_a_row_that_is_not_there(world: World) -> None:
    for family in world.schema.families():
        for name, column in world.store.columns(family).items():
            if column.kind != "single":
                continue
            rows = world.store.read(
                f'SELECT own.id, own."{name}_type", far.type FROM {quoted(family)} own'
                f' LEFT JOIN {quoted(column.far_family)} far ON far.id = own."{name}_id"'
                f' WHERE own."{name}_id" IS NOT NULL AND far.type IS NOT own."{name}_type"'
            )
            assert rows == [], (family, name)


def test_links_end_at_rows_that_are_there(world: World) -> None:
    for (family, name), end in world.schema.link_ends.items():
        rows = world.store.read(
            f"SELECT l.{end.own}, l.{end.own}_type, own.type FROM {quoted(end.link)} l"
            f" LEFT JOIN {quoted(family)} own ON own.id = l.{end.own}"
            f" WHERE own.type IS NOT l.{end.own}_type"
        )
        assert rows == [], (family, name)


@pytest.mark.parametrize("child", FLAGS)
def test_the_flags_of_owners_fit_what_they_own(world: World, child: str) -> None:
    for name, column in world.store.columns(child).items():
        if name.startswith("owner_"):
            rows = world.store.read(
                f"SELECT o.id, o.{FLAGS[child]}, EXISTS (SELECT 1 FROM {child}"
                f' WHERE "{name}_id" = o.id) FROM {quoted(column.far_family)} o'
            )
            assert [row for row in rows if bool(row[1]) != bool(row[2])] == [], name


@pytest.mark.parametrize("family", ["work_item", "product_area", "requirement"])
def test_paths_and_children_fit_the_parents(world: World, family: str) -> None:
    rows = world.store.read(
        f"SELECT own.path, above.path FROM {family} own JOIN {family} above"
        " ON above.id = own.parent_id"
    )
    assert len(rows) > 3
    assert all(own.startswith(above) and len(own) == len(above) + 6 for own, above in rows)
    if "has_children" in world.store.columns(family):
        flags = world.store.read(
            f"SELECT has_children, EXISTS (SELECT 1 FROM {family} c WHERE c.parent_id = o.id)"
            f" FROM {family} o"
        )
        assert {bool(flag) == bool(real) for flag, real in flags} == {True}
