"""Which letters were sent, and which rules held then: the file `<home>/letters.json`.

The data folder in; until when each place was told, so that nothing is told twice, and which letter
was on its way when a process was killed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from octane_flows.errors import LakeError
from octane_flows.warehouse.file_replacement import replace_file

FILE: Final = "letters.json"


@dataclass(frozen=True)
class OnItsWay:
    """A letter that a server may have taken: the moments (UTC) it is about, and the rules then."""

    since: datetime
    until: datetime
    rules: dict[str, bool]


@dataclass
class PlaceState:
    """Until which moment (UTC) a place was told, None: never; and which rules held then."""

    until: datetime | None
    rules: dict[str, bool] = field(default_factory=dict)
    on_its_way: OnItsWay | None = None


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
            places = {str(name): _state(place) for name, place in content.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                f"{path} is damaged, so it is not known what was sent already; delete it, and the "
                "next letter tells of the last 24 hours."
            ) from error
        return cls(path, places)

    @property
    def moments(self) -> set[datetime]:
        """The moments (UTC) with which letters to come begin."""
        states = self.places.values()
        letters = [state.on_its_way.until for state in states if state.on_its_way is not None]
        return {*(state.until for state in states if state.until is not None), *letters}

    def note(self, place: str, until: datetime, rules: dict[str, bool]) -> None:
        """Note that a place was told until a moment."""
        self.places[place] = PlaceState(until, rules)
        self._write()

    def mark(self, place: str, letter: OnItsWay | None) -> None:
        """Note that a letter is on its way, or that it is not."""
        state = self.places.setdefault(place, PlaceState(None))
        state.on_its_way = letter
        if state == PlaceState(None):
            del self.places[place]
        self._write()

    def _write(self) -> None:
        content = {name: _json(state) for name, state in self.places.items()}
        replace_file(self.path, json.dumps(content, indent=1).encode())


def _state(place: dict[str, Any]) -> PlaceState:
    until, letter = place["until"], place.get("on_its_way")
    return PlaceState(
        datetime.fromisoformat(until) if until is not None else None,
        _rules(place["rules"]),
        OnItsWay(
            datetime.fromisoformat(letter["since"]),
            datetime.fromisoformat(letter["until"]),
            _rules(letter["rules"]),
        )
        if letter is not None
        else None,
    )


def _rules(rules: dict[str, Any]) -> dict[str, bool]:
    return {str(rule): bool(holds) for rule, holds in rules.items()}


def _json(state: PlaceState) -> dict[str, Any]:
    content: dict[str, Any] = {
        "until": state.until.isoformat() if state.until is not None else None,
        "rules": state.rules,
    }
    if (letter := state.on_its_way) is not None:
        content["on_its_way"] = {
            "since": letter.since.isoformat(),
            "until": letter.until.isoformat(),
            "rules": letter.rules,
        }
    return content
