"""Rounds of letters: nothing is told twice, whatever fails, is killed or runs at once."""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octane_flows.changes import ChangeList
from octane_flows.config import LetterPlaces, load_letter_places
from octane_flows.errors import LakeError, OctaneFlowsError, UsageError
from octane_flows.lake import Lake
from octane_flows.letters import (
    SentLetters,
    letter_round,
)
from tests.letter_servers import Sink
from tests.unit.test_changes import change, listed


class Round:
    """Rounds of letters over given changes and events, at given moments."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.changes: ChangeList | None = listed(change())
        self.lines: list[str] = []

        def changes(*arguments: Any) -> ChangeList | None:
            state = arguments[-1]
            if state is None or self.changes is None or state.until != self.changes.until:
                return self.changes
            return None

        monkeypatch.setattr(letter_round, "_changes", changes)
        connect = "octane_flows.letters.letter_round.warehouse.connect"
        monkeypatch.setattr(connect, lambda _: _Nothing())

    def tell(self, places: LetterPlaces, **more: Any) -> list[Any]:
        return letter_round.tell_all(
            self.home, Lake(self.home), places, "UTC", say=self.lines.append, **more
        )


class _Nothing:
    def __enter__(self) -> None:
        """A connection that no rule asks."""

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def test_nothing_new_no_letter_and_nothing_twice(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})

    rounds.tell(places, dry_run=True)
    assert sink.bodies == []
    assert rounds.tell(places)[0].error is None
    assert len(sink.bodies) == 1
    assert SentLetters.of(tmp_path).places["webhook"].until == dt.datetime(2021, 1, 20, 21)
    rounds.changes = None  # the warehouse is that of the last letter
    assert rounds.tell(places) == []
    rounds.changes = replace(listed(change("still_failing")), until=dt.datetime(2021, 1, 21, 21))
    assert rounds.tell(places) == []
    assert len(sink.bodies) == 1
    assert SentLetters.of(tmp_path).places["webhook"].until == dt.datetime(2021, 1, 21, 21)


def test_a_letter_that_failed_is_not_noted_and_the_other_places_are_told(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    sink.statuses = [404]
    both = {"OCTANE_SLACK_WEBHOOK": address, "OCTANE_WEBHOOK": address}

    results = rounds.tell(load_letter_places(both))

    assert [(result.place, result.error is None) for result in results] == [
        ("slack", False),
        ("webhook", True),
    ]
    assert list(SentLetters.of(tmp_path).places) == ["webhook"]


def test_a_killed_letter_is_not_sent_twice_and_is_told(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SentLetters, "note", killed)
        with pytest.raises(KeyboardInterrupt):
            rounds.tell(places)
    assert len(sink.bodies) == 1

    rounds.tell(places, dry_run=True)
    for _ in range(2):
        assert rounds.tell(places) == []

    assert len(sink.bodies) == 2
    assert sink.bodies[1]["subject"] == "Octane: the letter before may not have arrived"
    asked = "changes --since 2021-01-19T21:00:00 --until 2021-01-20T21:00:00"
    assert asked in sink.bodies[1]["text"]
    assert any(asked in line for line in rounds.lines)


def test_an_attempt_that_failed_leaves_no_trace(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    sink.statuses = [404]

    results = rounds.tell(load_letter_places({"OCTANE_WEBHOOK": address}))

    assert results[0].error is not None
    assert json.loads((tmp_path / "letters.json").read_text()) == {}


def test_two_letters_at_once_are_one(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})
    sink.may_answer.clear()
    tellers = [threading.Thread(target=rounds.tell, args=(places,)) for _ in range(2)]
    for teller in tellers:
        teller.start()
    assert sink.has_begun.wait(600)
    with monkeypatch.context() as patch:
        patch.setattr(letter_round, "LOCK_WAIT_S", 0.1)
        with pytest.raises(OctaneFlowsError, match="Another letter is being sent"):
            rounds.tell(places)
    sink.may_answer.set()
    for teller in tellers:
        teller.join()

    assert len(sink.bodies) == 1
    assert any("nothing is newer" in line for line in rounds.lines)


def test_off_until_set_up_and_a_damaged_note_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="no place is set"):
        rounds.tell(load_letter_places({}))
    (tmp_path / "letters.json").write_text("[]")
    with pytest.raises(LakeError, match="is damaged"):
        SentLetters.of(tmp_path)
