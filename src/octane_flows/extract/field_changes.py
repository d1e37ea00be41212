"""How fields changed since the former generation, and what that asks of this extract.

The catalogue of fields and the new plan in, the next catalogue and schema changes out. Pure, but
for the refusal of a field whose type changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from octane_flows.client import Field
from octane_flows.errors import ExtractError
from octane_flows.extract.extract_journal import Key
from octane_flows.extract.extract_plan import EntityPlan, Plan
from octane_flows.extract.field_columns import DUCKDB_TYPES
from octane_flows.lake import FieldEntry, Manifest, SchemaChange
from octane_flows.lake.manifest import SchemaChangeKind


@dataclass(frozen=True)
class Drift:
    """The catalogue as it is now, what changed, and what must be read because of it."""

    fields: list[FieldEntry]
    changes: list[SchemaChange]
    new: dict[Key, tuple[Field, ...]]
    again: frozenset[Key]

    def without(self, refused: Collection[Key], parent: Manifest | None) -> Drift:
        """Types that could not be read are as they were: new fields are still to be read."""
        former = parent.fields if parent is not None else ()
        fields = [
            *(one for one in self.fields if (one.workspace, one.entity) not in refused),
            *(one for one in former if (one.workspace, one.entity) in refused),
        ]
        changes = [one for one in self.changes if (one.workspace, one.entity) not in refused]
        return replace(self, fields=sorted(fields, key=_place), changes=changes)


def _place(entry: FieldEntry) -> tuple[str, str, str]:
    return entry.workspace, entry.entity, entry.name


def compare_fields(
    parent: Manifest | None, plan: Plan, generation: int, accepted: Collection[str]
) -> Drift:
    """Compare all entity types of the plan. Raises ExtractError for a type that is not accepted."""
    catalogue: dict[Key, dict[str, FieldEntry]] = {}
    for entry in parent.fields if parent is not None else ():
        catalogue.setdefault((entry.workspace, entry.entity), {})[entry.name] = entry
    changes: list[SchemaChange] = []
    new: dict[Key, tuple[Field, ...]] = {}
    again: set[Key] = set()
    retyped: list[str] = []
    for entity in plan.entities:
        key = (entity.workspace, entity.name)
        former = catalogue.get(key, {})
        compared = _Comparison(entity, former, generation)
        changes += compared.changes
        for name in compared.retyped:
            if f"{entity.name}.{name}" in accepted:
                again.add(key)
            else:
                retyped.append(f"{entity.name}.{name} ({compared.detail(name)})")
        if compared.new and former:
            new[key] = tuple(compared.new)
        catalogue[key] = compared.entries
    if retyped:
        first = retyped[0].split(" ", 1)[0]
        raise ExtractError(
            f"The server changed the type of {', '.join(retyped)}. Nothing was published; accept "
            f"it with --accept-retyped {first} (repeatable), which reads that entity type again. "
            "The old values stay in the former generations."
        )
    fields = [entry for key in sorted(catalogue) for _, entry in sorted(catalogue[key].items())]
    return Drift(fields, changes, new, frozenset(again))


class _Comparison:
    """One entity type's fields against the catalogue."""

    def __init__(self, entity: EntityPlan, former: dict[str, FieldEntry], generation: int) -> None:
        self._entity = entity
        self._former = former
        self._generation = generation
        self.entries = dict(former)
        self.changes: list[SchemaChange] = []
        self.new: list[Field] = []
        self.retyped: list[str] = []
        seen = max((one.last_generation for one in former.values()), default=0)
        current = {name for name, one in former.items() if one.last_generation == seen}
        fields = {one.name: one for one in (*entity.scalars, *entity.links)}
        for field in fields.values():
            self._compare(field, field.name in current)
        for name in sorted(current - fields.keys()):
            self._change(name, "removed", former[name].field_type)

    def detail(self, name: str) -> str:
        """From which type to which."""
        return f"{_shown(self._former[name])} to {_shown(self.entries[name])}"

    def _compare(self, field: Field, is_current: bool) -> None:
        former = self._former.get(field.name)
        entry = _entry(self._entity, field, self._generation)
        if former is not None:
            entry = replace(entry, first_generation=former.first_generation)
        self.entries[field.name] = entry
        if former is None or not is_current:
            self.new.append(field)
            if self._former:
                self._change(field.name, "added", _shown(entry))
        elif former.label != entry.label:
            self._change(field.name, "relabelled", f"{former.label} to {entry.label}")
        if former is not None and _shown(former) != _shown(entry):
            self._change(field.name, "retyped", self.detail(field.name))
            if _shape(former) != _shape(entry):
                self.retyped.append(field.name)

    def _change(self, name: str, kind: SchemaChangeKind, detail: str) -> None:
        self.changes.append(
            SchemaChange(
                self._generation,
                self._entity.workspace,
                self._entity.name,
                name,
                kind,
                detail,
            )
        )


def list_changes(
    generation: int, workspace: str, lists: Sequence[tuple[str, SchemaChangeKind]]
) -> list[SchemaChange]:
    """Schema changes for lists whose root came or went."""
    return [SchemaChange(generation, workspace, "list_node", id, kind, "") for id, kind in lists]


def _entry(entity: EntityPlan, field: Field, generation: int) -> FieldEntry:
    return FieldEntry(
        workspace=entity.workspace,
        entity=entity.name,
        name=field.name,
        label=field.label,
        field_type=field.field_type,
        is_multiple=field.multiple,
        is_user_defined=field.is_user_defined,
        targets=tuple(field.targets),
        list_root=field.list_root,
        first_generation=generation,
        last_generation=generation,
    )


def _shown(entry: FieldEntry) -> str:
    return f"{entry.field_type} (multiple)" if entry.is_multiple else entry.field_type


def _shape(entry: FieldEntry) -> str:
    """What the type means for the columns: types of one shape need no new reading."""
    if entry.field_type == "reference":
        return "links" if entry.is_multiple else "reference"
    return DUCKDB_TYPES.get(entry.field_type, "VARCHAR")
