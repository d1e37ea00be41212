"""Which letters were sent, and which rules held then: the file `<home>/letters.json`.

The data folder in; until when each place was told, so that nothing is told twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from octane_flows.errors import LakeError
from octane_flows.warehouse.file_replacement import replace_file

FILE: Final = "letters.json"


@dataclass
class PlaceState:
    """Until which moment (UTC) a place was told, and which rules held then."""

    until: datetime
    rules: dict[str, bool] = field(default_factory=dict)


@dataclass
class SentLetters:
    """The states of all places, read from a file and written back after each letter."""

    path: Path
    places: dict[str, PlaceState]

    @classmethod
    def of(cls, home: Path) -> SentLetters:
        """Read the file; without one nothing was sent. Raises LakeError for a damaged one."""
        path = home / FILE
        if not path.exists():
            return cls(path, {})
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            places = {
                str(name): PlaceState(
                    datetime.fromisoformat(place["until"]),
                    {str(rule): bool(holds) for rule, holds in place["rules"].items()},
                )
                for name, place in content.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                f"{path} is damaged, so it is not known what was sent already; delete it, and the "
                "next letter tells of the last 24 hours."
            ) from error
        return cls(path, places)

    def note(self, place: str, until: datetime, rules: dict[str, bool]) -> None:
        """Note that a place was told until a moment."""
        self.places[place] = PlaceState(until, rules)
        content = {
            name: {"until": state.until.isoformat(), "rules": state.rules}
            for name, state in self.places.items()
        }
        replace_file(self.path, json.dumps(content, indent=1).encode())
