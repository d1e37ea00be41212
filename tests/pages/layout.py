"""CONTRIBUTING's table of folders and modules, made of the first line of each one's docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.pages.markdown import table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "octane_flows"
#: In the order in which a record passes them; what joins them for people comes last.
ORDER = (
    "config", "errors", "disk_remedies", "portable_files",
    "client", "extract", "lake", "models", "warehouse", "questions", "parity",
    "er_diagrams", "results", "actions", "changes", "gate", "letters", "quarantine", "serve",
    "reports",
    "spark", "export", "refresh", "doctor", "status", "console", "failure_report", "api",
    "agents", "catalog", "cli",
    "dagster_pages",
    "shipped_files", "demo_run",
)  # fmt: skip


def layout_table() -> str:
    """One row for each folder and module of the packages, those below a folder after it."""
    parts = {path.stem: path for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    parts |= {path.parent.name: path for path in PACKAGE.glob("*/__init__.py")}
    assert set(parts) == set(ORDER), f"name it in {__name__}.ORDER: {set(parts) ^ set(ORDER)}"
    rows = []
    for name in ORDER:
        rows.append((f"`octane_flows.{name}`", first_line(parts[name])))
        rows += folders_below(f"octane_flows.{name}", PACKAGE / name)
    dagster, simulator = ROOT / "pipelines" / "dagster_octane", ROOT / "src" / "octane_simulator"
    rows.append(("`dagster_octane`", first_line(dagster / "__init__.py")))
    for path in sorted(dagster.glob("[!_]*.py")):
        rows.append((f"`dagster_octane.{path.stem}`", first_line(path)))
    rows.append(("`octane_simulator`", first_line(simulator / "__init__.py")))
    rows += folders_below("octane_simulator", simulator)
    return "\n".join(table(("where", "what"), rows)) + "\n"


def folders_below(package: str, folder: Path) -> list[tuple[str, str]]:
    """One row for each package directly below a package."""
    return [
        (f"`{package}.{path.parent.name}`", first_line(path))
        for path in sorted(folder.glob("*/__init__.py"))
    ]


def first_line(path: Path) -> str:
    """The first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0].rstrip(".")
