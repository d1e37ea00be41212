"""Imports go one way; the rule is read from the code itself."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "octane_flows"
SIMULATOR = ROOT / "src" / "octane_simulator"

#: Part -> the parts of ours that it may import. All may import those of `FOR_ALL`.
FOR_ALL = {"errors", "portable_files", "disk_remedies"}
ALLOWED = {
    "errors": set(),
    "portable_files": set(),
    "disk_remedies": set(),
    "config": set(),
    "console": set(),
    "client": {"config"},
    "lake": {"config"},
    "extract": {"client", "lake", "config"},
    "models": set(),
    "warehouse": {"lake", "config", "models"},
    "questions": {"console", "warehouse", "models", "lake"},
    "er_diagrams": {"models", "questions"},
    "parity": {"warehouse", "client", "questions", "models"},
    "results": set(),
    "actions": {"config", "client", "warehouse", "questions", "models", "results"},
    "agents": {"actions", "config", "failure_report", "lake", "models", "questions", "warehouse"},
    "catalog": {"questions"},
    "changes": {"config", "console", "lake", "warehouse", "questions"},
    "gate": {"config", "warehouse", "questions"},
    "letters": {"config", "console", "lake", "warehouse", "changes", "gate"},
    "quarantine": {"config", "questions", "warehouse"},
    "serve": {"config", "console", "failure_report", "models", "warehouse", "questions"},
    "reports": {
        "config", "warehouse", "questions", "changes", "gate", "parity", "models", "er_diagrams",
    },
    "spark": {"lake", "warehouse", "models"},
    "export": {"config", "lake", "warehouse", "models", "questions"},
    # On top: they join the parts for people.
    "refresh": {"config", "lake", "client", "extract", "warehouse", "reports"},
    "status": {"config", "console", "warehouse", "lake"},
    "doctor": {"config", "client", "extract", "lake"},
    "shipped_files": set(),
    "dagster_pages": {"config"},
    "demo_run": {
        "config", "client", "dagster_pages", "warehouse", "questions", "reports", "refresh",
        "octane_simulator",
    },
    "failure_report": set(),
    "cli": {
        "agents", "catalog", "config", "console", "failure_report", "lake", "models", "warehouse",
        "questions",
        "reports", "refresh", "status", "doctor", "demo_run", "dagster_pages",
        "shipped_files", "parity", "client", "extract", "actions", "results", "changes", "gate",
        "letters", "serve",
        "quarantine", "spark", "export", "er_diagrams", "octane_simulator",
    },
    "__main__": {"cli"},
    "api": {"config", "lake", "models", "warehouse", "questions", "er_diagrams", "reports"},
    "__init__": {"api"},
}  # fmt: skip


#: The simulator's own parts -> the parts of it that they may import, from the ground up.
SIMULATOR_ALLOWED = {
    "model": set(),
    "store": {"model"},
    "faults": {"model", "store"},
    "query": {"model", "store", "faults"},
    "rules": {"model", "store"},
    "results": {"model", "store", "rules"},
    "datasets": {"store"},
    "simulated_workspace": {"model", "store", "faults", "query", "rules"},
    "simulated_space": {"model", "store", "faults", "rules", "simulated_workspace"},
    "http": {
        "model", "store", "faults", "query", "rules", "results", "datasets",
        "simulated_workspace", "simulated_space",
    },
    "local_feeder": {"results", "simulated_space", "http"},
    "server_faults": {"store", "faults", "query", "simulated_space", "http"},
    "simulator": {
        "store", "faults", "datasets", "simulated_space", "http", "local_feeder", "server_faults",
    },
    "running_simulator": {"http", "simulator"},
    "simulator_command": {"datasets", "faults", "simulator", "running_simulator"},
    "__init__": {"faults", "local_feeder", "simulator", "running_simulator"},
}  # fmt: skip


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names.add(module)
            if module in {"octane_flows", "octane_simulator"}:
                names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = ALLOWED[part] | {part, *FOR_ALL}
    for name in imported(path):
        if name == "octane_flows.__version__":
            continue
        top, _, rest = name.partition(".")
        if top == "octane_simulator":
            assert top in allowed, f"{part} may not import {name}"
        elif top == "octane_flows" and rest:
            assert rest.split(".")[0] in allowed, f"{part} may not import {name}"
        assert top != "dagster_octane", f"{part} may not import {name}"


SIMULATOR_FILES = sorted(SIMULATOR.rglob("*.py"))


@pytest.mark.parametrize("path", SIMULATOR_FILES, ids=lambda path: str(path.relative_to(SIMULATOR)))
def test_a_module_of_the_simulator_imports_only_what_its_part_may(path: Path) -> None:
    part = path.relative_to(SIMULATOR).parts[0].removesuffix(".py")
    names = [name.split(".") for name in imported(path)]
    parts = {name[1] for name in names if name[0] == "octane_simulator" and len(name) > 1}

    assert parts - {part} <= SIMULATOR_ALLOWED[part]


@pytest.mark.parametrize("path", SIMULATOR_FILES, ids=lambda path: str(path.relative_to(SIMULATOR)))
def test_the_simulator_imports_nothing_of_the_client(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] == "octane_flows"}


def test_only_the_transport_and_its_helpers_import_httpx() -> None:
    libraries = {"httpx", "httpcore"}
    users = [path for path in FILES if libraries & {n.split(".")[0] for n in imported(path)}]

    assert [path.relative_to(PACKAGE / "client").stem for path in users] == [
        "bounded_network",
        "transport",
        "transport_faults",
    ]


def test_dagster_stays_in_pipelines() -> None:
    users = [path for path in FILES if any(n.split(".")[0] == "dagster" for n in imported(path))]

    assert users == []


def test_the_name_of_each_module_is_unique() -> None:
    """A name says where to look, so there is one place for each."""
    modules = [*(ROOT / "src").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    names = Counter(path.name for path in modules if not path.name.startswith("__"))

    assert len(names) > 300
    assert [name for name, count in names.items() if count > 1] == []
