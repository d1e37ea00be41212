"""CONTRIBUTING's table of folders and modules, made of the first line of each one's docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.pages.markdown import table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "octane_flows"
#: In the order in which a record passes them; what joins them for people comes last.
ORDER = (
    "config", "errors", "client", "extract", "lake", "models", "warehouse", "questions", "parity",
    "results", "actions", "reports", "spark", "export", "refresh", "doctor", "status", "console",
    "api", "cli", "demo_run",
)  # fmt: skip


def layout_table() -> str:
    """One row for each folder and module of the package, then the two packages beside it."""
    parts = {path.stem: path for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    parts |= {path.parent.name: path for path in PACKAGE.glob("*/__init__.py")}
    assert set(parts) == set(ORDER), f"name it in {__name__}.ORDER: {set(parts) ^ set(ORDER)}"
    rows = [(f"`octane_flows.{name}`", first_line(parts[name])) for name in ORDER]
    for name, folder in (("dagster_octane", "pipelines"), ("octane_simulator", "src")):
        rows.append((f"`{name}`", first_line(ROOT / folder / name / "__init__.py")))
    return "\n".join(table(("where", "what"), rows)) + "\n"


def first_line(path: Path) -> str:
    """What a module says of itself first."""
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return told.splitlines()[0].rstrip(".")
