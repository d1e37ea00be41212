"""Imports go one way; the rule is read from the code itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "octane_flows"

#: Part -> the parts of ours that it may import. Everything may import `errors`, but the simulator.
ALLOWED = {
    "errors": set(),
    "config": set(),
    "console": set(),
    "octane": {"config"},
    "lake": {"config"},
    "extract": {"octane", "lake", "config"},
    "warehouse": {"lake", "config"},
    "flows": {"warehouse", "lake"},
    "flows.rest": set(),
    "flows.parity": {"warehouse", "octane", "flows"},
    "actions": {"config", "octane", "warehouse", "flows"},
    "reports": {"warehouse", "flows"},
    "spark": {"lake", "warehouse"},
    "export": {"config", "lake", "warehouse"},
    "simulator": set(),
    # On top: they join the parts for people.
    "refresh": {"config", "lake", "octane", "extract", "warehouse", "reports"},
    "answers": {"console", "warehouse", "flows"},
    "status": {"warehouse", "lake"},
    "doctor": {"config", "octane", "extract", "lake"},
    "demo": {
        "config", "octane", "warehouse", "flows", "reports", "refresh", "answers", "simulator",
    },
    "cli": {
        "config", "console", "lake", "warehouse", "flows", "reports", "refresh", "answers",
        "status", "doctor", "demo", "simulator", "flows.parity", "octane", "actions", "spark",
        "export",
    },
    "__main__": {"cli"},
    "api": {"config", "lake", "warehouse", "flows"},
    "__init__": {"api"},
}  # fmt: skip


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found.add(module)
            if module == "octane_flows":
                found |= {f"octane_flows.{alias.name}" for alias in node.names}
    return found


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    if relative.parts[0] == "flows" and relative.parts[1] in ("parity", "rest"):
        return f"flows.{relative.parts[1]}"
    return relative.parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_part_may(path: Path) -> None:
    part = part_of(path)
    allowed = ALLOWED[part] | {part, part.split(".")[0]}
    if part != "simulator":
        allowed |= {"errors"}
    for name in imported(path):
        if not name.startswith("octane_flows.") or name == "octane_flows.__version__":
            continue
        target = name.removeprefix("octane_flows.").split(".")[0]
        if name.startswith("octane_flows.flows.parity"):
            target = "flows.parity"
        assert target in allowed, f"{part} may not import {name}"


def test_only_the_transport_imports_httpx() -> None:
    users = [path for path in FILES if any(n.split(".")[0] == "httpx" for n in imported(path))]

    assert users == [PACKAGE / "octane" / "transport.py"]


def test_dagster_stays_in_pipelines() -> None:
    users = [path for path in FILES if any(n.split(".")[0] == "dagster" for n in imported(path))]

    assert users == []
