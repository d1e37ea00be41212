"""The generated documents: `python -m tests.generated_docs --write` refreshes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.pages.agent_prompts import prompt_parts
from tests.pages.api_stub import STUB, fresh_stub
from tests.pages.commands import commands_page
from tests.pages.duckdb_clients import clients_sentence
from tests.pages.er import er_page, pictures
from tests.pages.flows import flow_pages
from tests.pages.layout import layout_table
from tests.pages.listed_calls import client_parts
from tests.pages.metrics import metrics_page
from tests.pages.operations import OPERATIONS_PARTS, growth_plot
from tests.pages.plans import plan_parts
from tests.pages.readme import flow_table, metric_table
from tests.pages.settings import settings_page
from tests.pages.spark import spark_page
from tests.pages.tables import tables_page

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DOCS = ROOT / "docs"
SIMULATOR = ROOT / "src" / "octane_simulator" / "README.md"
OPERATIONS = DOCS / "operations.md"
WRITING_BACK = DOCS / "writing-back.md"
AGENTS = DOCS / "agents.md"


def fresh_documents() -> dict[Path, str]:
    """Every document that is generated, wholly or in parts, as it should be."""
    readme_parts = {"flows": flow_table, "metrics": metric_table, "clients": clients_sentence}
    return {
        README: fresh_parts(README, readme_parts),
        CONTRIBUTING: fresh_parts(CONTRIBUTING, {"layout": layout_table}),
        SIMULATOR: fresh_parts(SIMULATOR, {"calls": client_parts}),
        OPERATIONS: fresh_parts(OPERATIONS, OPERATIONS_PARTS),
        WRITING_BACK: fresh_parts(WRITING_BACK, {"plans": plan_parts}),
        AGENTS: fresh_parts(AGENTS, {"prompts": prompt_parts}),
        DOCS / "scale.svg": growth_plot(),
        DOCS / "flows.md": flow_pages(),
        DOCS / "metrics.md": metrics_page(),
        DOCS / "tables.md": tables_page(),
        DOCS / "er.md": er_page(),
        **{DOCS / "er" / name: picture for name, picture in pictures().items()},
        DOCS / "settings.md": settings_page(),
        DOCS / "commands.md": commands_page(),
        DOCS / "spark.md": spark_page(),
        STUB: fresh_stub(),
    }


def fresh_parts(path: Path, parts: dict[str, Callable[[], str]]) -> str:
    """A document with its generated parts as they should be."""
    text = path.read_text(encoding="utf-8")
    for name, table in parts.items():
        first, end = f"<!-- generated: {name} -->\n", f"<!-- end of generated: {name} -->"
        part = re.compile(f"{re.escape(first)}.*?{re.escape(end)}", re.DOTALL)
        text, count = part.subn(f"{first}{table()}{end}".replace("\\", r"\\"), text)
        assert count == 1, f"{path.name} has {count} generated parts named {name}"
    return text


def stale_documents() -> list[str]:
    """Names of documents that differ from what they should be."""
    return [
        str(path.relative_to(ROOT))
        for path, text in fresh_documents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "--write" in sys.argv:
        for path, text in fresh_documents().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    elif stale_documents():
        sys.exit(f"{', '.join(stale_documents())} is stale; run: make docs")
