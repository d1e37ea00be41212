"""Pages of collections and single entities.

In: the entity type and the query-string parameters. Out: JSON text built by SQLite. Called by the
routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.collection_page import Page
from octane_simulator.model.field_model import NAMED_FAMILIES, SHARED_STORAGE, EntityDef
from octane_simulator.model.refusals import (
    ApiError,
    bad_query,
    entity_not_found,
    illegal_value,
    not_authorized,
    unknown_field,
)
from octane_simulator.query import text_search
from octane_simulator.query.match_counts import UNBOUNDED, Counter, Windowed, split_window
from octane_simulator.query.query_language import Node, has_or, parse, unwrap
from octane_simulator.query.query_quirks import check_quirks
from octane_simulator.query.query_sql import Condition, compile_query
from octane_simulator.query.row_json import (
    RequestedFields,
    default_fields,
    has_expansion,
    parse_fields,
    row_expression,
)
from octane_simulator.store.current_caller import FIRST_USER
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import column_of, quoted

__all__ = ["Caller", "Reader", "whole_number"]

_LARGEST = 2**63 - 1  # the largest number that SQLite takes
MAX_LIMIT = 1000
MAX_LIST_NODES = 5000
# How many records one query of the log gives at most, over all its pages.
MAX_RECORDS = 10_000
_LOGS = frozenset({"audit", "history_record"})


@dataclass(frozen=True)
class Caller:
    """The parts of a request, apart from its parameters, that change the answer."""

    preview: bool = True
    user_id: str = FIRST_USER
    wide: bool = False


class Reader:
    """Reads of one workspace."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.store = store
        self.schema = store.schema
        self.faults = faults
        self.default_limit: int | None = None  # None: as many as the collection gives
        self.max_limit = MAX_LIMIT
        self.default_order = "id"
        # How rows of aggregate collections show their type: concrete, aggregate, or auto, which
        # is concrete in technical-preview mode only.
        self.aggregate_rows = "auto"
        self.counter = Counter(store)

    # -- collections ----------------------------------------------------------------------------

    def page(self, entity: EntityDef, parameters: Mapping[str, str], caller: Caller) -> Page:
        """One page of a collection."""
        if entity.name == "audit":
            _check_audit_parameters(parameters)
        condition = self.condition(entity, parameters.get("query"), caller)
        words = (
            text_search.words_of(parameters["text_search"]) if "text_search" in parameters else None
        )
        fields, shows_hits = text_search.fields_without(parameters.get("fields"), words)
        if words is not None:
            condition = text_search.narrowed(condition, entity, words)
        limit = self._limit(entity, parameters.get("limit"))
        offset = whole_number(parameters.get("offset"), "offset", 0, 0)
        order = self._order(entity, parameters.get("order_by"))
        shown = self._shown(entity, fields, caller)
        family = quoted(self.schema.family(entity.name))
        capped = entity.name in _LOGS
        if capped:
            limit = max(0, min(limit, MAX_RECORDS - offset))
        with self.store.lock:
            total = self.check_cap(family, condition)
            # Choosing the ids first lets SQLite skip an offset within an index.
            chosen = f"SELECT t.id FROM {family} t WHERE {condition.sql} ORDER BY {order}"
            rows = self.store.read(
                f"SELECT {shown} FROM {family} t WHERE t.id IN ({chosen} LIMIT ? OFFSET ?)"
                f" ORDER BY {order}",
                (*condition.parameters, limit, offset),
            )
        exceeds = capped and total > MAX_RECORDS
        texts = [row[0] for row in rows]
        if words is not None and shows_hits:
            texts = text_search.marked(self.store, entity, texts, words)
        return Page(texts, MAX_RECORDS if exceeds else total, exceeds)

    def single(
        self, entity: EntityDef, identifier: str, parameters: Mapping[str, str], caller: Caller
    ) -> str:
        """The JSON text of one entity, or ApiError 404."""
        rows = self.rows(entity, [identifier], parameters.get("fields"), caller)
        if not rows:
            raise entity_not_found(entity.name, identifier)
        return rows[0]

    def rows(
        self, entity: EntityDef, identifiers: list[str], fields: str | None, caller: Caller
    ) -> list[str]:
        """JSON texts of rows by id, in the order given; ids without a row are left out."""
        shown = self._shown(entity, fields, caller)
        base = self.condition(entity, None, caller)
        family = self.schema.family(entity.name)
        sql = f"SELECT {shown} FROM {quoted(family)} t WHERE t.id = ? AND {base.sql}"
        rows = []
        for identifier in identifiers:
            rows += self.store.read(sql, (self.store.key(family, identifier), *base.parameters))
        return [row[0] for row in rows]

    def ids(self, entity: EntityDef, query: str, caller: Caller) -> list[str]:
        """Ids of the rows that a query selects."""
        condition = self.condition(entity, query, caller)
        rows = self.store.read(
            f"SELECT t.id FROM {quoted(self.schema.family(entity.name))} t"
            f" WHERE {condition.sql} ORDER BY t.id",
            condition.parameters,
        )
        return [str(row[0]) for row in rows]

    def check_cap(self, family: str, condition: Condition) -> int:
        """The number of matches; ApiError 400 where the server would not count so many."""
        total = self.counter.total(family, condition)
        cap = self.faults.setting("count_cap", "max")
        if cap is not None and total > cap:
            raise ApiError(
                400,
                "platform.exceeds_max_total_count",
                f"The query matches more than {cap} entities",
                {"max_total_count": cap},
            )
        return total

    # -- parts ----------------------------------------------------------------------------------

    def condition(self, entity: EntityDef, query: str | None, caller: Caller) -> Condition:
        """The filter of a collection, with that of its entity type."""
        base, refused = "1", self.faults.refused
        if entity.subtype_of:
            base = f"t.type = '{entity.name}'"
        hidden_types = [
            subtype for subtype in self.schema.subtypes.get(entity.name, ()) if subtype in refused
        ]
        if entity.name == "run" and self.faults.setting("suite_runs_apart", "status"):
            hidden_types.append("run_suite")
        if hidden_types:
            base = " AND ".join(f"t.type <> '{subtype}'" for subtype in hidden_types)
        if not query:
            return Condition(base)
        statement = unwrap(query)
        tree = parse(statement)
        check_quirks(self.faults, statement, tree)
        condition = self._compiled(entity, tree, base, caller)
        if self.schema.family(entity.name) in NAMED_FAMILIES:
            return condition
        remaining, low, high = split_window(tree)
        if (low, high) == UNBOUNDED:
            return condition
        rest = self._compiled(entity, remaining, base, caller) if remaining else Condition(base)
        return Windowed(condition.sql, condition.parameters, rest, low, high)

    def _compiled(self, entity: EntityDef, tree: Node, base: str, caller: Caller) -> Condition:
        condition = compile_query(
            self.store, tree, entity.name, "t", lambda name: self._token(name, caller)
        )
        return Condition(
            f"{base} AND {condition.sql}" if base != "1" else condition.sql, condition.parameters
        )

    def _token(self, name: str, caller: Caller) -> str:
        if name == "current_user":
            return caller.user_id
        if name in {"current_release", "current_sprint"}:
            today = self.store.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            rows = self.store.read(
                f"SELECT id FROM {quoted(name.removeprefix('current_'))}"
                " WHERE start_date <= ? AND end_date >= ? ORDER BY id LIMIT 1",
                (today, today),
            )
            return str(rows[0][0]) if rows else "0"
        raise illegal_value(f"There is no token [{name}]")

    def _limit(self, entity: EntityDef, text: str | None) -> int:
        top = max(self.max_limit, MAX_LIST_NODES) if entity.name == "list_node" else self.max_limit
        return whole_number(text, "limit", self.default_limit or top, 1, top)

    def _order(self, entity: EntityDef, text: str | None) -> str:
        keys: list[str] = []
        default = "name,id" if self.default_order == "name" and "name" in entity.fields else "id"
        for item in (text or default).split(","):
            name = item.strip()
            direction = "DESC" if name.startswith("-") else "ASC"
            name = name.lstrip("-+")
            definition = entity.fields.get(name)
            if definition is None or definition.filter_only:
                raise unknown_field(entity.name, name)
            if not definition.sortable:
                raise ApiError(
                    400,
                    "platform.field_not_sortable",
                    f"The field '{name}' of '{entity.name}' cannot be sorted by",
                    {"entity_type": entity.name, "field_name": name},
                )
            column = column_of(self.schema, self.schema.family(entity.name), definition)
            sql = f"t.{quoted(name)}"
            if column.kind == "single":
                sql = f"t.{quoted(name + '_id')}"
            elif name == "subtype":
                sql = "t.type"
            elif definition.field_type in {"string", "memo"} and name != "id":
                sql += " COLLATE fold"
            keys.append(f"{sql} {direction}")
        keys.append("t.id ASC")
        return ", ".join(dict.fromkeys(keys))

    def _shown(self, entity: EntityDef, fields: str | None, caller: Caller) -> str:
        if fields is None or not fields.strip():
            requested = default_fields(self.store, entity.name, wide=caller.wide)
        else:
            requested = parse_fields(fields)
            if has_expansion(requested) and not caller.preview:
                raise not_authorized("fields can be expanded in technical preview mode only")
            _refuse_hidden_fields(entity, requested)
        if entity.name in self.schema.subtypes:  # rows of aggregates say their subtype unasked
            requested.fields.setdefault("subtype", None)
        return row_expression(
            self.store, requested, (entity.name,), "t", self._type_sql(entity, caller)
        )

    def _type_sql(self, entity: EntityDef, caller: Caller) -> str:
        if entity.name in SHARED_STORAGE:
            return f"'{entity.name}'"
        concrete = self.aggregate_rows == "concrete" or (
            self.aggregate_rows == "auto" and caller.preview
        )
        if entity.name in self.schema.subtypes and not concrete:
            return f"'{entity.name}'"
        return "t.type"


def _check_audit_parameters(parameters: Mapping[str, str]) -> None:
    """Audits take `query`, `fields`, `limit` and `offset`, and no `||`."""
    others = set(parameters) - {"query", "fields", "limit", "offset"}
    if others:
        raise illegal_value(f"Audits do not take the parameter {min(others)}")
    if parameters.get("query") and has_or(parse(unwrap(parameters["query"]))):
        raise bad_query("Queries of audits take only the operator ;")


def _refuse_hidden_fields(entity: EntityDef, requested: RequestedFields) -> None:
    """Refuse names that queries may use but answers do not have."""
    for name in requested.fields:
        definition = entity.fields.get(name)
        if definition is None or definition.filter_only:
            raise unknown_field(entity.name, name)


def whole_number(
    text: str | None, name: str, default: int, low: int, high: int | None = None
) -> int:
    """A parameter as whole number; ApiError 400 when it is not one or out of bounds."""
    if text is None or text == "":
        return default
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if number < low or number > (_LARGEST if high is None else high):
        upper = f" and not above {high}" if high is not None else ""
        raise illegal_value(
            f"The parameter {name} must be a whole number not below {low}{upper}",
            {"parameter": name, "value": text},
        )
    return number
