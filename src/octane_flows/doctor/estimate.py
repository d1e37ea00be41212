"""What a first load will take: counts of all entity types, one timed page, and arithmetic.

The client and the plan come in, counts and one diagnosis go out; `examination` calls it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

from octane_flows.client import Octane
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR
from octane_flows.config import Settings
from octane_flows.doctor.diagnosis import Diagnosis, Status
from octane_flows.errors import AccessError, OctaneFlowsError, RequestError
from octane_flows.extract import EntityPlan, Plan
from octane_flows.extract.extract_plan import Key
from octane_flows.extract.script_reader import COLLECTIONS as SCRIPTED_TYPES

FIXED_REQUESTS = 10  # sign-in, version, time, user, workspaces, metadata of a workspace
EDGE_REQUESTS = 3  # a collection of several pages: its first page, lowest and highest id
PROBE_ROWS = 200  # enough to tell the rate, few enough to be quick at 50 ms a row


@dataclass(frozen=True)
class Counts:
    """Rows by entity type; types in `at_least` have more rows than the server counts.

    `not_counted` are those for which no time was left.
    """

    rows: Mapping[Key, int]
    at_least: frozenset[Key]
    refused: frozenset[Key]
    failed: Mapping[Key, str]
    not_counted: frozenset[Key]


def count_entities(octane: Octane, plan: Plan, pool: ThreadPoolExecutor, deadline: float) -> Counts:
    """Ask each collection for one row and its count, several at a time, until the deadline."""
    rows: dict[Key, int] = {}
    at_least: set[Key] = set()
    refused: set[Key] = set()
    failed: dict[Key, str] = {}
    not_counted: set[Key] = set()

    def count(entity: EntityPlan) -> None:
        key = entity.key
        if time.monotonic() > deadline:
            not_counted.add(key)
            return
        try:
            page = octane.workspace(entity.workspace).page(
                entity.collection, fields=["id"], limit=1
            )
        except AccessError:
            refused.add(key)
        except RequestError as error:
            if error.error_code == COUNT_LIMIT_ERROR:
                rows[key] = 0
                at_least.add(key)
            else:
                failed[key] = str(error)
        except OctaneFlowsError as error:
            failed[key] = str(error)
        else:
            rows[key] = page.total_count
            if page.exceeds_total_count:
                at_least.add(key)

    list(pool.map(count, plan.entities))
    return Counts(rows, frozenset(at_least), frozenset(refused), failed, frozenset(not_counted))


def estimate(
    octane: Octane,
    settings: Settings,
    plan: Plan,
    counts: Counts,
    free_bytes: int,
    *,
    history_requests: int = 0,
) -> Diagnosis:
    """Requests, rows, minutes and bytes of a first load, from the counts and a timed page."""
    entities = {entity.key: entity for entity in plan.entities}
    by_type = {key: request_count(counts.rows.get(key, 0), settings.page_size) for key in entities}
    requests = FIXED_REQUESTS + sum(by_type.values()) + history_requests
    if settings.scripts:
        requests += sum(count for key, count in counts.rows.items() if key[1] in SCRIPTED_TYPES)
    rows = sum(counts.rows.values())
    about = "at least" if counts.at_least or counts.failed or counts.not_counted else "about"
    text = f"{about} {requests:,} requests, {rows:,} rows"
    facts: dict[str, Any] = {"requests": requests, "rows": rows}
    if not rows:
        return Diagnosis("first load", "ok", text, facts=facts)
    largest = max(counts.rows, key=lambda key: (counts.rows[key], key))
    try:
        probe = _probe(octane, entities[largest], min(PROBE_ROWS, settings.page_size))
    except OctaneFlowsError as error:
        text += f"; a probe page of {largest[1]} gave no time ({str(error).rstrip('.')})"
        remedy = "lower OCTANE_PAGE_SIZE, or raise OCTANE_TIMEOUT"
        return Diagnosis("first load", "warning", text, remedy, facts)
    minutes = _minutes(settings, requests, rows, probe.seconds / probe.rows)
    size = rows * probe.body_bytes // probe.rows
    text += (
        f", {_time(minutes)} ({probe.rows} {largest[1]} with every field took "
        f"{probe.seconds * 1000:,.0f} ms; {size / 1e6:,.0f} MB as JSON, less as Parquet)"
    )
    facts |= {"minutes": round(minutes, 4), "json_bytes": size}
    obstacle = _obstacle(settings, requests, max(by_type.values()), largest[1], size, free_bytes)
    if obstacle is None:
        return Diagnosis("first load", "ok", text, facts=facts)
    status, remedy = obstacle
    return Diagnosis("first load", status, text, remedy, facts)


@dataclass(frozen=True)
class _Probe:
    """A page that was read to see how long it takes."""

    rows: int
    body_bytes: int
    seconds: float


def _probe(octane: Octane, entity: EntityPlan, limit: int) -> _Probe:
    started = time.perf_counter()
    page = octane.workspace(entity.workspace).page_bytes(
        entity.collection, fields=entity.fields, limit=limit
    )
    seconds = time.perf_counter() - started
    return _Probe(max(1, len(page.parse().rows)), len(page.body), seconds)


def _obstacle(
    settings: Settings, requests: int, most: int, largest: str, size: int, free_bytes: int
) -> tuple[Status, str] | None:
    """Which limit of the site or the disk it exceeds; `most` requests are for one entity type."""
    allowed = settings.max_requests
    if allowed is not None and most + FIXED_REQUESTS > allowed:
        # What a stopped extract has read is kept by entity type.
        return "failed", (
            f"{largest} alone needs more requests than a run may send, so allow at least "
            f"{most + FIXED_REQUESTS:,} (OCTANE_MAX_REQUESTS)"
        )
    if allowed is not None and requests > allowed:
        return "warning", (
            f"OCTANE_MAX_REQUESTS allows {allowed:,} a run: it takes several, or allow more"
        )
    if size > free_bytes > 0:
        return (
            "warning",
            f"only {free_bytes / 1e6:,.0f} MB are free: free space, or move OCTANE_HOME",
        )
    return None


def request_count(rows: int, page_size: int) -> int:
    """Requests for a collection of so many rows."""
    return 1 if rows <= page_size else EDGE_REQUESTS + ceil(rows / page_size)


def _minutes(settings: Settings, requests: int, rows: int, row_s: float) -> float:
    """Minutes by the server's speed for a row, and by the pace that the settings allow."""
    by_server = rows * row_s / settings.concurrency
    pace = settings.requests_per_second
    return max(by_server, requests / pace if pace else 0.0) / 60


def _time(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.1f} hours"
