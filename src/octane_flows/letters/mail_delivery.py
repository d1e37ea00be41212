"""Delivering a mail over SMTP, with TLS and login, to recipients who may answer one by one.

A message and a mail server in; a sentence about refused recipients out, `TemporaryError` where
another attempt may help, `ServerError` where it will not.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage

from octane_flows.config import MailPlace
from octane_flows.errors import ServerError
from octane_flows.letters.delivery import TIMEOUT_S, TemporaryError, reason_of


class MailDelivery:
    """One mail to all recipients; who has it is not sent it by a later attempt."""

    def __init__(self, mail: EmailMessage, place: MailPlace, context: ssl.SSLContext) -> None:
        self._mail = mail
        self._place = place
        self._context = context
        self._server = f"{place.host}:{place.port}"
        self._pending = list(place.recipients)
        self._refused: list[str] = []  # for good

    def attempt(self, mark: Callable[[bool], None]) -> str | None:
        """Send once; gives a sentence about those who were refused while others have it."""
        asked = list(self._pending)
        try:
            with self._connected() as connection:
                mark(True)
                answers = connection.send_message(self._mail, to_addrs=asked)
        except smtplib.SMTPRecipientsRefused as error:
            answers = error.recipients
        except smtplib.SMTPException as error:
            raise self._failure(error) from None
        except ssl.SSLError as error:
            raise ServerError(
                f"No safe connection to the mail server {self._server} ({error.reason}); check "
                "OCTANE_SMTP_SECURITY, and OCTANE_CA_FILE for your company's certificates."
            ) from None
        except OSError as error:
            raise TemporaryError(f"{self._server}: {reason_of(error)}") from None
        later = [name for name in asked if name in answers and answers[name][0] < 500]
        self._refused += [name for name in asked if name in answers and name not in later]
        self._pending = later
        got_some = len(later) + len(self._refused) < len(self._place.recipients)
        if later:
            names = ", ".join(later)
            codes = ", ".join(str(answers[name][0]) for name in later)
            text = f"The mail server {self._server} asks to try later for {names} ({codes})"
            raise TemporaryError(
                text,
                complaint=f"{text}; the others have the letter, and these will not get it."
                if got_some
                else None,
            )
        if not self._refused:
            return None
        names = ", ".join(self._refused)
        if got_some:
            return (
                f"The mail server {self._server} refused some recipients ({names}); the others "
                "have the letter. Correct OCTANE_LETTER_TO."
            )
        raise ServerError(
            f"The mail server {self._server} refuses the recipients ({names}); check "
            "OCTANE_LETTER_TO."
        )

    def _connected(self) -> smtplib.SMTP:
        place = self._place
        if place.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                place.host, place.port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            connection = smtplib.SMTP(place.host, place.port, timeout=TIMEOUT_S)
        try:
            if place.security == "starttls":
                connection.starttls(context=self._context)
            if place.user is not None and place.password is not None:
                connection.login(place.user, place.password.reveal())
        except BaseException:
            connection.close()
            raise
        return connection

    def _failure(self, error: smtplib.SMTPException) -> TemporaryError | ServerError:
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return ServerError(
                f"The mail server {self._server} does not offer what the settings ask for; check "
                "OCTANE_SMTP_SECURITY and the login."
            )
        if not isinstance(error, smtplib.SMTPResponseException):
            return TemporaryError(f"{self._server} ended the connection")
        if 400 <= error.smtp_code < 500:
            return TemporaryError(f"{self._server} answered {error.smtp_code}")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return ServerError(
                f"The mail server {self._server} did not accept the login (code "
                f"{error.smtp_code}); check OCTANE_SMTP_USER and OCTANE_SMTP_PASSWORD."
            )
        return ServerError(
            f"The mail server {self._server} refused the letter (code {error.smtp_code}); check "
            "OCTANE_LETTER_FROM and the rights of the login."
        )
