"""How `octane-flows serve` is reached and what one request may cost.

`OCTANE_*` variables and the TOML file in, a checked `ServePlace` out; the command `serve` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.setting_values import number
from octane_flows.errors import UsageError

DEFAULT_SECONDS: Final = 60.0  # the slowest question over ten million runs takes a few
DEFAULT_ROWS: Final = 1_000_000  # a sheet of Excel has 1,048,576
DEFAULT_MEMORY_MB: Final = 1024
DEFAULT_REQUESTS: Final = 4  # each has a core or half of one, and memory of its own
SHORTEST_SECRET: Final = 12  # characters; what is shorter can be guessed by trying


@dataclass(frozen=True)
class ServePlace:
    """Who may ask, over which address and certificate, and the limits of one request.

    Without `token` and `password` there is no sign-in. `address` is the address of a proxy in front
    that does TLS.
    """

    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    certificate: Path | None = None
    key: Path | None = None
    address: str | None = None
    seconds: float = DEFAULT_SECONDS
    rows: int = DEFAULT_ROWS
    memory_mb: int = DEFAULT_MEMORY_MB
    requests: int = DEFAULT_REQUESTS

    @property
    def has_sign_in(self) -> bool:
        """Whether a request must say who sends it."""
        return self.token is not None or self.password is not None


def load_serve_place(environ: Mapping[str, str], config_file: Path | None = None) -> ServePlace:
    """Read and check the settings of `serve`. Raises UsageError."""
    texts = SettingTexts.collect(environ, config_file)
    user = texts.get("serve_user")
    password, token = _secret(texts, "serve_password"), _secret(texts, "serve_token")
    if (user is None) != (password is None):
        raise UsageError("OCTANE_SERVE_USER and OCTANE_SERVE_PASSWORD belong together; set both.")
    if user is not None and ":" in user:
        raise UsageError(f"{texts.label('serve_user')} has a colon, which no login may have.")
    certificate, key = texts.path("serve_certificate"), texts.path("serve_key")
    if key is not None and certificate is None:
        raise UsageError(
            f"{texts.label('serve_key')} is set but OCTANE_SERVE_CERTIFICATE is not; set it to the "
            "PEM file of the certificate."
        )
    return ServePlace(
        user,
        password,
        token,
        certificate,
        key,
        _address(texts),
        number(texts, "serve_seconds", DEFAULT_SECONDS, 1, 3600, float),
        number(texts, "serve_rows", DEFAULT_ROWS, 1, 10**8, int),
        number(texts, "serve_memory", DEFAULT_MEMORY_MB, 128, 10**6, int),
        number(texts, "serve_requests", DEFAULT_REQUESTS, 1, 64, int),
    )


def _secret(texts: SettingTexts, name: str) -> Secret | None:
    text = texts.get(name)
    if text is None:
        return None
    if len(text) < SHORTEST_SECRET or (name == "serve_token" and not _is_header_text(text)):
        raise UsageError(
            f"{texts.label(name)} must have {SHORTEST_SECRET} characters or more, a token without "
            "blanks and of ASCII alone; make one with: python -c 'import secrets; "
            "print(secrets.token_urlsafe())'"
        )
    return Secret(text)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _address(texts: SettingTexts) -> str | None:
    text = texts.get("serve_address")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme != "https" or parts.query or parts.fragment or parts.username:
        raise UsageError(
            f"{texts.label('serve_address')} is {text}, but must be the https address under which "
            "the proxy shows these pages, such as https://reports.example.com/octane."
        )
    return text.rstrip("/")
