"""The generated parts of the README: `python -m tests.generated_docs --write` refreshes them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from octane_flows.flows.markdown import flow_table

README = Path(__file__).resolve().parents[1] / "README.md"
PART = re.compile(r"(<!-- generated: flows -->\n).*?(<!-- end of generated: flows -->)", re.DOTALL)


def fresh_readme() -> str:
    """The README with its generated parts as they should be."""
    text = README.read_text(encoding="utf-8")
    return PART.sub(lambda part: f"{part[1]}{flow_table().strip()}\n{part[2]}", text)


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(fresh_readme(), encoding="utf-8")
    elif fresh_readme() != README.read_text(encoding="utf-8"):
        sys.exit("README.md is stale; run: make docs")
