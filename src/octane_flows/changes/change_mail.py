"""A list of changes as a mail message: text, and the same as a page.

A `ChangeList` and addresses in, an `EmailMessage` out; the command `changes` writes it as a file,
letters send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from octane_flows.changes.change_list import ChangeList, total
from octane_flows.changes.change_page import as_page
from octane_flows.changes.change_texts import as_text

DEFAULT_SENDER = "octane-flows@localhost"


def as_mail(
    changes: ChangeList,
    *,
    sender: str = DEFAULT_SENDER,
    recipients: Sequence[str] = (),
    subject: str | None = None,
    notes: Sequence[str] = (),
) -> EmailMessage:
    """The message; its date is the moment that the list ends at, its notes stand first."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject or subject_of(changes)
    message["From"] = sender
    if recipients:
        message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(changes.until.replace(tzinfo=UTC))
    text = as_text(changes, notes=notes)
    message["Message-ID"] = message_id(sender, *recipients, message["Subject"], text)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content(text)
    message.add_alternative(as_page(changes, notes=notes), subtype="html")
    return message


def message_id(sender: str, *parts: str) -> str:
    """The id of a message: the same content has the same, so that servers know it again."""
    digest = sha256("\n".join((sender, *parts)).encode()).hexdigest()
    return f"<{digest[:32]}@{sender.rpartition('@')[2]}>"


def subject_of(changes: ChangeList) -> str:
    """The subject: the numbers that matter most."""
    parts = [
        f"{total(group):,} {words}"
        for group in changes.groups
        if (words := _SHORT.get(group.code)) is not None
    ]
    return f"Octane: {', '.join(parts) or 'no news'} since {changes.since_text}"


_SHORT = {
    "newly_failing": "newly failing",
    "defect_new": "new defects",
    "defect_reopened": "reopened",
    "defect_overdue": "overdue",
    "repaired": "repaired",
    "defect_closed": "closed",
}
