"""What a scheduler needs to know of the site: its time zone, its quiet hours, who owns the data.

Environment names `OCTANE_*` and the TOML file in, a `Site` out, without credentials; the pipelines
call it when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octane_flows.config.quiet_hours import QuietHours, quiet_hours, time_zone
from octane_flows.config.setting_texts import Found
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
    found = Found.collect(environ, config_file)
    return Site(time_zone(found).key, quiet_hours(found), _owners(found))


def _owners(found: Found) -> tuple[str, ...]:
    owners = tuple(one.strip() for one in (found.get("owners") or "").split(",") if one.strip())
    for one in owners:
        if not OWNER.fullmatch(one):
            raise UsageError(
                f"{found.label('owners')} holds {one}, which is no owner that Dagster knows; "
                "write team:NAME or an e-mail address, comma between them."
            )
    return owners
