"""Sending a letter to one place: SMTP with TLS and login, or a webhook; repeated where it may help.

A `Letter` and a place in; nothing out, or a `ServerError` without any secret.
"""

from __future__ import annotations

import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from typing import Final

from octane_flows.config import LetterPlaces, MailPlace, Secret
from octane_flows.errors import ServerError

ATTEMPTS: Final = 3
WAITS_S: Final = (2.0, 10.0)  # a mail server that restarts is back by then
TIMEOUT_S: Final = 30.0
REPEATABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


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


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the letter to a place that nobody has set."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""
        return


def send_letters(
    letter: Letter, places: LetterPlaces, place: str, *, wait: Callable[[float], None] = time.sleep
) -> None:
    """Send to one of the places, again where that may help. Raises ServerError."""
    for attempt in range(ATTEMPTS):
        try:
            _send(letter, places, place)
            return
        except _TemporaryError as error:
            if attempt == ATTEMPTS - 1:
                raise ServerError(
                    f"The letter could not be sent to {place} in {ATTEMPTS} attempts ({error}); "
                    "the next letter tells of the same changes. Check that the server is up."
                ) from None
        wait(WAITS_S[attempt])


class _TemporaryError(Exception):
    """What another attempt may cure; the text has no secret."""


def _send(letter: Letter, places: LetterPlaces, place: str) -> None:
    context = ssl.create_default_context(cafile=_text(places.ca_file))
    if place == "mail":
        assert places.mail is not None
        _send_mail(letter.mail, places.mail, context)
        return
    addresses: dict[str, tuple[Secret | None, str]] = {
        "teams": (places.teams, letter.teams),
        "slack": (places.slack, letter.slack),
        "webhook": (places.webhook, letter.webhook),
    }
    address, body = addresses[place]
    assert address is not None
    _post(place, address, body, context)


def _send_mail(mail: EmailMessage, place: MailPlace, context: ssl.SSLContext) -> None:
    server = f"{place.host}:{place.port}"
    try:
        if place.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                place.host, place.port, timeout=TIMEOUT_S, context=context
            )
        else:
            connection = smtplib.SMTP(place.host, place.port, timeout=TIMEOUT_S)
        with connection:
            if place.security == "starttls":
                connection.starttls(context=context)
            if place.user is not None and place.password is not None:
                connection.login(place.user, place.password.reveal())
            refused = connection.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise ServerError(
            f"The mail server {server} did not accept the login (code {error.smtp_code}); check "
            "OCTANE_SMTP_USER and OCTANE_SMTP_PASSWORD."
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if any(code < 500 for code in codes):
            raise _TemporaryError(f"{server} asks to try later: {codes}") from None
        raise ServerError(
            f"The mail server {server} refuses the recipients ({', '.join(error.recipients)}); "
            "check OCTANE_LETTER_TO."
        ) from None
    except smtplib.SMTPResponseException as error:
        if 400 <= error.smtp_code < 500:
            raise _TemporaryError(f"{server} answered {error.smtp_code}") from None
        raise ServerError(
            f"The mail server {server} refused the letter (code {error.smtp_code}); check "
            "OCTANE_LETTER_FROM and the rights of the login."
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise ServerError(
            f"The mail server {server} does not offer what the settings ask for; check "
            "OCTANE_SMTP_SECURITY and the login."
        ) from None
    except ssl.SSLError as error:
        raise ServerError(
            f"No safe connection to the mail server {server} ({error.reason}); check "
            "OCTANE_SMTP_SECURITY, and OCTANE_CA_FILE for your company's certificates."
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise _TemporaryError(f"{server}: {type(error).__name__}") from None
    if refused:
        raise ServerError(
            f"The mail server {server} refused some recipients ({', '.join(refused)}); the others "
            "have the letter. Correct OCTANE_LETTER_TO."
        )


def _post(place: str, address: Secret, body: str, context: ssl.SSLContext) -> None:
    request = urllib.request.Request(
        address.reveal(),
        data=body.encode(),
        headers={"Content-Type": "application/json", "User-Agent": "octane-flows"},
        method="POST",
    )
    opener = urllib.request.build_opener(
        _NoRedirects(), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in REPEATABLE:
            raise _TemporaryError(f"it answered {error.code}") from None
        raise ServerError(
            f"The webhook of {place} refused the letter (status {error.code}); make a new one and "
            "set its address."
        ) from None
    except (urllib.error.URLError, HTTPException, OSError) as error:
        raise _TemporaryError(f"no answer: {type(error).__name__}") from None


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None
