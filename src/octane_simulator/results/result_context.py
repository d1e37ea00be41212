"""The context of a result, such as its release and suite, found in the store.

In: the context of a document or of one run. Out: a `Setting` with ids, and errors for
references without a row. New environment tags are created. Called by result_ingest.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import proxy

from octane_simulator.results import ci_builds
from octane_simulator.results.result_document import Context
from octane_simulator.store.entity_store import Store

__all__ = ["Contexts", "Setting", "id_of", "ref"]

# Rows share their reference values: most results of a document name the same few rows.
ref = lru_cache(maxsize=4096)(ci_builds.ref)

_LIST_ROOTS = {
    "Test_Level": "list_node.test_level",
    "Test_Type": "list_node.test_type",
    "Testing_Tool_Type": "list_node.testing_tool_type",
    "Framework": "list_node.je.framework",
}
_COVERABLE = ("story", "feature", "defect")


@dataclass
class Setting:
    """A context with the ids of the rows that it refers to."""

    suite_run: str | None = None
    release: str | None = None
    milestone: str | None = None
    program: str | None = None
    tags: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    covered: tuple[tuple[str, str], ...] = ()
    nodes: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def node(self, name: str) -> dict[str, str] | None:
        """The first list node given for a test field."""
        nodes = self.nodes.get(name)
        return ref("list_node", nodes[0]) if nodes else None


def id_of(value: Any) -> str | None:
    """The id in a reference."""
    return value["id"] if value else None


class Contexts:
    """Finds the rows of contexts; remembers their tags."""

    def __init__(self, store: Store) -> None:
        self.store: Store = proxy(store)  # a strong reference would keep the store in memory
        self._tags: dict[tuple[str, str], str] = {}

    def look_up(self, context: Context) -> Setting:
        """Find every reference; one without a row becomes an error of the setting."""
        setting = Setting()

        def existing_id(entity_type: str, id: str | None) -> str | None:
            if id is not None and self.store.get(entity_type, id) is None:
                setting.errors.append(f"There is no {entity_type} with id {id}.")
                return None
            return id

        suite = existing_id("test_suite", context.suite)
        setting.suite_run = self._suite_run(suite) if suite is not None else None
        setting.program = existing_id("program", context.program)
        setting.milestone = existing_id("milestone", context.milestone)
        if context.release is not None:
            how, value = context.release
            setting.release = (
                existing_id("release", value) if how == "id" else self._release(value, setting)
            )
        areas = (existing_id("product_area", id) for id in dict.fromkeys(context.areas or ()))
        setting.areas = tuple(id for id in areas if id is not None)
        for id in dict.fromkeys(context.backlog or ()):
            kind = next((kind for kind in _COVERABLE if self.store.get(kind, id)), None)
            if kind is None:
                setting.errors.append(f"There is no story, feature or defect with id {id}.")
            else:
                setting.covered += ((kind, id),)
        for name, value in context.fields or ():
            word = re.sub(r"[^a-z0-9]+", "_", value.strip().lower())
            node = f"{_LIST_ROOTS[name]}.{word.removesuffix('_test')}"
            if (name, word) == ("Test_Level", "gherkin_test"):
                continue  # the vendor's converter writes it, but the list has no such node
            if self.store.get("list_node", node) is None:
                setting.errors.append(f"{value!r} is no value of {name}.")
            else:
                setting.nodes.setdefault(name, []).append(node)
        setting.tags = tuple(dict.fromkeys(self._tag(*tag) for tag in context.environment or ()))
        return setting

    def _suite_run(self, suite: str) -> str | None:
        """The newest run of a suite, if it was ever run."""
        (newest,) = self.store.read(
            "SELECT max(id) FROM run WHERE type = 'run_suite' AND test_id = ?", (int(suite),)
        )
        return None if newest[0] is None else str(newest[0])

    def _release(self, name: str, setting: Setting) -> str | None:
        if name == "_default_":
            rows = self.store.find("release", is_default=True)
        else:
            rows = self.store.find("release", name=name)
        if rows:
            return str(rows[0]["id"])
        setting.errors.append(f"There is no release named {name!r}.")
        return None

    def _tag(self, category: str, value: str) -> str:
        """The environment tag, created with its category when it is new."""
        remembered = self._tags.get((category, value))
        if remembered is not None:
            return remembered
        parents = self.store.find("taxonomy_category_node", name=category)
        parent = (
            str(parents[0]["id"])
            if parents
            else self.store.insert("taxonomy_category_node", {"name": category})
        )
        for row in self.store.find("taxonomy_item_node", name=value):
            if id_of(row.get("category")) == parent:
                id = str(row["id"])
                break
        else:
            id = self.store.insert(
                "taxonomy_item_node",
                {"name": value, "category": ref("taxonomy_category_node", parent)},
            )
        self._tags[category, value] = id
        return id
