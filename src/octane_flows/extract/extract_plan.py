"""What to read: every concrete entity type with a readable collection, its fields and columns.

Metadata comes in, a plan goes out: fields by entity type, columns by table. `run_extract` makes the
plan and all other modules of the extract read it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as record_field

import pyarrow as pa

from octane_flows.client import EntityType, Field, Metadata
from octane_flows.errors import UsageError
from octane_flows.extract.column_names import WantedColumns, choose_names
from octane_flows.lake import ColumnEntry, Finding, Manifest
from octane_flows.lake.field_columns import REFERENCE, columns_by_field, shape_of
from octane_flows.lake.key_columns import ENTITY_KEYS, LINK_KEYS, OWN_COLUMNS

Key = tuple[str, str]  # workspace, entity type
CHANGED = "last_modified"
VERSION = "version_stamp"
IMPLICIT_FIELDS = frozenset({"id", "type"})  # always answered, never requested

ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "DATE": pa.date32(),
}

_LINKS = "links"  # the shape of a field with several references
_RESERVED = (*(column.name for column in (*ENTITY_KEYS, *OWN_COLUMNS)), "_deleted_reason")


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
    link_names: Mapping[str, str] = record_field(default_factory=dict)  # where not the field's name
    unusual_names: tuple[str, ...] = ()  # of columns and tables, each with its field

    @property
    def key(self) -> Key:
        """The workspace and the name."""
        return self.workspace, self.name

    def link_table(self, link: Field) -> str:
        """The name of the table that holds the pairs of one multi-reference field."""
        return f"{self.name}__{self.link_names.get(link.name, link.name)}"

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
        fields = (*self.scalars, *self.links)
        return (*(f"{field.name} {field.field_type}" for field in fields), *self.unusual_names)


@dataclass(frozen=True)
class TablePlan:
    """One table of the lake: its columns are the union over all workspaces.

    `names` are the columns of each field by name and shape.
    """

    name: str
    entity: str
    field: str | None
    label: str
    columns: tuple[ColumnEntry, ...]
    names: Mapping[tuple[str, str], tuple[str, ...]] = record_field(default_factory=dict)

    def names_of(self, field: Field) -> tuple[str, ...]:
        """The column of a scalar field, or the columns of a reference's id and type."""
        return self.names[field.name, shape_of(field.field_type)]


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
    metadata: Mapping[str, Metadata],
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    parent: Manifest | None = None,
) -> Plan:
    """Plan an extract of the workspaces in `metadata` (workspace id -> metadata).

    `only` and `skip` are entity types; an aggregate such as `work_item` stands for its subtypes.
    Fields keep the columns that they have in `parent`, the previous generation.
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
            aggregate = catalogue.entity_types.get(entity.subtype_of or "")
            entities.append(_entity_plan(workspace, entity, aggregate))
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
    columns = _Columns(parent, metadata)
    entities = columns.with_link_names(entities)
    tables = columns.tables(entities)
    unusual = {entity.key: list(unusual_names(entity, tables)) for entity in entities}
    entities = [
        replace(entity, unusual_names=tuple(f"{it.field}: {it.name}" for it in unusual[entity.key]))
        for entity in entities
    ]
    for (workspace, name), entries in unusual.items():
        findings += [Finding(workspace, entry.sentence(name)) for entry in entries]
    return Plan(tuple(entities), tables, tuple(aggregates), tuple(findings), subtypes)


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


class _Columns:
    """The tables of a plan, whose fields keep the columns that the previous generation gives them.

    `metadata` has the workspaces of the plan; the fields of all others need their columns too.
    """

    def __init__(self, parent: Manifest | None, metadata: Mapping[str, Metadata]) -> None:
        self._tables = parent.tables if parent is not None else {}
        self._others = {
            (entry.entity, entry.name, _LINKS if entry.is_multiple else shape_of(entry.field_type))
            for entry in (parent.fields if parent is not None else ())
            if entry.workspace not in metadata
        }

    def with_link_names(self, entities: Sequence[EntityPlan]) -> list[EntityPlan]:
        """The entity types; a link field whose table another one has gets a table of its own."""
        names: dict[str, dict[str, str]] = {}
        for entity, plans in _by_entity(entities).items():
            previous = {
                (table.field, _LINKS): (table.name.removeprefix(f"{entity}__"),)
                for table in self._tables.values()
                if table.entity == entity and table.field is not None
            }
            wanted = [
                WantedColumns(link.name, _LINKS, link.is_user_defined)
                for plan in plans
                for link in plan.links
            ]
            chosen = choose_names(wanted, (), previous, self._in_use(entity))
            names[entity] = {field: name for (field, _), (name,) in chosen.items()}
        return [replace(entity, link_names=names[entity.name]) for entity in entities]

    def tables(self, entities: Sequence[EntityPlan]) -> dict[str, TablePlan]:
        """The tables by name."""
        tables: dict[str, TablePlan] = {}
        for name, plans in _by_entity(entities).items():
            fields = [field for plan in plans for field in plan.scalars]
            table = self._tables.get(name)
            names = choose_names(
                [
                    WantedColumns(field.name, shape_of(field.field_type), field.is_user_defined)
                    for field in fields
                ],
                _RESERVED,
                columns_by_field(table.columns if table is not None else ()),
                self._in_use(name),
            )
            columns = {column.name: column for column in ENTITY_KEYS}
            for field in fields:
                own = names[field.name, shape_of(field.field_type)]
                for column in scalar_columns(field, own):
                    columns.setdefault(column.name, column)
            last = plans[-1]
            tables[name] = TablePlan(
                name, name, None, last.label, (*columns.values(), *OWN_COLUMNS), names
            )
            for plan in plans:
                for link in plan.links:
                    link_table = plan.link_table(link)
                    label = f"{plan.label}: {link.label}"
                    tables[link_table] = TablePlan(
                        link_table, name, link.name, label, (*LINK_KEYS, *OWN_COLUMNS)
                    )
        return tables

    def _in_use(self, entity: str) -> Callable[[tuple[str, str]], bool]:
        return lambda key: (entity, *key) in self._others


@dataclass(frozen=True)
class UnusualName:
    """A column or table that has another name than its field gives it."""

    field: str
    what: str
    name: str
    usual: str

    def sentence(self, entity: str) -> str:
        """What to tell the user."""
        return (
            f"the field {self.field} of {entity} is in the {self.what} {self.name}, because "
            f"{self.usual} holds other values"
        )


def unusual_names(entity: EntityPlan, tables: Mapping[str, TablePlan]) -> Iterator[UnusualName]:
    """The fields of an entity type whose columns or tables have other names than usual."""
    for field in entity.scalars:
        names = tables[entity.name].names_of(field)
        usual = tuple(column.name for column in scalar_columns(field))
        if names != usual:
            yield UnusualName(field.name, "column", " and ".join(names), usual[0])
    for link in entity.links:
        table, usual_table = entity.link_table(link), f"{entity.name}__{link.name}"
        if table != usual_table:
            yield UnusualName(link.name, "table", table, usual_table)


def _by_entity(entities: Sequence[EntityPlan]) -> dict[str, list[EntityPlan]]:
    plans: dict[str, list[EntityPlan]] = {}
    for entity in entities:
        plans.setdefault(entity.name, []).append(entity)
    return plans


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


def scalar_columns(field: Field, names: Sequence[str] | None = None) -> tuple[ColumnEntry, ...]:
    """The column of a scalar field, or the `_id` and `_type` pair of a single reference.

    `names` None: those that a field has when no other field has them.
    """
    shape = shape_of(field.field_type)
    names = names or WantedColumns(field.name, shape).names(field.name)
    if shape != REFERENCE:
        return (_column(field, names[0], shape, field.label),)
    return (
        _column(field, names[0], "VARCHAR", f"{field.label}: id"),
        _column(field, names[1], "VARCHAR", f"{field.label}: entity type"),
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
