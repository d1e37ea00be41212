"""Answers that several questions of a report read, each evaluated a single time.

A connection in; macros of this connection alone, which read stored answers in place of evaluating
them again, out. `stored_answers` calls it. Nothing is shared where a question is read with other
parameters than its defaults, or where other models or another version built the warehouse: its own
macros answer then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import duckdb

from octane_flows import __version__
from octane_flows.models.macros import macro_sql
from octane_flows.models.model import Model, load_models
from octane_flows.models.models_digest import models_digest
from octane_flows.models.syntax_tree import nodes, table_reference

#: Metrics that other metrics read, and their parameters that choose among the rows.
SHARED: Final[Mapping[str, Mapping[str, str]]] = {
    "metric.test_outcomes": {},
    "metric.current_failures": {},
    "metric.test_states": {
        "state_codes": "(state_codes is null or er.is_listed(stored.state_code, state_codes))"
    },
}
_CALL: Final = re.compile(r"\b(metric\.\w+)\(")
_BUILT_BY: Final = "select build.built_by, build.models_digest from meta.build as build"


class SharedAnswers:
    """Which answers the questions of a report share, and the macros that read them."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._created: set[str] = set()
        models = load_models()
        is_same = _built_by(cursor) == [(__version__, models_digest(models))]
        self._models = {model.name: model for model in models} if is_same else {}

    def sources(self, name: str) -> tuple[str, ...]:
        """The shared answers that a question reads, directly or through other questions."""
        return tuple(sorted(self._sources(name) or ()))

    def add(self, name: str, table: str) -> None:
        """Let the questions that read this answer read the table in which it is stored."""
        if name in SHARED and name in self._models:
            self._run(name, _reading_macro(self._models[name], table))

    def macro(self, name: str) -> str:
        """The macro that answers a question: one of ours where it reads shared answers."""
        return self._answering_macro(self._models[name]) if self.sources(name) else name

    def _sources(self, name: str) -> frozenset[str] | None:
        """As above; None where it reads one of them with other parameters than the defaults."""
        shared: frozenset[str] = frozenset()
        if (model := self._models.get(name)) is None:
            return shared
        for source, arguments in _calls(model):
            below = frozenset({source}) if source in SHARED else self._sources(source)
            if below is None:
                return None
            if below and not _keeps_defaults(model, self._models[source], arguments):
                return None
            shared |= below
        return shared

    def _answering_macro(self, model: Model) -> str:
        """The macro of a question, and those of the questions between it and the shared ones."""

        def called(call: re.Match[str]) -> str:
            source = call[1]
            if source in SHARED:
                return f"{_reading(source)}("
            if source in model.sources and self.sources(source):
                return f"{self._answering_macro(self._models[source])}("
            return call[0]

        own = replace(
            model, schema="temp", slug=f"answer_of_{model.slug}", sql=_CALL.sub(called, model.sql)
        )
        self._run(own.name, macro_sql(own))
        return own.name

    def _run(self, name: str, statement: str) -> None:
        """Create a macro, once."""
        if name not in self._created:
            self._cursor.execute(statement.replace("create macro temp.", "create temp macro ", 1))
            self._created.add(name)


def _built_by(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    try:
        return cursor.execute(_BUILT_BY).fetchall()
    except duckdb.CatalogException:
        return []  # a warehouse of an early version, which did not tell


def _reading(name: str) -> str:
    return f"temp.stored_{name.partition('.')[2]}"


def _reading_macro(model: Model, table: str) -> str:
    """The rows of a stored answer, of which some parameters choose; all others are defaults."""
    inputs = ", ".join(f"{each.name} := {each.default_sql}" for each in model.header.parameters)
    conditions = " and ".join(("true", *SHARED[model.name].values()))
    return (
        f"create macro {_reading(model.name)}({inputs}) as table "
        f"select stored.* from temp.main.{table} as stored where {conditions}"
    )


def _calls(model: Model) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The metrics that a model reads, and the arguments with which it does."""
    for node in nodes(model.tree):
        table = table_reference(node)
        if table and table.is_call and table.schema == "metric":
            yield table.qualified_name, node["function"]["arguments"]


def _keeps_defaults(reader: Model, source: Model, arguments: list[dict[str, Any]]) -> bool:
    """Whether a reader that has its defaults hands the source's own ones on."""
    own = {parameter.name: parameter for parameter in reader.header.parameters}
    declared = {parameter.name: parameter for parameter in source.header.parameters}
    for argument in arguments:
        name, given = argument["name"], own.get(argument["expression"].get("identifier", ""))
        if name in SHARED.get(source.name, {}):
            continue
        if name not in declared or given is None:
            return False
        if (given.type, given.default_sql) != (declared[name].type, declared[name].default_sql):
            return False
    return True
