"""Entity types and fields, as records: what data/field_model.json says, and what it leaves out.

In: an entry of the field model. Out: `EntityDef` with its `FieldDef`s. Called by entity_schema.py,
which puts families and relations around them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "AGGREGATES",
    "LOGICAL_NAME_FAMILIES",
    "NAMED_FAMILIES",
    "SHARED_STORAGE",
    "TREE_ROOTS",
    "EntityDef",
    "FieldDef",
    "entity_of",
    "unlisted_fields",
]

AGGREGATES = (
    "work_item", "test", "run", "requirement", "taxonomy_node", "executor",
    "test_suite_link_to_test", "field_metadata", "model_item", "process",
)  # fmt: skip
# Two names for the same rows: the second is read through its own collection and fields.
SHARED_STORAGE = {"application_module": "product_area", "history_record": "audit"}
# Families whose ids are words (dotted logical names, or random ones for user-made rows).
NAMED_FAMILIES = frozenset({"list_node", "phase", "metaphase"})
LOGICAL_NAME_FAMILIES = frozenset({
    "list_node", "phase", "metaphase", "transition", "work_item", "test", "requirement",
    "release", "product_area", "taxonomy_node", "role",
})  # fmt: skip
# Families that are trees, each with the type of its root.
TREE_ROOTS = {
    "work_item": "work_item_root",
    "product_area": "product_area",
    "requirement": "requirement_root",
}

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
    "model_items", "processes", "suite_run_schedulers", "suite_run_scheduler_runs", "roles",
    "workspace_roles",
})  # fmt: skip


# Sortable on live servers, although the field model says otherwise.
_SORTED = frozenset((name, "name") for name in NAMED_FAMILIES)


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
    selectable: bool = True

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


def entity_of(name: str, raw: dict[str, Any]) -> EntityDef:
    """An entity type as the field model has it."""
    entity = EntityDef(
        name, raw["label"], raw["collection"], tuple(raw["methods"]), raw.get("subtype_of")
    )
    for key, value in raw["fields"].items():
        field_type = value["field_type"]
        if (name, key) == ("pipeline", "jobs"):
            field_type = "object"
        elif key in {"description", "text", "script"} and field_type == "string":
            field_type = "memo"
        returned = key == "logical_name" or (key == "subtype" and name in AGGREGATES)
        entity.fields[key] = FieldDef(
            name=key,
            label=value["label"],
            field_type=field_type,
            multiple=bool(value.get("multiple")),
            targets=tuple(value.get("targets", ())),
            list_root=value.get("list_root"),
            filterable=value.get("filterable", True) and field_type != "object",
            sortable=bool(value.get("sortable")) or (name, key) in _SORTED,
            editable=bool(value.get("editable")),
            required=bool(value.get("required")),
            final=bool(value.get("final")),
            max_length=value.get("max_length") or (255 if key == "name" else None),
            returned_by_default=returned,
            selectable=value.get("selectable", True),
        )
    return entity


# Fields that the field model leaves out but recorded answers of servers contain, by family.
_RECORDED = {
    "run": {"order_in_suite_run": "integer", "activity_level": "integer"},
    "run_step": {
        "index_in_report": "string",
        "index_in_script": "integer",
        "activity_level": "integer",
        "from_call_to_test": "boolean",
    },
    "test": {"activity_level": "integer"},
}


def unlisted_fields(entity: EntityDef, family: str) -> list[FieldDef]:
    """Fields that the field model leaves out, though every entity has them or clients use them."""
    fields = [
        FieldDef("id", "ID", "string", returned_by_default=True),
        FieldDef("type", "Type", "string", sortable=False, returned_by_default=True),
        FieldDef(
            "workspace_id", "Workspace ID", "integer", sortable=False, returned_by_default=True
        ),
    ]
    if family in LOGICAL_NAME_FAMILIES:
        fields.append(FieldDef("logical_name", "Logical name", "string", returned_by_default=True))
    if family in AGGREGATES:
        fields.append(FieldDef("subtype", "Subtype", "string", returned_by_default=True))
    if family in TREE_ROOTS:
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
