"""The rows that every new workspace has: lists, phases, metaphases, roots, the first user.

In: the schema's logical names. Out: rows in the store. Called once for a new workspace.
"""

from __future__ import annotations

from typing import Any

from octane_simulator.rules.phase_transitions import transitions_of
from octane_simulator.rules.seed_settings import seed_settings
from octane_simulator.store.current_caller import FIRST_USER
from octane_simulator.store.entity_store import Store

__all__ = ["seed"]

SEED_TIME = "2020-01-01T00:00:00Z"
_LABELS = {
    "not_completed": "In Progress", "inprogress": "In Progress", "intesting": "In Testing",
    "indesign": "In Design", "inreview": "In Review", "proposeclose": "Propose Close",
    "awaitingreview": "Awaiting Review", "ux": "UX", "gui": "GUI", "api": "API", "uft": "UFT",
    "junit": "JUnit", "testng": "TestNG", "nunit": "NUnit",
}  # fmt: skip
_PHASE_ORDER = (
    "new", "draft", "planned", "pending", "scheduled", "opened", "indesign", "inprogress",
    "inreview", "awaitingreview", "fixed", "intesting", "proposeclose", "ready", "accepted",
    "approved", "done", "completed", "closed", "deferred", "duplicate", "rejected", "obsolete",
    "failing", "failed", "aborted", "skipped",
)  # fmt: skip
_START = ("new", "draft", "planned", "pending", "scheduled")
_ROOTS = (
    ("work_item_root", "Backlog"),
    ("product_area", "Application Modules"),
    ("requirement_root", "Requirements"),
)
_REPORT = {
    "name": "Backlog", "title": "Backlog", "file_name": "backlog", "document_type": "HTML",
    "document_orientation": "PORTRAIT", "show_author": True, "show_date": True,
    "print_title_page": True, "print_toc": False,
    "report_entries": [{
        "title": "Epics and what is below them", "entity_type": "epic", "query": '"id GE 0"',
        "descendants": True,
    }],
}  # fmt: skip
# Which metaphase a phase belongs to, by group and last part of the logical name.
_WORK_ITEM = {
    "new": "new", "deferred": "new", "opened": "inprogress", "inprogress": "inprogress",
    "fixed": "intesting", "proposeclose": "intesting", "intesting": "intesting", "done": "done",
    "closed": "done", "duplicate": "done", "rejected": "done",
}  # fmt: skip
_TEST = {"new": "new", "indesign": "indesign", "awaitingreview": "indesign", "ready": "ready",
         "obsolete": "ready"}  # fmt: skip
_REQUIREMENT = {
    "draft": "new", "indesign": "inprogress", "inreview": "inprogress", "deferred": "new",
    "accepted": "done", "approved": "done", "rejected": "done",
}  # fmt: skip
_GROUPS = {
    "defect": ("work_item", _WORK_ITEM), "story": ("work_item", _WORK_ITEM),
    "quality_story": ("work_item", _WORK_ITEM), "feature": ("work_item", _WORK_ITEM),
    "epic": ("work_item", _WORK_ITEM), "test_manual": ("test", _TEST),
    "gherkin_test": ("test", _TEST), "model_based_test": ("test", _TEST), "unit": ("test", _TEST),
    "model": ("test", _TEST), "bdd_spec": ("test", _TEST),
    "requirement_document": ("requirement", _REQUIREMENT),
}  # fmt: skip


def label(logical_name: str) -> str:
    """A readable label made from the last part of a logical name."""
    last = logical_name.rsplit(".", 1)[-1]
    return _LABELS.get(last) or " ".join(word[:1].upper() + word[1:] for word in last.split("_"))


def node_label(node: str) -> str:
    """The label of a list node; commit patterns are compared with "User story" by plug-ins."""
    text = label(node)
    return text.capitalize() if "scm_commit_pattern_entity_type" in node else text


def metaphase_of(phase: str) -> tuple[str, str]:
    """The group and the logical name of the metaphase of a phase."""
    _, entity, last = phase.split(".")
    group, names = _GROUPS.get(entity, (entity, {}))
    return group, f"metaphase.{group}.{names.get(last, last)}"


def _stamped(values: dict[str, Any]) -> dict[str, Any]:
    return {"creation_time": SEED_TIME, "last_modified": SEED_TIME, **values}


def seed(store: Store, *, user: str, roots: bool = True) -> None:
    """Fill an empty store with reference data, the user that signs in, and perhaps tree roots."""
    with store.transaction():
        _seed_lists(store)
        _seed_phases(store)
        first, _, last = user.partition(".")
        store.insert(
            "workspace_user",
            _stamped({
                "name": user, "email": f"{user}@example.com", "first_name": first.title(),
                "last_name": last.title() or "User", "full_name": user.replace(".", " ").title(),
                "language": "lang.en", "uid": f"uid-{FIRST_USER}", "phone1": "",
            }),
            id=FIRST_USER,
        )  # fmt: skip
        seed_settings(store, _stamped({}))
        for kind, name in _ROOTS if roots else ():
            store.insert(kind, _stamped({"name": name}))
        if roots:
            store.insert("report_configuration", _stamped(_REPORT))


def _seed_lists(store: Store) -> None:
    for root, nodes in store.schema.list_nodes.items():
        store.insert(
            "list_node",
            _stamped({"name": label(root), "logical_name": root, "index": 0}),
            id=root,
        )
        parent = {"type": "list_node", "id": root}
        store.insert_many(
            "list_node",
            [
                _stamped({"name": node_label(node), "logical_name": node, "list_root": parent,
                          "index": index})
                for index, node in enumerate(nodes)
            ],
            ids=nodes,
        )  # fmt: skip


def _seed_phases(store: Store) -> None:
    orders: dict[str, int] = {}
    for root, phases in store.schema.phases.items():
        entity = root.split(".")[1]
        ordered = sorted(phases, key=lambda name: _PHASE_ORDER.index(name.rsplit(".", 1)[-1]))
        start = next((p for p in ordered if p.rsplit(".", 1)[-1] in _START), ordered[0])
        for index, phase in enumerate(ordered):
            group, metaphase = metaphase_of(phase)
            if metaphase not in orders:
                orders[metaphase] = sum(name.startswith(f"metaphase.{group}.") for name in orders)
                store.insert(
                    "metaphase",
                    _stamped({"name": label(metaphase), "logical_name": metaphase,
                              "entity": group, "is_system": True, "is_hidden": False,
                              "order": orders[metaphase]}),
                    id=metaphase,
                )  # fmt: skip
            store.insert(
                "phase",
                _stamped({
                    "name": label(phase), "logical_name": phase, "entity": entity,
                    "index": index, "is_start_phase": phase == start, "is_system": True,
                    "is_hidden": False, "color_hex": "#00a982",
                    "metaphase": {"type": "metaphase", "id": metaphase},
                }),
                id=phase,
            )  # fmt: skip
        store.insert_many(
            "transition",
            [
                _stamped(
                    {
                        "entity": entity,
                        "is_system": True,
                        "is_primary": primary,
                        "source_phase": {"type": "phase", "id": source},
                        "target_phase": {"type": "phase", "id": target},
                    }
                )
                for source, target, primary in transitions_of(ordered)
            ],
        )
