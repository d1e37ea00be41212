"""What the server adds to a write: defaults before it, computed fields after it.

In: validated values of a new or changed row. Out: the completed values, and changes in the rows
that depend on them. Called by writer.py only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from octane_simulator.model.extra_types import UDF_KINDS
from octane_simulator.model.field_model import TREE_ROOTS
from octane_simulator.rules.ci_jobs import add_jobs, set_executor
from octane_simulator.rules.last_runs import PLANNED, renew_last_runs
from octane_simulator.rules.planning import add_sprints, count_members, count_sprints
from octane_simulator.rules.script_revisions import start_steps
from octane_simulator.rules.user_defined_fields import define
from octane_simulator.store.current_caller import caller_ref
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["after_write", "complete", "reopened", "summary_status"]

_CHILD_RUNS = {
    "test_manual": "run_manual",
    "gherkin_test": "run_manual",
    "test_automated": "run_automated",
}
_FINISHED = frozenset({"fixed", "proposeclose", "closed", "duplicate", "rejected"})
_SAME_STATUS = frozenset({"planned", "passed", "failed", "skipped"})


def _ref(kind: str, identifier: str) -> dict[str, str]:
    return {"type": kind, "id": identifier}


def summary_status(native: str) -> str:
    """The list node of `status` for a list node of `native_status`."""
    last = native.rsplit(".", 1)[-1]
    return f"list_node.run_status.{last if last in _SAME_STATUS else 'requires_attention'}"


def complete(store: Store, kind: str, values: dict[str, Any]) -> None:
    """Fill what a create request may leave out."""
    fields = store.schema.entities[kind].fields
    family = store.schema.family(kind)
    if "phase" in fields and values.get("phase") is None:
        starts = store.read("SELECT id FROM phase WHERE entity = ? AND is_start_phase = 1", (kind,))
        if starts:
            values["phase"] = _ref("phase", starts[0][0])
    if family in TREE_ROOTS and "parent" in fields and values.get("parent") is None:
        values["parent"] = _ref(TREE_ROOTS[family], store.root(family))
    if family == "product_area":
        values.setdefault("business_impact", _ref("list_node", "list_node.business_impact.medium"))
    if kind == "workspace_user":
        full = f"{values.get('first_name') or ''} {values.get('last_name') or ''}".strip()
        values.setdefault("name", values.get("email"))
        values.setdefault("full_name", full)
    if kind == "list_node" and values.get("list_root") is not None:
        siblings = store.find("list_node", list_root=values["list_root"]["id"])
        values.setdefault("index", len(siblings))
    if family == "test_suite_link_to_test":
        values.setdefault("include_in_next_run", True)
        suite = values.get("test_suite")
        if suite is not None:
            values["order"] = len(store.find(family, test_suite=suite["id"]))
    if kind in UDF_KINDS:
        values["is_user_defined"] = True
        values.setdefault("multiple", False)
    if family == "run":
        _complete_run(store, kind, values)


def _complete_run(store: Store, kind: str, values: dict[str, Any]) -> None:
    test = values.get("test")
    stored_test = store.get("test", test["id"]) if test else None
    if stored_test:
        values.setdefault("name", stored_test["name"])
        values["test_name"] = stored_test["name"]
        versions = (
            store.find("test_version", test=stored_test["id"]) if kind == "run_manual" else []
        )
        if versions:
            values.setdefault("test_version", {"type": "test_version", "id": versions[-1]["id"]})
    values.setdefault("draft_run", False)
    if values.get("native_status") is None and kind in {"run_manual", "run_suite"}:
        values["native_status"] = _ref("list_node", PLANNED)
    _set_status(store, kind, values, None)


def _set_status(
    store: Store, kind: str, values: dict[str, Any], old_row: dict[str, Any] | None
) -> None:
    """Set `status`, and `started` as soon as a run is no longer planned."""
    native = values.get("native_status")
    if native is None:
        return
    values["status"] = _ref("list_node", summary_status(native["id"]))
    started = (old_row or {}).get("started") or values.get("started")
    if native["id"] != PLANNED and not started:
        values["started"] = iso(store.now())
        if kind != "run_suite":
            values.setdefault("run_by", caller_ref())


def after_write(
    store: Store, written: Sequence[tuple[str, str, dict[str, Any]]], *, created: bool
) -> None:
    """Renew computed fields of the written rows and of the rows that they belong to."""
    tests: set[str] = set()
    for kind, identifier, values in written:
        family = store.schema.family(kind)
        if family == "run":
            if not created:
                _change_status(store, kind, identifier, values)
            elif kind == "run_suite":
                tests |= _plan_children(store, identifier)
            run = store.get(kind, identifier, links=())
            if run and (run["native_status"] or {}).get("id") != PLANNED:
                start_steps(store, run)
            if run and run["test"]:
                tests.add(run["test"]["id"])
        elif kind in UDF_KINDS:
            define(store, kind, store.get(kind, identifier) or values)
        elif family == "work_item" and "phase" in values:
            _set_phase_dates(store, kind, identifier, values)
        elif family == "pipeline" and created:
            add_jobs(store, identifier)
        elif family == "executor":
            set_executor(store, kind, identifier, values)
        elif family == "release" and created:
            add_sprints(store, identifier)
        elif family == "team":
            count_members(store, identifier)
        elif family == "sprint" and values.get("release"):
            count_sprints(store, values["release"]["id"])
    for test in tests:
        renew_last_runs(store, test)


def _change_status(store: Store, kind: str, identifier: str, values: dict[str, Any]) -> None:
    if "native_status" in values:
        more: dict[str, Any] = {"native_status": values["native_status"]}
        _set_status(store, kind, more, store.get(kind, identifier))
        store.update(
            kind, identifier, {**more, "version_stamp": _version_stamp(store, kind, identifier)}
        )


def _version_stamp(store: Store, kind: str, identifier: str) -> Any:
    return (store.get(kind, identifier) or {}).get("version_stamp")


def reopened(kind: str, old_row: Mapping[str, Any], phase: str) -> dict[str, int]:
    """The count of a defect that goes back to Opened from Fixed or a later phase."""
    old_phase = (old_row.get("phase") or {}).get("id", "").rsplit(".", 1)[-1]
    if kind == "defect" and phase == "phase.defect.opened" and old_phase in _FINISHED:
        return {"reopens": (old_row.get("reopens") or 0) + 1}
    return {}


def _set_phase_dates(store: Store, kind: str, identifier: str, values: dict[str, Any]) -> None:
    """Set the dates that go with phases."""
    fields = store.schema.entities[kind].fields
    if "closed_on" not in fields or values["phase"] is None:
        return
    phase = store.get("phase", values["phase"]["id"]) or {}
    metaphase = store.get("metaphase", (phase.get("metaphase") or {}).get("id", "")) or {}
    done = metaphase.get("logical_name") == "metaphase.work_item.done"
    more: dict[str, Any] = {}
    if "closed_on" not in values:
        more["closed_on"] = iso(store.now()) if done else None
    fixed = phase.get("logical_name") == "phase.defect.fixed"
    if fixed and "fixed_on" in fields and "fixed_on" not in values:
        more["fixed_on"] = iso(store.now())
    if more:
        row = store.get(kind, identifier) or {}
        stamps = {name: row[name] for name in ("version_stamp", "client_lock_stamp")}
        store.update(kind, identifier, {**more, **stamps})


def _plan_children(store: Store, suite_run: str) -> set[str]:
    """A new suite run plans a run of each test in its suite."""
    run = store.get("run_suite", suite_run) or {}
    suite = run.get("test")
    tests: set[str] = set()
    if suite is None or (run.get("native_status") or {}).get("id") != PLANNED:
        return tests
    links = store.find("test_suite_link_to_test", test_suite=suite["id"])
    for link in sorted(links, key=lambda item: item["order"] or 0):
        test = link["test"]
        if test is None or link["include_in_next_run"] is False:
            continue
        stored_test = store.get("test", test["id"])
        child = _CHILD_RUNS.get(stored_test["type"]) if stored_test else None
        if child is None or stored_test is None:
            continue
        inherited = {
            name: run[name] for name in ("release", "milestone", "sprint", "program") if run[name]
        }
        store.insert(
            child,
            {
                "name": stored_test["name"],
                "test": test,
                "test_name": stored_test["name"],
                "parent_suite": _ref("run_suite", suite_run),
                "draft_run": False,
                "native_status": _ref("list_node", PLANNED),
                "status": _ref("list_node", summary_status(PLANNED)),
                "run_by": run.get("default_run_by"),
                **inherited,
            },
        )
        tests.add(test["id"])
    return tests
