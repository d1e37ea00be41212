"""Where letters go: a mail server with recipients, Teams, Slack, a plain webhook.

`OCTANE_*` variables and the TOML file in, a checked `LetterPlaces` out; the command `letter` and
the pipelines call it. Addresses of webhooks are secrets: who has one may post.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.setting_values import ca_file, is_loopback, proxy_address
from octane_flows.errors import UsageError

Security = Literal["starttls", "tls", "none"]
WEBHOOKS: Final = ("teams_webhook", "slack_webhook", "webhook")
ADDRESS: Final = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")


@dataclass(frozen=True)
class MailPlace:
    """A mail server, its login, and who gets mails from whom."""

    host: str
    port: int
    security: Security
    user: str | None
    password: Secret | None
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class LetterPlaces:
    """All places that are set; none: no letter is sent."""

    mail: MailPlace | None
    teams: Secret | None
    slack: Secret | None
    webhook: Secret | None
    rules: Path | None
    ca_file: Path | None
    proxy: Secret | None = None  # for webhooks; its address may have a password

    @property
    def names(self) -> tuple[str, ...]:
        """The places that are set."""
        places = {"mail": self.mail, "teams": self.teams, "slack": self.slack}
        places |= {"webhook": self.webhook}
        return tuple(name for name, place in places.items() if place is not None)


def load_letter_places(environ: Mapping[str, str], config_file: Path | None = None) -> LetterPlaces:
    """Read and check the places. Raises UsageError."""
    texts = SettingTexts.collect(environ, config_file)
    teams, slack, plain = (_webhook(texts, name) for name in WEBHOOKS)
    rules = texts.path("letter_rules")
    proxy = proxy_address(texts)
    return LetterPlaces(
        _mail(texts),
        teams,
        slack,
        plain,
        rules,
        ca_file(texts),
        Secret(proxy) if proxy is not None else None,
    )


def _mail(texts: SettingTexts) -> MailPlace | None:
    server = texts.get("smtp_server")
    if server is None:
        for name in ("smtp_user", "smtp_password", "letter_to", "letter_from"):
            if texts.get(name):
                raise UsageError(
                    f"{texts.label(name)} is set but OCTANE_SMTP_SERVER is not; set it to "
                    "host:port of your mail server."
                )
        return None
    match = re.fullmatch(r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?", server)
    if match is None or not 0 < int(match[2] or 587) < 65536:
        raise UsageError(
            f"{texts.label('smtp_server')} is no mail server; write it as host:port, such as "
            "smtp.example.com:587."
        )
    host = match[1].strip("[]")
    security = (texts.get("smtp_security") or "starttls").lower()
    default_port = 465 if security == "tls" else 587
    if security not in ("starttls", "tls", "none"):
        raise UsageError(f"{texts.label('smtp_security')} must be starttls, tls or none.")
    if security == "none" and not is_loopback(host):
        raise UsageError(
            f"{texts.label('smtp_security')} is none, which would send mails and password to "
            f"{host} unencrypted; write starttls or tls."
        )
    user, password = texts.get("smtp_user"), texts.get("smtp_password")
    if (user is None) != (password is None):
        raise UsageError("OCTANE_SMTP_USER and OCTANE_SMTP_PASSWORD belong together; set both.")
    recipients = tuple(
        part.strip() for part in (texts.get("letter_to") or "").split(",") if part.strip()
    )
    sender = texts.get("letter_from") or ""
    for name, addresses in (("letter_to", recipients), ("letter_from", (sender,))):
        wrong = [address for address in addresses if not ADDRESS.fullmatch(address)]
        if wrong or not addresses:
            raise UsageError(
                f"OCTANE_{name.upper()} must be set to mail addresses such as qa@example.com when "
                "a mail server is set."
            )
    return MailPlace(
        host,
        int(match[2] or default_port),
        cast(Security, security),
        user,
        Secret(password) if password is not None else None,
        sender,
        recipients,
    )


def _webhook(texts: SettingTexts, name: str) -> Secret | None:
    text = texts.get(name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    is_safe = host is not None and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )
    if not is_safe or parts.username is not None:  # the address is a secret: it is not repeated
        raise UsageError(
            f"{texts.label(name)} is not the https address of a webhook; copy it again from where "
            "you made it."
        )
    return Secret(text)
