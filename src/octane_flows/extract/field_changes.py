"""How fields changed since the previous generation, and what this extract must read because of it.

The catalogue of fields and the new plan come in, the next catalogue and schema changes go out;
`run_extract` calls it. Pure, except that a field with another type raises ExtractError.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as record_field

from octane_flows.client import Field
from octane_flows.errors import ExtractError
from octane_flows.extract.extract_plan import EntityPlan, Key, Plan
from octane_flows.lake import FieldEntry, Finding, Manifest, SchemaChange
from octane_flows.lake.field_columns import shape_of
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.valid_values import NEVER


@dataclass(frozen=True)
class FieldChanges:
    """The catalogue as it is now, what changed, and what must be read because of it.

    All rows of `retyped` entity types must be read again. `values_since`, by entity type and field:
    the lowest `_generation` whose values count, of fields that went away or returned.
    """

    fields: list[FieldEntry]
    changes: list[SchemaChange]
    new_fields: dict[Key, tuple[Field, ...]]
    retyped: frozenset[Key]
    values_since: dict[Key, dict[str, int]] = record_field(default_factory=dict)

    def without(self, refused: Collection[Key], parent: Manifest | None) -> FieldChanges:
        """Types that could not be read stay as they were: their new fields are still to be read."""
        previous = parent.fields if parent is not None else ()
        fields = [
            *(entry for entry in self.fields if (entry.workspace, entry.entity) not in refused),
            *(entry for entry in previous if (entry.workspace, entry.entity) in refused),
        ]
        changes = [
            change for change in self.changes if (change.workspace, change.entity) not in refused
        ]
        values_since = {
            key: since for key, since in self.values_since.items() if key not in refused
        }
        return replace(
            self,
            fields=sorted(fields, key=_sort_key),
            changes=changes,
            values_since=values_since,
        )

    def findings(self) -> list[Finding]:
        """What became of the stored values of fields that went away or returned."""
        meaning = {
            "removed": "is no longer on the server, or may no longer be read: its values are null "
            "from now on, and those read before stay in earlier generations",
            "returned": "is on the server again: values from before it went away do not count, "
            "and its values were read again",
        }
        return [
            Finding(change.workspace, f"{change.entity}.{change.field} {meaning[change.change]}")
            for change in self.changes
            if change.change in meaning
        ]


def _sort_key(entry: FieldEntry) -> tuple[str, str, str]:
    return entry.workspace, entry.entity, entry.name


def compare_fields(
    parent: Manifest | None, plan: Plan, generation: int, accepted: Collection[str]
) -> FieldChanges:
    """Compare all entity types of the plan. Raises ExtractError for a type that is not accepted."""
    catalogue: dict[Key, dict[str, FieldEntry]] = {}
    for entry in parent.fields if parent is not None else ():
        catalogue.setdefault((entry.workspace, entry.entity), {})[entry.name] = entry
    changes: list[SchemaChange] = []
    new_fields: dict[Key, tuple[Field, ...]] = {}
    retyped: set[Key] = set()
    values_since: dict[Key, dict[str, int]] = {}
    not_accepted: list[str] = []
    for entity in plan.entities:
        previous = catalogue.get(entity.key, {})
        comparison = _Comparison(entity, previous, generation)
        changes += comparison.changes
        for name in comparison.retyped:
            if f"{entity.name}.{name}" in accepted:
                retyped.add(entity.key)
            else:
                not_accepted.append(f"{entity.name}.{name} ({comparison.detail(name)})")
        if comparison.values_since and parent is not None:
            # rows that this extract reads have a higher number than all rows before it
            new_stamp = parent.stamp(entity.workspace) + 1
            values_since[entity.key] = {
                field_name: new_stamp if is_there else NEVER
                for field_name, is_there in comparison.values_since.items()
            }
        if comparison.new and previous:
            new_fields[entity.key] = tuple(comparison.new)
        catalogue[entity.key] = comparison.entries
    if not_accepted:
        first = not_accepted[0].split(" ", 1)[0]
        raise ExtractError(
            f"The server changed the type of {', '.join(not_accepted)}. Nothing was published; "
            f"accept it with --accept-retyped {first} (repeatable), which reads that entity type "
            "again. The old values stay in the previous generations."
        )
    fields = [entry for key in sorted(catalogue) for _, entry in sorted(catalogue[key].items())]
    return FieldChanges(fields, changes, new_fields, frozenset(retyped), values_since)


class _Comparison:
    """One entity type's fields against the catalogue."""

    def __init__(
        self, entity: EntityPlan, previous: dict[str, FieldEntry], generation: int
    ) -> None:
        self._entity = entity
        self._previous = previous
        self._generation = generation
        self.entries = dict(previous)
        self.changes: list[SchemaChange] = []
        self.new: list[Field] = []
        self.retyped: list[str] = []
        self.values_since: dict[str, bool] = {}  # field -> whether it is there again
        newest = max((entry.last_generation for entry in previous.values()), default=0)
        current = {name for name, entry in previous.items() if entry.last_generation == newest}
        fields = {field.name: field for field in (*entity.scalars, *entity.links)}
        for field in fields.values():
            self._compare(field, field.name in current)
        for name in sorted(current - fields.keys()):
            self._change(name, "removed", previous[name].field_type)
            self.values_since[name] = False

    def detail(self, name: str) -> str:
        """From which type to which."""
        return f"{_type_text(self._previous[name])} to {_type_text(self.entries[name])}"

    def _compare(self, field: Field, is_current: bool) -> None:
        previous = self._previous.get(field.name)
        entry = _entry(self._entity, field, self._generation)
        if previous is not None:
            entry = replace(entry, first_generation=previous.first_generation)
        self.entries[field.name] = entry
        if previous is None or not is_current:
            self.new.append(field)
            if self._previous:
                kind: SchemaChangeKind = "added" if previous is None else "returned"
                self._change(field.name, kind, _type_text(entry))
            if previous is not None:
                self.values_since[field.name] = True
        elif previous.label != entry.label:
            self._change(field.name, "relabelled", f"{previous.label} to {entry.label}")
        if previous is not None and _type_text(previous) != _type_text(entry):
            self._change(field.name, "retyped", self.detail(field.name))
            if _shape(previous) != _shape(entry):
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
    """Schema changes for lists whose root was added or removed."""
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


def _type_text(entry: FieldEntry) -> str:
    return f"{entry.field_type} (multiple)" if entry.is_multiple else entry.field_type


def _shape(entry: FieldEntry) -> str:
    """What the type means for the columns: types of one shape need no new reading."""
    return "links" if entry.is_multiple else shape_of(entry.field_type)
