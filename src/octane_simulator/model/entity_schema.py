"""Which entity types, fields and relations the simulated server has.

In: data/field_model.json, as field_model.py reads it, and relations.py. Out: `Schema` with entity
definitions, families (types that share a table) and resolved fields. Read by every other module.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from octane_simulator.model.extra_types import EXTRA_TYPES
from octane_simulator.model.field_model import (
    AGGREGATES,
    SHARED_STORAGE,
    EntityDef,
    FieldDef,
    entity_of,
    unlisted_fields,
)
from octane_simulator.model.live_types import LIVE_FIELDS, LIVE_METHODS, LIVE_TYPES
from octane_simulator.model.relations import INVERSES, LINKS, Inverse, Link

__all__ = ["LinkEnd", "Schema", "load_schema"]

COLLECTION_ALIASES = {
    "builds": "ci_builds",
    "suite_runs": "suite_run",
    "users": "workspace_users",
    "historys": "history_records",
}


@dataclass(frozen=True)
class LinkEnd:
    """A multi-reference read from one end: `own` and `far` are the columns a or b of the link."""

    link: str
    own: str
    far: str
    far_family: str


class Schema:
    """All entity types; can grow by user-defined fields while the server runs."""

    def __init__(self, model: dict[str, Any]) -> None:
        self.list_nodes: dict[str, list[str]] = model["list_nodes"]
        self.phases: dict[str, list[str]] = model["phases"]
        self.entities: dict[str, EntityDef] = {}
        self.links: dict[str, Link] = {link.name: link for link in LINKS}
        self.link_ends: dict[tuple[str, str], LinkEnd] = {}
        self.inverses: dict[tuple[str, str], Inverse] = {}
        self.subtypes: dict[str, tuple[str, ...]] = {}
        for name, raw in model["entities"].items():
            self.entities[name] = entity_of(name, _with_live_facts(name, raw))
        for name, raw in {**EXTRA_TYPES, **LIVE_TYPES}.items():
            self.entities[name] = entity_of(name, raw)
            self.entities[name].listed = raw.get("listed", False)
        for aggregate in AGGREGATES:
            parts = [e.name for e in self.entities.values() if e.subtype_of == aggregate]
            self.subtypes[aggregate] = tuple(parts)
            for part in parts:
                for definition in self.entities[part].fields.values():
                    self.entities[aggregate].fields.setdefault(definition.name, definition)
        self.by_collection = {e.collection: e for e in self.entities.values() if e.collection}
        for alias, collection in COLLECTION_ALIASES.items():
            self.by_collection[alias] = self.by_collection[collection]
        self._add_relations()
        for entity in self.entities.values():
            for definition in unlisted_fields(entity, self.family(entity.name)):
                entity.fields.setdefault(definition.name, definition)

    def family(self, name: str) -> str:
        """The name of the table family that holds rows of this type."""
        entity = self.entities.get(name)
        if entity is not None and entity.subtype_of:
            return entity.subtype_of
        return SHARED_STORAGE.get(name, name)

    def families(self) -> list[str]:
        """Every family once."""
        return list(dict.fromkeys(self.family(name) for name in self.entities))

    def members(self, family: str) -> list[str]:
        """The entity types, aggregate first, that share the table of a family."""
        return [name for name in self.entities if self.family(name) == family]

    def concrete(self, name: str) -> tuple[str, ...]:
        """The types that a row of this entity type may have."""
        return self.subtypes.get(name) or (SHARED_STORAGE.get(name, name),)

    def find_field(self, types: tuple[str, ...], name: str) -> FieldDef | None:
        """A field by name over the possible types of a row."""
        for entity in types:
            definition = self.entities[entity].fields.get(name) if entity in self.entities else None
            if definition is not None:
                return definition
        return None

    def family_fields(self, family: str) -> dict[str, FieldDef]:
        """Every field of every member of a family, once by name."""
        fields: dict[str, FieldDef] = {}
        for member in self.members(family):
            for definition in self.entities[member].fields.values():
                fields.setdefault(definition.name, definition)
        return fields

    def is_wide(self, entity: str, definition: FieldDef) -> bool:
        """Whether client types with wide defaults get a field that they do not ask for.

        Recorded metadata leave out the lists of rows that point at an entity, but not the nodes of
        a pipeline.
        """
        key = (self.family(entity), definition.name)
        if definition.filter_only or key == ("pipeline", "pipeline_model"):
            return False
        return key not in self.inverses or key == ("pipeline", "nodes")

    def add_field(self, entity: str, definition: FieldDef) -> None:
        """Add a field to an entity type, its aggregate or its subtypes."""
        for name in {entity, *self.subtypes.get(entity, ()), self.family(entity)}:
            owner = self.entities[name]  # a new dictionary: readers may walk the old one
            owner.fields = {**owner.fields, definition.name: definition}
        if definition.is_reference and definition.multiple:
            self._own_link(self.family(entity), definition)

    def remove_field(self, entity: str, name: str) -> None:
        """Remove a field from an entity type and its family; its data stays stored."""
        owners = {entity, *self.subtypes.get(entity, ())}
        family = self.family(entity)
        if not any(
            name in self.entities[sibling].fields
            for sibling in self.members(family)
            if sibling not in owners and sibling != family
        ):
            owners.add(family)
        for member in owners:
            owner = self.entities[member]
            owner.fields = {key: field for key, field in owner.fields.items() if key != name}

    def retype_field(self, entity: str, name: str, field_type: str) -> None:
        """Give a field another type in the whole family, which stores it once."""
        for member in self.members(self.family(entity)):
            fields = self.entities[member].fields
            if name in fields:
                fields[name] = replace(fields[name], field_type=field_type)

    def _add_relations(self) -> None:
        for link in self.links.values():
            for side, own, far, other in (
                (link.left, "a", "b", link.right),
                (link.right, "b", "a", link.left),
            ):
                for name in side.fields:
                    end = LinkEnd(link.name, own, far, other.family)
                    self.link_ends[(side.family, name)] = end
                    if side.filter_only:
                        self._filter_only(side.family, name, other.family)
        for inverse in INVERSES:
            self.inverses[(inverse.family, inverse.field)] = inverse
            if inverse.filter_only:
                self._filter_only(inverse.family, inverse.field, inverse.child)
        for family in self.families():
            for definition in self.family_fields(family).values():
                if definition.is_reference and definition.multiple:
                    self._own_link(family, definition)

    def _filter_only(self, family: str, name: str, target: str) -> None:
        definition = FieldDef(
            name, name, "reference", True, (target,), sortable=False, filter_only=True
        )
        for member in self.members(family):
            self.entities[member].fields.setdefault(name, definition)

    def _own_link(self, family: str, definition: FieldDef) -> None:
        key = (family, definition.name)
        if key in self.link_ends or key in self.inverses:
            return
        name = f"{family}__{definition.name}"
        far = self.family(definition.targets[0])
        self.link_ends[key] = LinkEnd(name, "a", "b", far)


def _with_live_facts(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    """A type of the packaged model with the fields and methods that live servers have beyond it."""
    added = {
        key: {"label": key.replace("_", " ").capitalize(), **value}
        for key, value in LIVE_FIELDS.get(name, {}).items()
    }
    methods = LIVE_METHODS.get(name, raw["methods"])
    return {**raw, "methods": methods, "fields": {**raw["fields"], **added}}


def load_schema() -> Schema:
    """A fresh schema from the packaged field model."""
    text = resources.files("octane_simulator").joinpath("data/field_model.json").read_text("utf-8")
    return Schema(json.loads(text))
