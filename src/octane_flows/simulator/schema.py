"""The field model: which entity types, fields and relations the simulated server has.

In: data/field_model.json and relations.py. Out: `Schema` with entity definitions, families
(types that share a table) and resolved fields. Read by every other module of the simulator.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from octane_flows.simulator.extra_types import EXTRA_TYPES
from octane_flows.simulator.relations import INVERSES, LINKS, Inverse, Link

__all__ = ["EntityDef", "FieldDef", "Schema", "load_schema"]

AGGREGATES = (
    "work_item", "test", "run", "requirement", "taxonomy_node", "executor",
    "test_suite_link_to_test", "field_metadata",
)  # fmt: skip
# Two names for the same rows: the second is read through its own collection and fields.
SHARED_STORAGE = {"application_module": "product_area", "history_record": "audit"}
# Families whose ids are words (dotted logical names, or random ones for user-made rows).
NAMED_FAMILIES = frozenset({"list_node", "phase", "metaphase"})
LOGICAL_NAME_FAMILIES = frozenset({
    "list_node", "phase", "metaphase", "transition", "work_item", "test", "requirement",
    "release", "product_area", "taxonomy_node",
})  # fmt: skip
TREE_FAMILIES = frozenset({"work_item", "product_area", "requirement"})

# Collections that need no technical-preview header.
PUBLIC_COLLECTIONS = frozenset({
    "ci_builds", "ci_servers", "pipelines", "pipeline_nodes", "pipeline_runs", "scm_commits",
    "application_modules", "product_areas", "attachments", "automated_runs", "comments", "defects",
    "epics", "features", "gherkin_tests", "list_nodes", "manual_runs", "manual_tests",
    "metaphases", "phases", "previous_runs", "releases", "requirements", "requirement_documents",
    "requirement_folders", "requirement_roots", "run_steps", "runs", "sprints", "stories",
    "suite_run", "tasks", "taxonomy_category_nodes", "taxonomy_item_nodes", "taxonomy_nodes",
    "teams", "team_sprints", "tests", "test_suites", "test_suite_link_to_tests",
    "test_suite_link_to_automated_tests", "test_suite_link_to_gherkin_tests",
    "test_suite_link_to_manual_tests", "transitions", "user_items", "user_tags", "work_items",
    "work_item_roots", "workspace_users", "milestones", "programs", "quality_stories",
})  # fmt: skip
COLLECTION_ALIASES = {
    "builds": "ci_builds", "suite_runs": "suite_run", "users": "workspace_users",
    "history_logs": "history_records", "historys": "history_records",
}  # fmt: skip


@dataclass(frozen=True)
class FieldDef:
    """One field of one entity type, as the metadata resource shows it."""

    name: str
    label: str
    field_type: str
    multiple: bool = False
    targets: tuple[str, ...] = ()
    list_root: str | None = None
    filterable: bool = True
    sortable: bool = True
    editable: bool = False
    required: bool = False
    final: bool = False
    max_length: int | None = None
    is_user_defined: bool = False
    filter_only: bool = False
    access_level: str = "PUBLIC"
    returned_by_default: bool = False

    @property
    def is_reference(self) -> bool:
        """Whether the value is a reference, single or multiple."""
        return self.field_type == "reference"


@dataclass
class EntityDef:
    """One entity type with its collection and fields."""

    name: str
    label: str
    collection: str
    methods: tuple[str, ...]
    subtype_of: str | None
    listed: bool = True
    fields: dict[str, FieldDef] = field(default_factory=dict)

    @property
    def access_level(self) -> str:
        """PUBLIC, or PUBLIC_TECH_PREVIEW when the header is needed."""
        return "PUBLIC" if self.collection in PUBLIC_COLLECTIONS else "PUBLIC_TECH_PREVIEW"


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
            self.entities[name] = _entity(name, raw)
        for name, raw in EXTRA_TYPES.items():
            self.entities[name] = _entity(name, raw)
            self.entities[name].listed = False
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
            for definition in _universal(entity, self.family(entity.name)):
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
        """The types a row may have when it is reached through this entity type."""
        return self.subtypes.get(name) or (SHARED_STORAGE.get(name, name),)

    def find_field(self, types: tuple[str, ...], name: str) -> FieldDef | None:
        """A field by name over the possible types of a row."""
        for entity in types:
            found = self.entities[entity].fields.get(name) if entity in self.entities else None
            if found is not None:
                return found
        return None

    def family_fields(self, family: str) -> dict[str, FieldDef]:
        """Every field of every member of a family, once by name."""
        fields: dict[str, FieldDef] = {}
        for member in self.members(family):
            for definition in self.entities[member].fields.values():
                fields.setdefault(definition.name, definition)
        return fields

    def add_field(self, entity: str, definition: FieldDef) -> None:
        """Add a field to an entity type, its aggregate or its subtypes."""
        for name in {entity, *self.subtypes.get(entity, ()), self.family(entity)}:
            held = self.entities[name]  # a new dictionary: readers may walk the old one
            held.fields = {**held.fields, definition.name: definition}
        if definition.is_reference and definition.multiple:
            self._own_link(self.family(entity), definition)

    def remove_field(self, entity: str, name: str) -> None:
        """Take a field out of an entity type and its family (its data stays, unseen)."""
        gone = {entity, *self.subtypes.get(entity, ())}
        family = self.family(entity)
        if not any(name in self.entities[one].fields for one in self.members(family)
                   if one not in gone and one != family):  # fmt: skip
            gone.add(family)
        for member in gone:
            held = self.entities[member]
            held.fields = {key: kept for key, kept in held.fields.items() if key != name}

    def retype_field(self, entity: str, name: str, field_type: str) -> None:
        """Give a field another type in the whole family, which stores it once."""
        for member in self.members(self.family(entity)):
            fields = self.entities[member].fields
            if name in fields:
                fields[name] = replace(fields[name], field_type=field_type)

    def _add_relations(self) -> None:
        for link in self.links.values():
            for side, own, far, other in (
                (link.left, "a", "b", link.right), (link.right, "b", "a", link.left),
            ):  # fmt: skip
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


def _entity(name: str, raw: dict[str, Any]) -> EntityDef:
    entity = EntityDef(
        name, raw["label"], raw["collection"], tuple(raw["methods"]), raw.get("subtype_of")
    )
    for key, value in raw["fields"].items():
        field_type = value["field_type"]
        if (name, key) == ("pipeline", "jobs"):
            field_type = "object"
        elif key in {"description", "text", "script"} and field_type == "string":
            field_type = "memo"
        entity.fields[key] = FieldDef(
            name=key,
            label=value["label"],
            field_type=field_type,
            multiple=bool(value.get("multiple")),
            targets=tuple(value.get("targets", ())),
            list_root=value.get("list_root"),
            filterable=value.get("filterable", True) and field_type != "object",
            sortable=bool(value.get("sortable")),
            editable=bool(value.get("editable")),
            required=bool(value.get("required")),
            final=bool(value.get("final")),
            max_length=value.get("max_length") or (255 if key == "name" else None),
            returned_by_default=key == "logical_name",
        )
    return entity


# Fields that the field model leaves out but that recorded answers of servers hold, by family.
_RECORDED = {
    "run": {"order_in_suite_run": "integer", "activity_level": "integer"},
    "run_step": {"index_in_report": "string", "index_in_script": "integer",
                 "activity_level": "integer", "from_call_to_test": "boolean"},
    "test": {"activity_level": "integer"},
}  # fmt: skip


def _universal(entity: EntityDef, family: str) -> list[FieldDef]:
    """Fields the source leaves out because every entity has them, or that the flows filter by."""
    fields = [
        FieldDef("id", "ID", "string", returned_by_default=True),
        FieldDef("type", "Type", "string", sortable=False, returned_by_default=True),
        FieldDef("workspace_id", "Workspace ID", "integer", sortable=False,
                 returned_by_default=True),
    ]  # fmt: skip
    if family in LOGICAL_NAME_FAMILIES:
        fields.append(FieldDef("logical_name", "Logical name", "string", returned_by_default=True))
    if family in AGGREGATES:
        fields.append(FieldDef("subtype", "Subtype", "string", returned_by_default=True))
    if family in TREE_FAMILIES:
        fields.append(FieldDef("path", "Path", "string"))
    if family == "phase":
        fields += [
            FieldDef("index", "Index", "integer", editable=True),
            FieldDef("is_hidden", "Is hidden", "boolean", editable=True),
            FieldDef("color_hex", "Color", "string", editable=True),
        ]
    fields += [
        FieldDef(name, name.replace("_", " ").capitalize(), field_type)
        for name, field_type in _RECORDED.get(family, {}).items()
    ]
    if family == "transition":
        fields.append(FieldDef("is_primary", "Is primary", "boolean", editable=True))
    if family == "list_node":
        fields.append(FieldDef("index", "Index", "integer", editable=True))
    if family == "release":
        fields.append(FieldDef("is_default", "Is default", "boolean", editable=True))
    if family == "run":
        fields += [
            FieldDef("test_of_last_run", "Test of last run", "reference", targets=("test",),
                     filter_only=True),
            FieldDef("is_test_last_run", "Is last run of its test", "boolean", filter_only=True),
        ]  # fmt: skip
    return fields


def load_schema() -> Schema:
    """A fresh schema from the packaged field model."""
    text = (
        resources.files("octane_flows.simulator")
        .joinpath("data/field_model.json")
        .read_text("utf-8")
    )
    return Schema(json.loads(text))
