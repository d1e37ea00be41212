"""What to read: every concrete entity type with a readable collection, its fields and columns.

Metadata comes in, a plan goes out: fields by entity type, columns by table. `run_extract` makes the
plan and all other modules of the extract read it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as record_field

import pyarrow as pa

from octane_flows.client import EntityType, Field, Metadata
from octane_flows.errors import UsageError
from octane_flows.lake import ColumnEntry, Finding

Key = tuple[str, str]  # workspace, entity type
CHANGED = "last_modified"
IMPLICIT_FIELDS = frozenset({"id", "type"})  # always answered, never requested

#: Octane's field types (rest-api: metadata fields) and the DuckDB type of their column. Types that
#: are not listed here are kept as JSON text.
DUCKDB_TYPES = {
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "date_time": "TIMESTAMP",
    "date": "DATE",
    "string": "VARCHAR",
    "memo": "VARCHAR",
    "object": "VARCHAR",
}

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
}

ENTITY_KEYS = (
    ColumnEntry("id", "VARCHAR", "id", "string", "ID"),
    ColumnEntry("type", "VARCHAR", "type", "string", "Entity type"),
)
LINK_KEYS = (
    ColumnEntry("source_id", "VARCHAR", None, None, "ID of the entity that has the field"),
    ColumnEntry("target_id", "VARCHAR", None, None, "ID of the entity referred to"),
    ColumnEntry("target_type", "VARCHAR", None, None, "Type of the entity referred to"),
)
LINK_KEY_NAMES = [column.name for column in LINK_KEYS]
OWN_COLUMNS = (
    ColumnEntry("_workspace_id", "VARCHAR", None, None, "Workspace it was read through"),
    ColumnEntry("_generation", "BIGINT", None, None, "Generation that read this version"),
    ColumnEntry("_extracted_at", "TIMESTAMP", None, None, "Time of the extract (UTC)"),
    ColumnEntry("_deleted", "BOOLEAN", None, None, "True for a tombstone"),
)


@dataclass(frozen=True)
class EntityPlan:
    """One entity type in one workspace: where to ask and for which fields."""

    workspace: str
    name: str
    label: str
    collection: str
    scalars: tuple[Field, ...]
    links: tuple[Field, ...]
    family: str | None = None  # collection of the aggregate that it belongs to

    @property
    def key(self) -> Key:
        """The workspace and the name."""
        return self.workspace, self.name

    def link_table(self, link: Field) -> str:
        """The name of the table that holds the pairs of one multi-reference field."""
        return f"{self.name}__{link.name}"

    @property
    def fields(self) -> list[str]:
        """The names to put into the `fields` parameter."""
        return [entry.name for entry in (*self.scalars, *self.links)]

    @property
    def has_last_modified(self) -> bool:
        """Whether metadata offers `last_modified` to select by."""
        return any(entry.name == CHANGED and entry.filterable for entry in self.scalars)

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """The requested fields with their types: the same plan reads the same columns."""
        return tuple(f"{field.name} {field.field_type}" for field in (*self.scalars, *self.links))


@dataclass(frozen=True)
class TablePlan:
    """One table of the lake: its columns are the union over all workspaces."""

    name: str
    entity: str
    field: str | None
    label: str
    columns: tuple[ColumnEntry, ...]


@dataclass(frozen=True)
class Aggregate:
    """A collection whose rows are read through its subtypes; its count is the cross-check."""

    workspace: str
    name: str
    collection: str
    subtypes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that one extract reads; `findings` tell what metadata offers that cannot be read."""

    entities: tuple[EntityPlan, ...]
    tables: Mapping[str, TablePlan]
    aggregates: tuple[Aggregate, ...]
    findings: tuple[Finding, ...] = record_field(default=())
    subtypes: Mapping[tuple[str, str], tuple[str, ...]] = record_field(default_factory=dict)

    def concrete(self, workspace: str, name: str) -> tuple[str, ...]:
        """The entity types that a name stands for: an aggregate's subtypes, or itself."""
        return self.subtypes.get((workspace, name)) or (name,)


def make_plan(
    metadata: Mapping[str, Metadata], *, only: Sequence[str] = (), skip: Sequence[str] = ()
) -> Plan:
    """Plan an extract of the workspaces in `metadata` (workspace id -> metadata).

    `only` and `skip` are entity types; an aggregate such as `work_item` stands for its subtypes.
    """
    names = {name for catalogue in metadata.values() for name in catalogue.entity_types}
    chosen = _expand(only, metadata, names) if only else None
    left_out = _expand(skip, metadata, names)
    entities: list[EntityPlan] = []
    aggregates: list[Aggregate] = []
    findings: list[Finding] = []
    for workspace, catalogue in metadata.items():
        findings.extend(Finding(workspace, text) for text in catalogue.findings)
        for name, entity in sorted(catalogue.entity_types.items()):
            if (chosen is not None and name not in chosen) or name in left_out:
                continue
            if entity.collection is None or "GET" not in entity.methods:
                continue
            readable = [subtype for subtype in entity.subtypes if is_readable(catalogue, subtype)]
            if readable:
                if not left_out.intersection(readable):
                    aggregates.append(
                        Aggregate(workspace, name, entity.collection, tuple(readable))
                    )
                continue
            parent = catalogue.entity_types.get(entity.subtype_of or "")
            entities.append(_entity_plan(workspace, entity, parent))
    if not entities:
        raise UsageError(
            "Nothing is left to extract: the server's metadata lists no readable entity type "
            "among those asked for. Check the names, and the role of the user or API key."
        )
    subtypes = {
        (workspace, name): entity.subtypes
        for workspace, catalogue in metadata.items()
        for name, entity in catalogue.entity_types.items()
    }
    return Plan(tuple(entities), _tables(entities), tuple(aggregates), tuple(findings), subtypes)


def is_readable(metadata: Metadata, name: str) -> bool:
    """Whether metadata offers an entity type with a collection that can be read."""
    entity = metadata.entity_types.get(name)
    return entity is not None and entity.collection is not None and "GET" in entity.methods


def _entity_plan(workspace: str, entity: EntityType, parent: EntityType | None) -> EntityPlan:
    readable = [
        field
        for _, field in sorted(entity.fields.items())
        if field.selectable and field.name not in IMPLICIT_FIELDS
    ]
    return EntityPlan(
        workspace=workspace,
        name=entity.name,
        label=entity.label,
        collection=entity.collection or "",
        scalars=tuple(field for field in readable if not (field.is_reference and field.multiple)),
        links=tuple(field for field in readable if field.is_reference and field.multiple),
        family=parent.collection if parent is not None else None,
    )


def _tables(entities: Sequence[EntityPlan]) -> dict[str, TablePlan]:
    tables: dict[str, TablePlan] = {}
    for entity in entities:
        columns: dict[str, ColumnEntry] = {column.name: column for column in ENTITY_KEYS}
        table = tables.get(entity.name)  # of another workspace
        if table is not None:
            columns.update({column.name: column for column in table.columns})
        for field in entity.scalars:
            for column in scalar_columns(field):
                other = columns.setdefault(column.name, column)
                if other.type != column.type:
                    raise UsageError(
                        f"{entity.name}.{field.name} is {other.type} in one workspace and "
                        f"{column.type} in workspace {entity.workspace}; extract them into "
                        "different OCTANE_HOME folders."
                    )
        for column in OWN_COLUMNS:
            columns.pop(column.name, None)
        tables[entity.name] = TablePlan(
            entity.name, entity.name, None, entity.label, (*columns.values(), *OWN_COLUMNS)
        )
        for link in entity.links:
            name = entity.link_table(link)
            label = f"{entity.label}: {link.label}"
            columns_of_links = (*LINK_KEYS, *OWN_COLUMNS)
            tables[name] = TablePlan(name, entity.name, link.name, label, columns_of_links)
    return tables


def _expand(
    names: Sequence[str], metadata: Mapping[str, Metadata], entity_types: set[str]
) -> frozenset[str]:
    """The entity types that a list of names stands for. Raises UsageError for an unknown name."""
    expanded: set[str] = set()
    for name in names:
        if name not in entity_types:
            near = difflib.get_close_matches(name, sorted(entity_types), n=3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UsageError(f"There is no entity type {name!r} on this server.{hint}")
        expanded.add(name)
        for catalogue in metadata.values():
            if name in catalogue.entity_types:
                expanded.update(catalogue.entity_types[name].subtypes)
    return frozenset(expanded)


def scalar_columns(field: Field) -> tuple[ColumnEntry, ...]:
    """The column of a scalar field, or the `_id` and `_type` pair of a single reference."""
    if not field.is_reference:
        duckdb_type = DUCKDB_TYPES.get(field.field_type, "VARCHAR")
        return (_column(field, field.name, duckdb_type, field.label),)
    return (
        _column(field, f"{field.name}_id", "VARCHAR", f"{field.label}: id"),
        _column(field, f"{field.name}_type", "VARCHAR", f"{field.label}: entity type"),
    )


def _column(field: Field, name: str, duckdb_type: str, label: str) -> ColumnEntry:
    return ColumnEntry(
        name=name,
        type=duckdb_type,
        field=field.name,
        field_type=field.field_type,
        label=label,
        targets=tuple(field.targets),
        is_user_defined=field.is_user_defined,
    )


def arrow_schema(columns: Iterable[ColumnEntry]) -> pa.Schema:
    """The Arrow schema that the files of a table have."""
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in columns])
