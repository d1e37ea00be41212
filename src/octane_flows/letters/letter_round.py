"""One round of letters: each place that is set is told what it does not know yet.

A data folder, its lake and the places in, what became of each place out; the command `letter` and
the Dagster job call it. Without news there is no letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from octane_flows import warehouse
from octane_flows.changes import ChangeList, KnownStates, changes_of
from octane_flows.config import LetterPlaces
from octane_flows.errors import OctaneFlowsError, ServerError, UsageError
from octane_flows.lake import Lake
from octane_flows.letters.letter_rules import Rule, RuleEvent, judged_rules, read_rules
from octane_flows.letters.send_letters import Sent, send_letters
from octane_flows.letters.sent_letters import OnItsWay, PlaceState, SentLetters
from octane_flows.letters.write_letter import letter_of, notice
from octane_flows.portable_files import LockTakenError, exclusive_lock

LOCK_FILE: Final = ".letters.lock"
LOCK_WAIT_S: Final = 300.0  # a round with three attempts at each place is over by then
SETTINGS_OF_PLACE = {
    "mail": "OCTANE_SMTP_SERVER, OCTANE_LETTER_FROM and OCTANE_LETTER_TO",
    "teams": "OCTANE_TEAMS_WEBHOOK",
    "slack": "OCTANE_SLACK_WEBHOOK",
    "webhook": "OCTANE_WEBHOOK",
}
NOT_SET = (
    "No letter can be sent, because no place is set; set "
    f"{'; or '.join(SETTINGS_OF_PLACE.values())}."
)


def tell_all(
    home: Path,
    lake: Lake,
    places: LetterPlaces,
    time_zone: str,
    chosen: Sequence[str] = (),
    *,
    since: str | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] = print,
) -> list[Sent]:
    """Tell the chosen places, or all that are set. Raises UsageError when none is.

    One process at a time does so in a data folder; the next one finds what was sent.
    """
    names = tuple(dict.fromkeys(chosen)) or places.names
    missing = [name for name in names if name not in places.names]
    if not names:
        raise UsageError(NOT_SET)
    if missing:
        raise UsageError(
            f"No letter can be sent to {missing[0]}, because that place is not set; set "
            f"{SETTINGS_OF_PLACE[missing[0]]}."
        )
    rules = read_rules(places.rules) if places.rules is not None else []
    with nullcontext() if dry_run else _lock(home):
        sent = SentLetters.of(home)
        known = KnownStates(home, is_dry=dry_run)
        current = _Round(home, lake, places, time_zone, rules, sent, known, say, since, dry_run)
        results = [current.tell(name) for name in names]
        if not dry_run:
            known.keep_only(sent.moments)
    return [result for result in results if result is not None]


@dataclass(frozen=True)
class _Round:
    """What all places of a round share."""

    home: Path
    lake: Lake
    places: LetterPlaces
    time_zone: str
    rules: Sequence[Rule]
    sent: SentLetters
    known: KnownStates
    say: Callable[[str], None]
    since: str | None
    is_dry: bool

    def tell(self, name: str) -> Sent | None:
        """Tell a place; None where nothing was sent."""
        state = self.sent.places.get(name)
        if state is not None and state.on_its_way is not None:
            error = self._tell_of_interruption(name, state.on_its_way)
            if error is not None:
                return Sent(name, error)
            state = PlaceState(state.on_its_way.until, state.on_its_way.rules)
        changes = _changes(self.home, self.lake, self.time_zone, self.since, self.known, state)
        if changes is None:
            self.say(f"{name:<12} nothing is newer than the last letter")
            return None
        with warehouse.connect(self.home) as connection:
            before = state.rules if state is not None else {}
            events, holding = judged_rules(connection, self.rules, changes, before)
        if not _is_news(changes, events, has_rules=bool(self.rules)):
            self.say(f"{name:<12} no news, no letter")
            if not self.is_dry:
                self.sent.note(name, changes.until, holding)
            return None
        mail = self.places.mail
        letter = letter_of(
            changes,
            events,
            mail.sender if mail is not None else "octane-flows@localhost",
            mail.recipients if mail is not None else (),
        )
        if self.is_dry:
            self.say(f"{name:<12} would send: {letter.subject}")
            return None
        on_its_way = OnItsWay(changes.since, changes.until, holding)
        try:
            complaint = send_letters(
                letter,
                self.places,
                name,
                mark=lambda is_sending: self.sent.mark(name, on_its_way if is_sending else None),
            )
        except ServerError as error:
            return Sent(name, str(error))
        self.sent.note(name, changes.until, holding)
        self.say(f"{name:<12} sent: {letter.subject}")
        return Sent(name, complaint)

    def _tell_of_interruption(self, name: str, letter: OnItsWay) -> str | None:
        """Say that a letter may not have arrived, in place of sending it twice."""
        moments = f"--since {letter.since.isoformat()} --until {letter.until.isoformat()}"
        text = (
            f"A letter about {letter.since:%Y-%m-%d %H:%M} to {letter.until:%Y-%m-%d %H:%M} (UTC) "
            "was interrupted while it was sent, so it may not have arrived. Its changes: "
            f"octane-flows changes {moments}"
        )
        self.say(f"{name:<12} {text}")
        if self.is_dry:
            return None
        try:
            subject = "Octane: the letter before may not have arrived"
            send_letters(notice(subject, text, self.places), self.places, name)
        except ServerError as error:
            return str(error)
        self.sent.note(name, letter.until, letter.rules)
        return None


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """One round at a time: two at once would both find that nothing was sent yet."""
    path = home / LOCK_FILE
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(path, wait_s=LOCK_WAIT_S))
        except OSError as error:
            raise OctaneFlowsError(
                f"The lock {path} cannot be written ({error.strerror}), so no letter was sent; "
                "free space or correct its rights, and run it again."
            ) from error
        except LockTakenError:
            raise OctaneFlowsError(
                f"Another letter is being sent from {home} for {LOCK_WAIT_S:g} s; wait for its end "
                "and run this again."
            ) from None
        yield


def _changes(
    home: Path,
    lake: Lake,
    time_zone: str,
    since: str | None,
    known: KnownStates,
    state: PlaceState | None,
) -> ChangeList | None:
    """The changes that a place does not know; None when it was told of the newest state."""
    if since is not None:
        return changes_of(home, lake, time_zone, since, known=known)
    if state is None or state.until is None:
        return changes_of(home, lake, time_zone, "yesterday", known=known)
    with warehouse.connect(home) as connection:
        as_of = connection.execute("select as_of from meta.generation").fetchall()[0][0]
    if as_of <= state.until:
        return None
    return changes_of(home, lake, time_zone, state.until.isoformat(), known=known)


def _is_news(changes: ChangeList, events: Sequence[RuleEvent], *, has_rules: bool) -> bool:
    """With rules, their events are the news; without, any change is."""
    return bool(events) if has_rules else changes.has_news
