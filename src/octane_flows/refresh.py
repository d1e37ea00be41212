"""The steps that keep a warehouse current, one call each; `cli` and Dagster share them.

Settings in; reports of what was published out. No step leaves a half-written result behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from octane_flows import extract as extraction
from octane_flows import warehouse
from octane_flows.config import Settings
from octane_flows.octane import Limits, Octane


@dataclass(frozen=True)
class RefreshReport:
    """What one whole refresh published."""

    extract: extraction.ExtractReport
    build: warehouse.BuildReport
    page: Path


def extract(
    settings: Settings,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    progress: extraction.Progress | None = None,
) -> extraction.ExtractReport:
    """Read the server named by the settings into a new generation of the lake."""
    # Arrow's own allocator keeps what each thread has freed: 55 MB more, and no faster.
    pa.set_memory_pool(pa.system_memory_pool())
    with Octane(settings, limits=Limits.of_extract(settings)) as octane:
        return extraction.extract(
            octane,
            settings.home,
            workspaces=settings.workspaces,
            only=only,
            skip=skip,
            page_size=settings.page_size,
            concurrency=settings.concurrency,
            scripts=settings.scripts,
            progress=progress,
        )


def refresh(
    settings: Settings,
    *,
    skip: Sequence[str] = (),
    progress: extraction.Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> RefreshReport:
    """Extract, build the warehouse with its checks, write the report."""
    from octane_flows import reports  # plots cost 60 MB of memory: not before they are needed

    extracted = extract(settings, skip=skip, progress=progress)
    built = warehouse.build(settings.home, progress=say)
    page = reports.write(settings.home)
    return RefreshReport(extracted, built, page)
