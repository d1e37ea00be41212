"""The place of a lake in a bucket: bucket, prefix, endpoint and keys.

The texts of the settings in, a checked `LakePlace` out; `settings` calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from octane_flows.config.credentials import Secret
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.setting_values import is_loopback
from octane_flows.errors import UsageError


@dataclass(frozen=True)
class LakePlace:
    """A prefix of an S3-compatible bucket.

    `endpoint` None: Amazon's server. Without keys, those that Amazon's own tools find.
    """

    bucket: str
    prefix: str
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: Secret | None = None


def lake_place(texts: SettingTexts) -> LakePlace | None:
    """The bucket of `OCTANE_LAKE`; None when the lake is a folder of the data folder."""
    text = texts.get("lake")
    if text is None:
        for name in ("lake_endpoint", "lake_region", "lake_key_id", "lake_secret"):
            if texts.get(name):
                raise UsageError(
                    f"{texts.label(name)} is set but OCTANE_LAKE is not; set it to "
                    f"s3://bucket/prefix, or unset {texts.label(name)}."
                )
        return None
    match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", text)
    if match is None:
        raise UsageError(
            f"{texts.label('lake')} is not the address of a bucket; write s3://bucket/prefix, or "
            "unset it to keep the lake in the data folder."
        )
    key, secret = texts.get("lake_key_id"), texts.get("lake_secret")
    if (key is None) != (secret is None):
        raise UsageError(
            "OCTANE_LAKE_KEY_ID and OCTANE_LAKE_SECRET belong together; set both, or neither to "
            "use the keys that Amazon's own tools find."
        )
    return LakePlace(
        bucket=match[1],
        prefix=(match[2] or "").strip("/"),
        endpoint=_endpoint(texts),
        region=texts.get("lake_region") or "us-east-1",
        access_key_id=key,
        secret_access_key=Secret(secret) if secret is not None else None,
    )


def _endpoint(texts: SettingTexts) -> str | None:
    text = texts.get("lake_endpoint")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise UsageError(
            f"{texts.label('lake_endpoint')} is not a web address; give it as https://host or "
            "https://host:port, without user or password."
        )
    allowed = (texts.get("allow_http_host") or "").lower()
    if parts.scheme == "http" and not is_loopback(parts.hostname) and parts.hostname != allowed:
        raise UsageError(
            f"{texts.label('lake_endpoint')} uses http, which would send the data to "
            f"{parts.hostname} unencrypted; use https, or set OCTANE_ALLOW_HTTP_HOST="
            f"{parts.hostname} if you accept that."
        )
    return text.rstrip("/")
