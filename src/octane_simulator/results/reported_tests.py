"""The test that a result belongs to: found by its key, or created.

In: results with their settings. Out: one test id for each. The key of a test is component,
package, class and name; that of a Gherkin test is its name. Called by result_ingest.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from weakref import proxy

from octane_simulator.results.ci_builds import Row
from octane_simulator.results.result_context import Setting, ref
from octane_simulator.results.result_document import Result
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import quoted

__all__ = ["ReportedTests", "existing_ids"]

TestKey = tuple[str, str, str, str]


def existing_ids(store: Store, family: str, ids: Collection[str]) -> set[str]:
    """Those of the ids that still have a row."""
    listed = ", ".join(ids)  # ids of these families are numbers
    rows = store.read(f"SELECT id FROM {quoted(family)} WHERE id IN ({listed})")
    return {str(row[0]) for row in rows}


class ReportedTests:
    """Finds tests by key, and remembers them."""

    def __init__(self, store: Store) -> None:
        self.store: Store = proxy(store)
        self._tests: dict[tuple[str, TestKey], str] = {}
        self._linked: set[tuple[str, str, str]] = set()

    def find(self, accepted: list[tuple[Result, Setting]]) -> list[str]:
        """One test id for each result; new tests are inserted together."""
        missing: dict[tuple[str, TestKey], Row] = {}
        keys: list[tuple[str, TestKey]] = []
        checked: set[tuple[str, TestKey]] = set()
        kinds = ("gherkin_test" if r.gherkin else "test_automated" for r, _ in accepted)
        remembered_ids = [
            self._tests.get((kind, r.test)) for kind, (r, _) in zip(kinds, accepted, strict=True)
        ]
        existing = existing_ids(self.store, "test", {id for id in remembered_ids if id is not None})
        for result, setting in accepted:
            kind = "gherkin_test" if result.gherkin else "test_automated"
            key = (kind, result.test)
            keys.append(key)
            if key in checked:
                continue
            checked.add(key)
            id = self._tests.get(key)
            if id is None or id not in existing:
                id = self._stored_test(kind, result.test)
            if id is None:
                missing[key] = self._test_row(kind, result, setting)
            else:
                self._tests[key] = id
        for kind in ("test_automated", "gherkin_test"):
            new_keys = [key for key in missing if key[0] == kind]
            if new_keys:
                ids = self.store.insert_many(kind, [missing[key] for key in new_keys])
                self._tests.update(zip(new_keys, ids, strict=True))
        for (_result, setting), key in zip(accepted, keys, strict=True):
            areas = [("product_area", id) for id in setting.areas]
            self._append(key[0], "product_areas", self._tests[key], areas)
            self._append(key[0], "covered_content", self._tests[key], setting.covered)
        return [self._tests[key] for key in keys]

    def _stored_test(self, kind: str, key: TestKey) -> str | None:
        component, package, class_name, name = key
        for row in self.store.find(kind, name=name):
            own = (row.get("component"), row.get("package"), row.get("class_name"))
            if kind == "gherkin_test" or tuple(v or "" for v in own) == (
                component,
                package,
                class_name,
            ):
                return str(row["id"])
        return None

    def _test_row(self, kind: str, result: Result, setting: Setting) -> Row:
        component, package, class_name, name = result.test
        row: Row = {"name": name, "description": result.description, "steps_num": result.steps}
        if kind == "gherkin_test":
            row["phase"] = ref("phase", "phase.gherkin_test.new")
            row["automation_status"] = ref("list_node", "list_node.automation_status.automated")
        else:
            row |= {
                "component": component or None,
                "package": package or None,
                "class_name": class_name or None,
                "framework": setting.node("Framework"),
                "test_level": setting.node("Test_Level"),
            }
        if types := setting.nodes.get("Test_Type"):
            row["test_type"] = [ref("list_node", id) for id in types]
        return row

    def _append(self, kind: str, name: str, test: str, targets: Iterable[tuple[str, str]]) -> None:
        new_targets = [target for target in targets if (test, name, target[1]) not in self._linked]
        if new_targets:
            self.store.link(kind, name, test, new_targets, replace=False)
            self._linked.update((test, name, id) for _, id in new_targets)
