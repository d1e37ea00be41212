"""Create, update and delete, with the rules and side effects of the server.

In: JSON bodies that are already parsed. Out: ids of the rows written and errors by position.
Called by entity_routes.py and, in process, by LocalFeeder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from octane_simulator.model.extra_types import UDF_KINDS
from octane_simulator.model.field_model import TREE_ROOTS, EntityDef
from octane_simulator.model.refusals import (
    ApiError,
    duplicate,
    entity_not_found,
    illegal_value,
    missing_field,
    not_found,
)
from octane_simulator.rules.change_log import Log
from octane_simulator.rules.ci_rules import CI_KINDS, check_ci
from octane_simulator.rules.last_runs import renew_last_runs
from octane_simulator.rules.ownership import check_ownership
from octane_simulator.rules.phase_transitions import check_transition
from octane_simulator.rules.user_defined_fields import check_definition
from octane_simulator.rules.value_checks import Values, not_editable
from octane_simulator.rules.write_effects import after_write, complete, reopened
from octane_simulator.store.current_caller import EDITORS, caller_ref
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import quoted

__all__ = ["UNIQUE", "Outcome", "Writer"]

# Fields that together must differ from those of every other row of the type.
UNIQUE: dict[str, tuple[str, ...]] = {
    "user_tag": ("name",),
    "release": ("name",),
    "ci_server": ("instance_id",),
    "workspace_user": ("email",),
    "taxonomy_category_node": ("name",),
    "taxonomy_item_node": ("category", "name"),
    "transition": ("source_phase", "target_phase"),
}
# Clients that read an entity, change it and send it back send these fields as well.
ECHOED = frozenset({"id", "type", "workspace_id", "client_lock_stamp"})
# Marked as required by the field model although the server's own clients leave them out.
NOT_ENFORCED = frozenset({
    ("workspace_user", "phone1"), ("run_suite", "release"), ("run_manual", "release"),
    ("transition", "logical_name"), ("pipeline", "ci_server"),  # or by the server's own id
})  # fmt: skip


@dataclass
class Outcome:
    """Ids written, and (position, error) of the rows that were refused."""

    ids: list[str] = field(default_factory=list)
    errors: list[tuple[int, ApiError]] = field(default_factory=list)

    def status(self, success: int) -> int:
        """The HTTP status of a bulk answer."""
        if not self.errors:
            return success
        if self.ids or len(self.errors) > 1:
            return 409
        status = self.errors[0][1].status
        return 409 if status == 404 else status


class Writer:
    """Writes of one workspace."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.schema = store.schema
        self._values = Values(store)

    def create(self, entity: EntityDef, rows: Sequence[Any], *, atomic: bool = False) -> Outcome:
        """Add rows; those that break a rule are reported and not added (atomic: nor any other)."""
        outcome = Outcome()
        written: list[tuple[str, str, dict[str, Any]]] = []
        with self.store.transaction():
            prepared: list[tuple[str, dict[str, Any]]] = []
            for index, row in enumerate(rows):
                try:
                    prepared.append(self._new(entity, row))
                    if not atomic:
                        self._insert(prepared, written)
                        prepared = []
                except ApiError as error:
                    outcome.errors.append((index, error))
            if not outcome.errors:
                self._insert(prepared, written)
            outcome.ids += [identifier for _, identifier, _ in written]
            log = Log(self.store)
            for row in written:
                log.created(*row)
            after_write(self.store, written, created=True)
            log.write()
        return outcome

    def _insert(
        self,
        prepared: list[tuple[str, dict[str, Any]]],
        written: list[tuple[str, str, dict[str, Any]]],
    ) -> None:
        for kind, values in prepared:
            written.append((kind, self.store.insert(kind, values), values))

    def update(self, entity: EntityDef, rows: Sequence[Any], *, append: bool = False) -> Outcome:
        """Change rows that name their id."""
        outcome = Outcome()
        written: list[tuple[str, str, dict[str, Any]]] = []
        with self.store.transaction():
            log = Log(self.store)
            for index, row in enumerate(rows):
                try:
                    if not isinstance(row, Mapping) or "id" not in row:
                        raise illegal_value("An update needs the id of the entity")
                    written.append(self._change(entity, str(row["id"]), row, append, log))
                    outcome.ids.append(str(row["id"]))
                except ApiError as error:
                    outcome.errors.append((index, error))
            after_write(self.store, written, created=False)
            log.write()
        return outcome

    def update_one(
        self, entity: EntityDef, identifier: str, row: Any, *, append: bool = False
    ) -> None:
        """Change one row or raise."""
        if not isinstance(row, Mapping):
            raise illegal_value("The body of an update is one JSON object")
        with self.store.transaction():
            log = Log(self.store)
            written = self._change(entity, identifier, row, append, log)
            after_write(self.store, [written], created=False)
            log.write()

    def delete(self, entity: EntityDef, identifiers: Sequence[str]) -> None:
        """Remove rows; the first unknown id stops all."""
        runs = self.schema.members("run")
        tests: set[str] = set()
        deleted_ids: set[str] = set()
        with self.store.transaction():
            log = Log(self.store)
            for identifier in identifiers:
                if identifier in deleted_ids:
                    continue  # deleted together with an earlier row
                kind = self._existing(entity, identifier)
                if identifier == self.store.root(self.schema.family(kind)) and (
                    self.schema.family(kind) in TREE_ROOTS
                ):
                    raise ApiError(403, "platform.not_authorized", "A root cannot be deleted")
                run = self.store.get(kind, identifier) if kind in runs else None
                for type_, id_, name in self.store.delete(kind, identifier):
                    if self.schema.family(type_) == self.schema.family(kind):
                        deleted_ids.add(id_)
                    log.deleted(type_, id_, name)
                if run and run["test"]:
                    tests.add(run["test"]["id"])
            for test in tests:
                if self.store.type_of("test", test) is not None:
                    renew_last_runs(self.store, test)
            log.write()

    # -- one row --------------------------------------------------------------------------------

    def _existing(self, entity: EntityDef, identifier: str) -> str:
        kind = self.store.type_of(self.schema.family(entity.name), identifier)
        if kind is None or kind not in self.schema.concrete(entity.name):
            raise entity_not_found(entity.name, identifier)
        return kind

    def _new(self, entity: EntityDef, row: Any) -> tuple[str, dict[str, Any]]:
        if not isinstance(row, Mapping):
            raise illegal_value("Each item of data must be a JSON object")
        kind = entity.name
        if kind in self.schema.subtypes:
            kind = str(row.get("subtype") or row.get("type") or "")
            if kind not in self.schema.subtypes[entity.name]:
                raise illegal_value(
                    f"A new {entity.name} needs the subtype of a concrete type",
                    {"entity_type": entity.name, "field_name": "subtype"},
                )
        definition = self.schema.entities[kind]
        values = {
            name: self._values.value(definition, name, value)
            for name, value in row.items()
            if name not in ECHOED and name != "subtype"
        }
        complete(self.store, kind, values)
        for required in definition.fields.values():
            if (
                required.required
                and values.get(required.name) in (None, "")
                and (kind, required.name) not in NOT_ENFORCED
            ):
                raise missing_field(kind, required.name)
        self._unique(kind, values, None)
        check_ownership(self.store, kind, None, values)
        if kind in UDF_KINDS:
            check_definition(self.store, kind, values)
        if kind in CI_KINDS:
            check_ci(self.store, kind, values)
        return kind, values

    def _change(
        self, entity: EntityDef, identifier: str, row: Mapping[str, Any], append: bool, log: Log
    ) -> tuple[str, str, dict[str, Any]]:
        kind = self._existing(entity, identifier)
        definition = self.schema.entities[kind]
        old_row = self.store.get(kind, identifier, links=set(row)) or {}
        stamp = row.get("client_lock_stamp")
        if stamp is not None and old_row.get("client_lock_stamp") != stamp:
            raise ApiError(
                409,
                "platform.stale_client_lock_stamp",
                f"The {kind} {identifier} was changed by another client meanwhile",
                {"entity_type": kind, "entity_id": identifier},
                business_error=True,
            )
        values: dict[str, Any] = {}
        for name, value in row.items():
            if name in ECHOED:
                continue
            values[name] = self._values.value(definition, name, value)
            if definition.fields[name].final and values[name] != old_row.get(name):
                raise not_editable(definition, name)
            if definition.fields[name].required and values[name] in (None, ""):
                raise missing_field(kind, name)
            if append and definition.fields[name].multiple:
                values[name] = [
                    *old_row[name],
                    *(item for item in values[name] if item not in old_row[name]),
                ]
        self._unique(kind, values, old_row)
        check_ownership(self.store, kind, old_row, values)
        if values.get("phase") is not None:
            check_transition(self.store, kind, old_row.get("phase"), values["phase"]["id"])
            values |= reopened(kind, old_row, values["phase"]["id"])
        editors = {name: caller_ref() for name in EDITORS if name in definition.fields}
        self.store.update(kind, identifier, {**editors, **values})
        log.updated(kind, identifier, old_row, values)
        return kind, identifier, values

    def _unique(self, kind: str, values: Mapping[str, Any], old_row: dict[str, Any] | None) -> None:
        """Refuse a row that has the same values as another one where they must be unique."""
        names = UNIQUE.get(kind, ())
        if not any(name in values for name in names):
            return
        conditions, parameters = [], []
        for name in names:
            value = values[name] if name in values else (old_row or {}).get(name)
            if value is None:
                return
            if isinstance(value, Mapping):
                conditions.append(f"{quoted(name + '_id')} = ?")
                parameters.append(value["id"])
            else:
                conditions.append(f"fold({quoted(name)}) = ?")
                parameters.append(str(value).casefold())
        rows = self.store.read(
            f"SELECT id FROM {quoted(self.schema.family(kind))}"
            f" WHERE type = ? AND {' AND '.join(conditions)}",
            (kind, *parameters),
        )
        if any(str(row[0]) != (old_row or {}).get("id") for row in rows):
            problem = f"There is already a {kind} with the same {' and '.join(names)}"
            raise duplicate(kind, names[-1], problem)


def require_list(body: Any) -> list[Any]:
    """The rows of a bulk body."""
    if isinstance(body, Mapping) and isinstance(body.get("data"), list):
        return list(body["data"])
    raise not_found(400, 'The body must be {"data": [...]}')
