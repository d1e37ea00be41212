"""The steps that keep a warehouse current, one call each; `cli` and Dagster share them.

Settings come in, reports of what was published go out. No step leaves a half-written result behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import pyarrow as pa

from octane_flows import warehouse
from octane_flows.client import Limits, Octane
from octane_flows.config import Settings
from octane_flows.extract import ExtractReport, Options, Progress, extract
from octane_flows.lake import open_lake


class ExtractChoices(TypedDict, total=False):
    """What a caller may choose for one extract; `extract.Options` says what each means."""

    only: Sequence[str]
    full: bool
    since: datetime | None
    until: datetime | None
    census: bool
    counts: bool
    sweep: bool
    sweep_share: float
    accept_deletions: Sequence[str]
    accept_retyped: Sequence[str]
    wait_s: float


@dataclass(frozen=True)
class RefreshReport:
    """What one whole refresh published."""

    extract: ExtractReport
    build: warehouse.BuildReport
    page: Path


def update_lake(
    settings: Settings,
    *,
    progress: Progress | None = None,
    skip: Sequence[str] = (),
    **choices: Unpack[ExtractChoices],
) -> ExtractReport:
    """Bring the lake up to date with the server of the settings.

    What the settings skip is skipped too, except entity types that `only` names.
    """
    skipped = {*settings.skip, *skip} - set(choices.get("only", ()))
    # Arrow's own allocator keeps what each thread has freed: 55 MB more memory, and no faster.
    pa.set_memory_pool(pa.system_memory_pool())
    options = Options(
        page_size=settings.page_size,
        concurrency=settings.concurrency,
        overlap=timedelta(minutes=settings.overlap_min),
        settle=timedelta(minutes=settings.settle_min),
        max_deleted_share=settings.max_deleted_share,
        max_rejected_share=settings.max_rejected_share,
        scripts=settings.scripts,
        history=settings.history,
        skip=sorted(skipped),
        **choices,
    )
    with Octane(settings, limits=Limits.of_extract(settings)) as octane:
        return extract(
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
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RefreshReport:
    """Extract, build the warehouse with its checks, write the report."""
    from octane_flows import reports  # plots cost 60 MB of memory: not before they are needed

    extracted = update_lake(settings, skip=skip, wait_s=wait_s, counts=True, progress=progress)
    built = warehouse.build(
        settings.home,
        lake=open_lake(settings.home, settings.lake),
        workspaces=settings.warehouse_workspaces,
        progress=say,
    )
    page = reports.write(settings.home)
    return RefreshReport(extracted, built, page)
