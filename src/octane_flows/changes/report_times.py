"""When reports were written: the file `<home>/reports.json`, for changes since the last report.

The data folder and a moment in; the report's writer notes, `since_choice` reads.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from octane_flows.warehouse.file_replacement import replace_file

FILE: Final = "reports.json"
MOST: Final = 100  # moments that are kept: of a report each hour, those of four days


def note_report(home: Path, as_of: datetime) -> None:
    """Note that a report tells the state of a moment (UTC)."""
    moments = {*report_moments(home), as_of.replace(tzinfo=None)}
    texts = [moment.isoformat() for moment in sorted(moments)[-MOST:]]
    replace_file(home / FILE, json.dumps({"as_of": texts}, indent=1).encode())


def report_moments(home: Path) -> list[datetime]:
    """The moments (UTC) that reports told of, oldest first; a damaged file counts as none."""
    try:
        content = json.loads((home / FILE).read_text(encoding="utf-8"))
        return sorted(datetime.fromisoformat(text) for text in content["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
