"""What the generated pages share: tables, and the anchors that a heading gets on the web.

Texts in, Markdown out; the page modules beside this one call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; bars in cells are escaped, line breaks become spaces."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = (" ".join(cell.replace("|", "\\|").split()) for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def anchor(heading: str) -> str:
    """The fragment by which GitHub links to a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")
