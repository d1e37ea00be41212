"""Sending a letter to one place: SMTP with TLS and login, or a webhook; repeated where it may help.

A `Letter` and a place in; what is wrong although it was taken out, or a `ServerError` without any
secret. `letter_round` and the sensors call it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from octane_flows.config import LetterPlaces, Secret
from octane_flows.errors import ServerError, UsageError
from octane_flows.letters.delivery import TemporaryError
from octane_flows.letters.mail_delivery import MailDelivery
from octane_flows.letters.webhook_delivery import post_letter

ATTEMPTS: Final = 3
WAITS_S: Final = (2.0, 10.0)  # a mail server that restarts is back by then
LONGEST_WAIT_S: Final = 120.0  # who asks for more is told by the next letter


@dataclass(frozen=True)
class Letter:
    """A letter in the form of each place; those of webhooks are JSON."""

    subject: str
    mail: EmailMessage
    teams: str
    slack: str
    webhook: str


@dataclass(frozen=True)
class Sent:
    """What became of a letter for one place: sent, or the error."""

    place: str
    error: str | None


def send_letters(
    letter: Letter,
    places: LetterPlaces,
    place: str,
    *,
    wait: Callable[[float], None] = time.sleep,
    mark: Callable[[bool], None] = lambda is_sending: None,
) -> str | None:
    """Send to one of the places, again where that may help.

    Returns a sentence about recipients who did not get it although others did. `mark` is called
    with True before the server may take the letter, and with False when it did not. Raises
    ServerError when nobody got it.
    """
    deliver = _delivery(letter, places, place)
    for attempt in range(ATTEMPTS):
        try:
            return deliver(mark)
        except TemporaryError as error:
            mark(False)
            wait_s = max(WAITS_S[min(attempt, len(WAITS_S) - 1)], error.wait_s)
            if attempt == ATTEMPTS - 1 or wait_s > LONGEST_WAIT_S:
                if error.complaint is not None:
                    return error.complaint
                count = "1 attempt" if attempt == 0 else f"{attempt + 1} attempts"
                raise ServerError(
                    f"The letter could not be sent to {place} in {count} ({error}); the next "
                    "letter tells of the same changes. Check that the server is up."
                ) from None
        except ServerError:
            mark(False)
            raise
        wait(wait_s)
    raise AssertionError("the last attempt returns or raises")


def _delivery(
    letter: Letter, places: LetterPlaces, place: str
) -> Callable[[Callable[[bool], None]], str | None]:
    """One attempt, as a function; what it delivered already is not sent again."""
    try:
        cafile = str(places.ca_file) if places.ca_file is not None else None
        context = ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise UsageError(
            f"OCTANE_CA_FILE {places.ca_file} cannot be read as certificates "
            f"({getattr(error, 'reason', None) or error.strerror}); give a PEM file with the "
            "company's certificates."
        ) from None
    if place == "mail":
        assert places.mail is not None
        return MailDelivery(letter.mail, places.mail, context).attempt
    addresses: dict[str, tuple[Secret | None, str]] = {
        "teams": (places.teams, letter.teams),
        "slack": (places.slack, letter.slack),
        "webhook": (places.webhook, letter.webhook),
    }
    address, body = addresses[place]
    assert address is not None
    return lambda mark: post_letter(place, address, body, context, places.proxy, mark)
