"""The request budget that processes share: where it is kept, and that there is something to share.

The texts found in the settings in, a checked `BudgetPlace` out; `settings` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import Found
from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import UsageError


@dataclass(frozen=True)
class BudgetPlace:
    """A Redis database; `address` may carry a password, `label` is what messages show."""

    address: Secret
    label: str


def budget_place(found: Found) -> BudgetPlace | None:
    """The place of `OCTANE_BUDGET`; None when each process keeps its own pace."""
    text = found.get("budget")
    if text is None:
        if found.get("max_requests_per_day"):
            raise UsageError(
                f"{found.label('max_requests_per_day')} is set but OCTANE_BUDGET is not, and only "
                "a shared budget counts over runs; set it to redis://host:6379/0."
            )
        return None
    place = _checked(found, text)
    if not found.get("requests_per_second") and not found.get("max_requests_per_day"):
        raise UsageError(
            f"{found.label('budget')} is set but nothing to share is; set "
            "OCTANE_REQUESTS_PER_SECOND, OCTANE_MAX_REQUESTS_PER_DAY, or both."
        )
    return place


def _checked(found: Found, text: str) -> BudgetPlace:
    label = found.label("budget")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 6379
    except ValueError:
        host = port = None
    if host is None or parts.scheme not in ("redis", "rediss"):  # it may hold a password
        raise UsageError(
            f"{label} is not the address of a Redis server; write redis://host:6379/0, or "
            "rediss:// where it speaks TLS."
        )
    allowed = (found.get("allow_http_host") or "").lower()
    if parts.password and parts.scheme == "redis" and not is_loopback(host) and host != allowed:
        raise UsageError(
            f"{label} would send its password to {host} unencrypted; use rediss://, or set "
            f"OCTANE_ALLOW_HTTP_HOST={host} if that is meant."
        )
    return BudgetPlace(Secret(text), f"{parts.scheme}://{host}:{port}{parts.path}")
