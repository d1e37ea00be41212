"""One round of letters: each place that is set is told what it does not know yet.

A data folder, its lake and the places in, what became of each place out; the command `letter` and
the Dagster job call it. Without news there is no letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from octane_flows import warehouse
from octane_flows.changes import ChangeList, changes_of
from octane_flows.config import LetterPlaces
from octane_flows.errors import ServerError, UsageError
from octane_flows.lake import Lake
from octane_flows.letters.letter_rules import RuleEvent, judged_rules, read_rules
from octane_flows.letters.send_letters import Sent, send_letters
from octane_flows.letters.sent_letters import PlaceState, SentLetters
from octane_flows.letters.write_letter import letter_of

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
    """Tell the chosen places, or all that are set. Raises UsageError when none is."""
    names = tuple(chosen) or places.names
    missing = [name for name in names if name not in places.names]
    if not names:
        raise UsageError(NOT_SET)
    if missing:
        raise UsageError(
            f"No letter can be sent to {missing[0]}, because that place is not set; set "
            f"{SETTINGS_OF_PLACE[missing[0]]}."
        )
    rules = read_rules(places.rules) if places.rules is not None else []
    sent = SentLetters.of(home)
    results = []
    for name in names:
        state = sent.places.get(name)
        changes = _changes(home, lake, time_zone, since, state)
        if changes is None:
            say(f"{name:<12} nothing is newer than the last letter")
            continue
        with warehouse.connect(home) as connection:
            before = state.rules if state is not None else {}
            events, holding = judged_rules(connection, rules, changes, before)
        if not _is_news(changes, events, has_rules=bool(rules)):
            say(f"{name:<12} no news, no letter")
            if not dry_run:
                sent.note(name, changes.until, holding)
            continue
        mail = places.mail
        letter = letter_of(
            changes,
            events,
            mail.sender if mail is not None else "octane-flows@localhost",
            mail.recipients if mail is not None else (),
        )
        if dry_run:
            say(f"{name:<12} would send: {letter.subject}")
            continue
        try:
            send_letters(letter, places, name)
        except ServerError as error:
            results.append(Sent(name, str(error)))
            continue
        sent.note(name, changes.until, holding)
        results.append(Sent(name, None))
        say(f"{name:<12} sent: {letter.subject}")
    return results


def _changes(
    home: Path, lake: Lake, time_zone: str, since: str | None, state: PlaceState | None
) -> ChangeList | None:
    """The changes that a place does not know; None when it was told of the newest state."""
    if since is not None:
        return changes_of(home, lake, time_zone, since)
    if state is None:
        return changes_of(home, lake, time_zone, "yesterday")
    with warehouse.connect(home) as connection:
        as_of = connection.execute("select as_of from meta.generation").fetchall()[0][0]
    if as_of <= state.until:
        return None
    return changes_of(home, lake, time_zone, state.until.isoformat())


def _is_news(changes: ChangeList, events: Sequence[RuleEvent], *, has_rules: bool) -> bool:
    """With rules, their events are the news; without, any change is."""
    return bool(events) if has_rules else changes.has_news
