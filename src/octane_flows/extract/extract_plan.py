"""What to read: every concrete entity type with a readable collection, and all of its fields.

Metadata in, a plan out: per table its columns, per entity type its fields. `run` executes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from octane_flows.client import EntityType, Field, Metadata
from octane_flows.errors import UsageError
from octane_flows.extract.field_columns import ENTITY_KEYS, LINK_KEYS, OWN_COLUMNS, scalar_columns
from octane_flows.lake import ColumnEntry, Finding

IMPLICIT_FIELDS = frozenset({"id", "type"})  # always answered, never asked for


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
    def fields(self) -> list[str]:
        """The names to put into the `fields` parameter."""
        return [entry.name for entry in (*self.scalars, *self.links)]

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """What is asked for and how it is understood: the same plan reads the same columns."""
        return tuple(f"{one.name} {one.field_type}" for one in (*self.scalars, *self.links))


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
    findings: tuple[Finding, ...] = field(default=())
    subtypes: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def concrete(self, workspace: str, name: str) -> tuple[str, ...]:
        """The entity types that a name stands for: an aggregate's subtypes, or itself."""
        return self.subtypes.get((workspace, name)) or (name,)


def make_plan(
    metadata: Mapping[str, Metadata], *, only: Sequence[str] = (), skip: Sequence[str] = ()
) -> Plan:
    """Plan an extract of the workspaces in `metadata` (workspace id -> metadata).

    `only` and `skip` are entity types; an aggregate such as `work_item` stands for its subtypes.
    """
    names = {name for one in metadata.values() for name in one.entity_types}
    chosen = _expand(only, metadata, names) if only else None
    left_out = _expand(skip, metadata, names)
    entities: list[EntityPlan] = []
    aggregates: list[Aggregate] = []
    findings: list[Finding] = []
    for workspace, one in metadata.items():
        findings.extend(Finding(workspace, text) for text in one.findings)
        for name, entity in sorted(one.entity_types.items()):
            if (chosen is not None and name not in chosen) or name in left_out:
                continue
            if entity.collection is None or "GET" not in entity.methods:
                continue
            readable = [sub for sub in entity.subtypes if _is_readable(one, sub)]
            if readable:
                if not left_out.intersection(readable):
                    aggregates.append(
                        Aggregate(workspace, name, entity.collection, tuple(readable))
                    )
                continue
            parent = one.entity_types.get(entity.subtype_of or "")
            entities.append(_entity_plan(workspace, entity, parent))
    if not entities:
        raise UsageError(
            "Nothing is left to extract: the server's metadata lists no readable entity type "
            "among those asked for. Check the names, and the role of the user or API key."
        )
    subtypes = {
        (workspace, name): entity.subtypes
        for workspace, one in metadata.items()
        for name, entity in one.entity_types.items()
    }
    return Plan(tuple(entities), _tables(entities), tuple(aggregates), tuple(findings), subtypes)


def _is_readable(metadata: Metadata, name: str) -> bool:
    entity = metadata.entity_types.get(name)
    return entity is not None and entity.collection is not None and "GET" in entity.methods


def _entity_plan(workspace: str, entity: EntityType, parent: EntityType | None) -> EntityPlan:
    readable = [
        one
        for one in sorted(entity.fields.values(), key=lambda one: one.name)
        if one.selectable and one.name not in IMPLICIT_FIELDS
    ]
    return EntityPlan(
        workspace=workspace,
        name=entity.name,
        label=entity.label,
        collection=entity.collection or "",
        scalars=tuple(one for one in readable if not (one.is_reference and one.multiple)),
        links=tuple(one for one in readable if one.is_reference and one.multiple),
        family=parent.collection if parent is not None else None,
    )


def _tables(entities: Sequence[EntityPlan]) -> dict[str, TablePlan]:
    tables: dict[str, TablePlan] = {}
    for entity in entities:
        columns: dict[str, ColumnEntry] = {column.name: column for column in ENTITY_KEYS}
        known = tables.get(entity.name)
        if known is not None:
            columns.update({column.name: column for column in known.columns})
        for one in entity.scalars:
            for column in scalar_columns(one):
                other = columns.setdefault(column.name, column)
                if other.type != column.type:
                    raise UsageError(
                        f"{entity.name}.{one.name} is {other.type} in one workspace and "
                        f"{column.type} in workspace {entity.workspace}; extract them into "
                        "different OCTANE_HOME folders."
                    )
        for column in OWN_COLUMNS:
            columns.pop(column.name, None)
        tables[entity.name] = TablePlan(
            entity.name, entity.name, None, entity.label, (*columns.values(), *OWN_COLUMNS)
        )
        for one in entity.links:
            name = f"{entity.name}__{one.name}"
            label = f"{entity.label}: {one.label}"
            tables[name] = TablePlan(name, entity.name, one.name, label, (*LINK_KEYS, *OWN_COLUMNS))
    return tables


def _expand(
    asked: Sequence[str], metadata: Mapping[str, Metadata], names: set[str]
) -> frozenset[str]:
    """The entity types that a list of names stands for; unknown ones are an error."""
    found: set[str] = set()
    for name in asked:
        if name not in names:
            near = difflib.get_close_matches(name, sorted(names), n=3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise UsageError(f"There is no entity type {name!r} on this server.{hint}")
        found.add(name)
        for one in metadata.values():
            if name in one.entity_types:
                found.update(one.entity_types[name].subtypes)
    return frozenset(found)
