"""A letter: the changes and the events of rules, in the form of each place.

A `ChangeList` and events in, a `Letter` out. Names of the server are escaped for each place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from octane_flows.changes import ChangeList, as_json, as_mail, as_text
from octane_flows.changes.change_mail import message_id, subject_of
from octane_flows.config import LetterPlaces
from octane_flows.console import VISIBLE
from octane_flows.letters.letter_rules import RuleEvent
from octane_flows.letters.send_letters import Letter

LONGEST_CHAT = 20_000  # characters; Teams takes 28 kB and Slack 40,000 characters


def letter_of(
    changes: ChangeList, events: Sequence[RuleEvent], sender: str, recipients: Sequence[str]
) -> Letter:
    """The letter in all forms."""
    subject = " ".join((events[0].text if events else subject_of(changes)).split())
    notes = [event.text for event in events]
    text = as_text(changes, notes=notes)
    mail = as_mail(changes, sender=sender, recipients=recipients, subject=subject, notes=notes)
    short = text if len(text) <= LONGEST_CHAT else f"{text[:LONGEST_CHAT]}\n..."
    content = json.loads(as_json(changes))
    content["rules"] = [
        {"rule": event.rule, "kind": event.kind, "details": event.details} for event in events
    ]
    return Letter(
        subject=subject,
        mail=mail,
        teams=json.dumps(_card(subject, short)),
        slack=json.dumps({"text": _slack(f"{subject}\n{short}")}),
        webhook=json.dumps({"subject": subject, "letter_id": mail["Message-ID"][1:33], **content}),
    )


def notice(subject: str, text: str, places: LetterPlaces) -> Letter:
    """A letter of a sentence or two, about the data and not about changes."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(subject.split())
    if places.mail is not None:
        mail["From"] = places.mail.sender
        mail["To"] = ", ".join(places.mail.recipients)
        mail["Date"] = formatdate()
        mail["Message-ID"] = message_id(places.mail.sender, mail["Date"], subject, text)
        mail["Auto-Submitted"] = "auto-generated"
    safe = text.translate({code: shown for code, shown in VISIBLE.items() if code != ord("\n")})
    short = safe[:LONGEST_CHAT]
    mail.set_content(safe)
    return Letter(
        subject=subject,
        mail=mail,
        teams=json.dumps(_card(subject, short)),
        slack=json.dumps({"text": _slack(f"{subject}\n{short}")}),
        webhook=json.dumps({"subject": subject, "text": safe}),
    )


def _card(subject: str, text: str) -> dict[str, object]:
    """An adaptive card with texts alone, as Teams' workflows take it."""
    blocks = [
        {"type": "TextBlock", "text": _plain(subject), "weight": "bolder", "wrap": True},
        *(
            {"type": "TextBlock", "text": _plain(line), "wrap": True, "spacing": "none"}
            for line in text.splitlines()
            if line.strip()
        ),
    ]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _plain(text: str) -> str:
    """Without what Teams reads as markup."""
    return text.replace("[", "(").replace("]", ")").replace("*", "\u2217")


def _slack(text: str) -> str:
    """Slack's three escapes: no name mentions anybody or becomes a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
