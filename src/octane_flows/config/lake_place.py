"""Where the lake lies when it is not a folder of the data folder: a bucket, endpoint and keys.

The texts found in the settings in, a checked `LakePlace` out; `settings` calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import Found
from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import UsageError


@dataclass(frozen=True)
class LakePlace:
    """A prefix of an S3-compatible bucket; no endpoint is Amazon's, no keys its own tools'."""

    bucket: str
    prefix: str
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: Secret | None = None


def lake_place(found: Found) -> LakePlace | None:
    """The bucket of `OCTANE_LAKE`; None when the lake is a folder of the data folder."""
    text = found.get("lake")
    if text is None:
        for name in ("lake_endpoint", "lake_region", "lake_key_id", "lake_secret"):
            if found.get(name):
                raise UsageError(
                    f"{found.label(name)} is set but OCTANE_LAKE is not; set it to "
                    "s3://bucket/prefix, or unset the other."
                )
        return None
    match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", text)
    if match is None:
        raise UsageError(
            f"{found.label('lake')} is not the address of a bucket; write s3://bucket/prefix, or "
            "unset it to keep the lake in the data folder."
        )
    key, secret = found.get("lake_key_id"), found.get("lake_secret")
    if (key is None) != (secret is None):
        raise UsageError(
            "OCTANE_LAKE_KEY_ID and OCTANE_LAKE_SECRET belong together; set both, or neither to "
            "use the keys that Amazon's own tools find."
        )
    return LakePlace(
        bucket=match[1],
        prefix=(match[2] or "").strip("/"),
        endpoint=_endpoint(found),
        region=found.get("lake_region") or "us-east-1",
        access_key_id=key,
        secret_access_key=Secret(secret) if secret is not None else None,
    )


def _endpoint(found: Found) -> str | None:
    text = found.get("lake_endpoint")
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(
            f"{found.label('lake_endpoint')} is not a web address; give it as https://host or "
            "https://host:port, without user or password."
        )
    allowed = (found.get("allow_http_host") or "").lower()
    if parts.scheme == "http" and not is_loopback(parts.hostname) and parts.hostname != allowed:
        raise UsageError(
            f"{found.label('lake_endpoint')} uses http, which would send the data to "
            f"{parts.hostname} unencrypted; use https, or set OCTANE_ALLOW_HTTP_HOST="
            f"{parts.hostname} if that is meant."
        )
    return text.rstrip("/")
