"""The place of the request budget that processes share.

The texts of the settings in, a checked `BudgetPlace` out; `settings` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import UsageError


@dataclass(frozen=True)
class BudgetPlace:
    """A Redis database; `address` may contain a password, `label` is the text for messages."""

    address: Secret
    label: str


def budget_place(texts: SettingTexts) -> BudgetPlace | None:
    """The place of `OCTANE_BUDGET`; None when each process keeps its own pace."""
    text = texts.get("budget")
    if text is None:
        if texts.get("max_requests_per_day"):
            raise UsageError(
                f"{texts.label('max_requests_per_day')} is set but OCTANE_BUDGET is not, and only "
                "a shared budget counts the requests of all runs; set it to redis://host:6379/0."
            )
        return None
    place = _checked(texts, text)
    if not texts.get("requests_per_second") and not texts.get("max_requests_per_day"):
        raise UsageError(
            f"{texts.label('budget')} is set, but there is no limit to share; set "
            "OCTANE_REQUESTS_PER_SECOND, OCTANE_MAX_REQUESTS_PER_DAY, or both."
        )
    return place


def _checked(texts: SettingTexts, text: str) -> BudgetPlace:
    label = texts.label("budget")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 6379
    except ValueError:
        host = port = None
    if host is None or parts.scheme not in ("redis", "rediss"):  # the text may contain a password
        raise UsageError(
            f"{label} is not the address of a Redis server; write redis://host:6379/0, or "
            "rediss:// where it speaks TLS."
        )
    allowed = (texts.get("allow_http_host") or "").lower()
    if parts.password and parts.scheme == "redis" and not is_loopback(host) and host != allowed:
        raise UsageError(
            f"{label} would send its password to {host} unencrypted; use rediss://, or set "
            f"OCTANE_ALLOW_HTTP_HOST={host} if you accept that."
        )
    return BudgetPlace(Secret(text), f"{parts.scheme}://{host}:{port}{parts.path}")
