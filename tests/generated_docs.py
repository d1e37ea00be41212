"""The generated parts of the README: `python -m tests.generated_docs --write` refreshes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from octane_flows.flows.markdown import flow_table, metric_table

README = Path(__file__).resolve().parents[1] / "README.md"
PARTS: dict[str, Callable[[], str]] = {"flows": flow_table, "metrics": metric_table}


def fresh_readme() -> str:
    """The README with its generated parts as they should be."""
    text = README.read_text(encoding="utf-8")
    for name, table in PARTS.items():
        begin, end = f"<!-- generated: {name} -->\n", f"<!-- end of generated: {name} -->"
        part = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text, found = part.subn(f"{begin}{table()}{end}".replace("\\", r"\\"), text)
        assert found == 1, f"README.md has {found} generated parts named {name}"
    return text


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(fresh_readme(), encoding="utf-8")
    elif fresh_readme() != README.read_text(encoding="utf-8"):
        sys.exit("README.md is stale; run: make docs")
