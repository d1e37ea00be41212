"""The envelope of a page of rows.

In: JSON texts of rows and the number of all matches. Out: the JSON text of the answer. Made by the
reader and the routes; faults may change it before it is sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Page"]


@dataclass
class Page:
    """JSON objects of the rows of one page, and the number of all matches."""

    rows: list[str]
    total_count: int
    exceeds: bool = False
    errors: list[dict[str, Any]] = field(default_factory=list)

    def text(self) -> str:
        """The envelope as JSON text."""
        exceeds = "true" if self.exceeds else "false"
        errors = f',"errors":{json.dumps(self.errors)}' if self.errors else ""
        return (
            f'{{"total_count":{self.total_count},"data":[{",".join(self.rows)}],'
            f'"exceeds_total_count":{exceeds}{errors}}}'
        )
