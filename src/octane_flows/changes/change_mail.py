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
) -> EmailMessage:
    """The message; its date is the moment that the list ends at."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject or subject_of(changes)
    message["From"] = sender
    if recipients:
        message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(changes.until.replace(tzinfo=UTC))
    message.set_content(as_text(changes))
    message.add_alternative(as_page(changes), subtype="html")
    return message


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
