"""Posting a letter to a webhook, whose address is a secret: who has it may post.

An address and JSON in, nothing out, or an error whose text has no address.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Final
from urllib.parse import urlsplit

from octane_flows.config import Secret
from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import ServerError
from octane_flows.letters.delivery import TIMEOUT_S, TemporaryError, reason_of

REPEATABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the letter to a place that nobody has set."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""
        return


def post_letter(
    place: str,
    address: Secret,
    body: str,
    context: ssl.SSLContext,
    proxy: Secret | None,
    mark: Callable[[bool], None],
) -> None:
    """Post once. Raises TemporaryError where another attempt may help, else ServerError."""
    request = urllib.request.Request(
        address.reveal(),
        data=body.encode(),
        headers={"Content-Type": "application/json", "User-Agent": "octane-flows"},
        method="POST",
    )
    host = urlsplit(address.reveal()).hostname or ""
    proxies = {"https": proxy.reveal()} if proxy is not None and not is_loopback(host) else {}
    opener = urllib.request.build_opener(
        _NoRedirects(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.ProxyHandler(proxies),  # those of the environment count nowhere
    )
    mark(True)
    try:
        with opener.open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in REPEATABLE:
            wait_s = _retry_after_s(error.headers.get("Retry-After"))
            asks = f" and asks to wait {wait_s:,.0f} s" if wait_s else ""
            raise TemporaryError(f"it answered {error.code}{asks}", wait_s=wait_s) from None
        if 300 <= error.code < 400:
            raise ServerError(
                f"The webhook of {place} answered with a redirect (status {error.code}), which no "
                "letter follows; set the address that it leads to."
            ) from None
        raise ServerError(
            f"The webhook of {place} refused the letter (status {error.code}); make a new one and "
            "set its address."
        ) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise ServerError(
                f"No safe connection to the webhook of {place} ({error.reason.reason}); check "
                "OCTANE_CA_FILE for your company's certificates."
            ) from None
        raise TemporaryError(reason_of(error)) from None
    except (HTTPException, OSError) as error:
        raise TemporaryError(reason_of(error)) from None


def _retry_after_s(text: str | None) -> float:
    """The seconds of a `Retry-After`, which may be a date; 0 without a readable one."""
    if not text:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
