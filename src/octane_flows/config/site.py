"""The site's settings for a scheduler: time zone, quiet hours, owners of the data.

`OCTANE_*` variables and the TOML file in, a `Site` without credentials out; the pipelines call it
when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octane_flows.config.quiet_hours import QuietHours, quiet_hours, time_zone
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.errors import UsageError

OWNER = re.compile(r"team:[\w.-]+|[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Site:
    """The site's time zone by its IANA name, its quiet hours, and the owners of all tables."""

    time_zone: str
    quiet_hours: QuietHours | None
    owners: tuple[str, ...]


def load_site(environ: Mapping[str, str], config_file: Path | None = None) -> Site:
    """Read the site's settings. Raises UsageError."""
    texts = SettingTexts.collect(environ, config_file)
    return Site(time_zone(texts).key, quiet_hours(texts), _owners(texts))


def _owners(texts: SettingTexts) -> tuple[str, ...]:
    owners = tuple(part.strip() for part in (texts.get("owners") or "").split(",") if part.strip())
    for owner in owners:
        if not OWNER.fullmatch(owner):
            raise UsageError(
                f"{texts.label('owners')} has {owner}, which Dagster does not accept as an owner; "
                "write team:NAME or an e-mail address, with commas between them."
            )
    return owners
