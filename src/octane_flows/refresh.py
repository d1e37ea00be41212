"""The steps that keep a warehouse current, one call each; `cli` and Dagster share them.

Settings in; reports of what was published out. No step leaves a half-written result behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from octane_flows import extract as extraction
from octane_flows import warehouse
from octane_flows.client import Limits, Octane
from octane_flows.config import Settings
from octane_flows.lake import open_lake


@dataclass(frozen=True)
class RefreshReport:
    """What one whole refresh published."""

    extract: extraction.ExtractReport
    build: warehouse.BuildReport
    page: Path


def extract(
    settings: Settings,
    *,
    progress: extraction.Progress | None = None,
    **choices: Any,
) -> extraction.ExtractReport:
    """Bring the lake up to date with the server of the settings; `choices` are Options by name.

    What the settings skip is skipped too, but for entity types that are asked for by name.
    """
    skip = {*settings.skip, *choices.pop("skip", ())} - set(choices.get("only", ()))
    # Arrow's own allocator keeps what each thread has freed: 55 MB more, and no faster.
    pa.set_memory_pool(pa.system_memory_pool())
    options = extraction.Options(
        page_size=settings.page_size,
        concurrency=settings.concurrency,
        overlap=timedelta(minutes=settings.overlap_min),
        settle=timedelta(minutes=settings.settle_min),
        max_vanished=settings.max_vanished,
        scripts=settings.scripts,
        skip=sorted(skip),
        **choices,
    )
    with Octane(settings, limits=Limits.of_extract(settings)) as octane:
        return extraction.extract(
            octane,
            settings.home,
            lake=open_lake(settings.home, settings.lake),
            workspaces=settings.workspaces,
            options=options,
            progress=progress,
        )


def refresh(
    settings: Settings,
    *,
    skip: Sequence[str] = (),
    wait_s: float = 0.0,
    progress: extraction.Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RefreshReport:
    """Extract, build the warehouse with its checks, write the report."""
    from octane_flows import reports  # plots cost 60 MB of memory: not before they are needed

    extracted = extract(settings, skip=skip, wait_s=wait_s, progress=progress)
    built = warehouse.build(
        settings.home,
        lake=open_lake(settings.home, settings.lake),
        workspaces=settings.warehouse_workspaces,
        progress=say,
    )
    page = reports.write(settings.home)
    return RefreshReport(extracted, built, page)
