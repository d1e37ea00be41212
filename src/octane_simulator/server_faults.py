"""Faults that change the server itself: its fields, its sessions, its version.

In: the space and its sign-in. Out: for each such kind of fault the function that puts it in force,
or removes it when it is called with None. Used by simulator.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octane_simulator.faults.active_faults import Effect
from octane_simulator.http.authentication import Authentication
from octane_simulator.query.history_logs import ENTITY_TYPE as HISTORY
from octane_simulator.query.query_quirks import SPELLINGS
from octane_simulator.query.reader import MAX_LIMIT
from octane_simulator.simulated_space import Space
from octane_simulator.store.phase_ids import name_phases, number_phases

__all__ = ["server_faults"]

FIELD_TYPES = ("string", "memo", "integer", "float", "boolean", "date", "date_time", "object")
Options = Mapping[str, Any] | None


def server_faults(space: Space, auth: Authentication) -> dict[str, Effect]:
    """What each kind of fault changes in the server."""
    default_life = {
        "idle": auth.idle_s,
        "absolute": auth.absolute_s,
        "rotate_every": auth.rotate_every,
        "grace": auth.grace_s,
    }

    def add_field(options: Options) -> None:
        entity, name = _field_of(space, options, must_exist=False)
        assert options is not None
        _check_new_field(space, options)
        is_reference = options["target"] or options["list_root"]
        space.add_field(
            entity,
            name,
            "reference" if is_reference else options["type"],
            label=options["label"],
            targets=[options["target"]] if options["target"] else [],
            list_root=options["list_root"],
            multiple=options["multiple"],
        )

    def remove_field(options: Options) -> None:
        entity, name = _field_of(space, options)
        if name in {"id", "type"}:
            raise ValueError(f"Every entity has the field {name}: it cannot be removed")
        space.remove_field(entity, name)

    def retype_field(options: Options) -> None:
        entity, name = _field_of(space, options)
        assert options is not None
        space.retype_field(entity, name, options["type"])

    def metadata_only(options: Options) -> None:
        if options:
            _field_of(space, options)

    def refuse(options: Options) -> None:
        if options:
            entity = options["entity"]
            if entity != HISTORY and entity not in space.first.schema.entities:
                raise ValueError(f"There is no entity type '{entity}'")
            if options["status"] not in {403, 404}:
                raise ValueError(f"A refusal is 403 or 404, not {options['status']}")

    def query_dialect(options: Options) -> None:
        unknown = set(str(options["without"]).split()) - set(SPELLINGS) if options else None
        if unknown:
            raise ValueError(
                f"without of query_dialect takes {' '.join(SPELLINGS)}; not '{min(unknown)}'"
            )

    def history_size(options: Options) -> None:
        if options and min(options["cap"], options["limit"]) < 1:
            raise ValueError("cap and limit of history_size are at least 1")

    def history_form(options: Options) -> None:
        _choice("history_form", "keys", options, "value_text", "valueName", "new_value")
        _choice("history_form", "user", options, "user", "user_name")

    def history_records(options: Options) -> None:
        _choice("history_records", "form", options, "saves", "fields")

    def session_life(options: Options) -> None:
        life = {**default_life, **{k: v for k, v in (options or {}).items() if v is not None}}
        auth.idle_s, auth.absolute_s = life["idle"], life["absolute"]
        auth.rotate_every, auth.grace_s = life["rotate_every"], life["grace"]

    def demand_csrf(options: Options) -> None:
        if options:
            _choice("demand_csrf", "token", options, "xsrf", "hpsso")
        auth.demanded_csrf = options["token"] if options else None

    def page_size(options: Options) -> None:
        for workspace in space.workspaces.values():
            workspace.reader.default_limit = options["default"] if options else None
            workspace.reader.max_limit = options["max"] if options else MAX_LIMIT

    def default_order(options: Options) -> None:
        order = _choice("default_order", "by", options, "id", "name")
        for workspace in space.workspaces.values():
            workspace.reader.default_order = order

    def aggregate_type(options: Options) -> None:
        form = _choice("aggregate_type", "form", options, "auto", "concrete", "aggregate")
        for workspace in space.workspaces.values():
            workspace.reader.aggregate_rows = form

    def phase_ids(options: Options) -> None:
        form = _choice("phase_ids", "form", options, "named", "numeric")
        for workspace in space.workspaces.values():
            (number_phases if form == "numeric" else name_phases)(workspace.store)

    def expire(options: Options) -> None:
        _choice("expire", "reason", options, "idle", "absolute")

    return {
        "add_field": add_field, "remove_field": remove_field, "retype_field": retype_field,
        "odd_type": metadata_only, "missing_targets": metadata_only, "refuse": refuse,
        "session_life": session_life, "demand_csrf": demand_csrf,
        "page_size": page_size, "default_order": default_order,
        "aggregate_type": aggregate_type, "phase_ids": phase_ids, "expire": expire,
        "query_dialect": query_dialect, "history_size": history_size, "history_form": history_form,
        "history_records": history_records,
    }  # fmt: skip


def _field_of(space: Space, options: Options, *, must_exist: bool = True) -> tuple[str, str]:
    """The entity type and the name in `entity.field`, or ValueError."""
    text = str((options or {}).get("field", ""))
    entity, _, name = text.partition(".")
    definition = space.first.schema.entities.get(entity)
    if definition is None or not name:
        raise ValueError(
            f"A field is named as defect.severity, with an entity type that exists; not '{text}'"
        )
    if must_exist and name not in definition.fields:
        raise ValueError(f"The entity type '{entity}' has no field '{name}'")
    return entity, name


def _check_new_field(space: Space, options: Mapping[str, Any]) -> None:
    """ValueError for a name, a type, a target or a list that no field can have."""
    if not re.fullmatch(r"[a-z_]+\.[a-z][a-z0-9_]*_udf", options["field"]):
        raise ValueError(f"A user-defined field's name ends in _udf, so not '{options['field']}'")
    _choice("add_field", "type", options, *FIELD_TYPES)
    if options["target"] and options["target"] not in space.first.schema.entities:
        raise ValueError(f"There is no entity type '{options['target']}'")
    root = options["list_root"]
    if root and space.first.store.type_of("list_node", root) is None:
        raise ValueError(f"There is no list '{root}'")


def _choice(kind: str, option: str, options: Options, default: str, *others: str) -> str:
    """The value of an option with few values; the first is the value without the fault."""
    value = str(options[option]) if options else default
    if value not in {default, *others}:
        raise ValueError(f"{option} of {kind} takes {', '.join((default, *others))}; not '{value}'")
    return value
