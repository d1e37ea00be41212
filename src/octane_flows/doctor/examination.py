"""The examination: settings, folder, server, clock, workspaces, roles, and the first load's cost.

The environment comes in; diagnoses go out, each as soon as it is made, and the command line prints
them. It stops at a failure after which nothing more can be examined, and never takes much longer
than its budget: it says what was not examined by then.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from octane_flows import __version__
from octane_flows.client import Metadata, Octane
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR
from octane_flows.client.retry import RetryPolicy
from octane_flows.config import LakePlace, Settings, load_settings, open_settings_file
from octane_flows.doctor.diagnosis import Diagnosis
from octane_flows.doctor.estimate import Counts, count_entities, estimate
from octane_flows.doctor.history_estimate import examine_history
from octane_flows.doctor.other_variables import unused_variables
from octane_flows.doctor.query_probes import examine_queries
from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.extract import Plan, make_plan
from octane_flows.lake.bucket import CACHE, BucketStorage
from octane_flows.portable_files import IS_WINDOWS

BUDGET_S: Final = 8.0  # for the requests; one that is in flight then may take TIMEOUT_S more
TIMEOUT_S: Final = 4.0  # a server that needs longer for one row is worth a diagnosis
PATIENCE: Final = RetryPolicy(total_s=2.0, attempts=2, first_attempts=1)
LOW_SPACE_BYTES: Final = 1 << 30  # room for about a million runs and the next generation
SKEW_S: Final = 60.0  # below, minutes of the schedule and of quiet hours are right


def examine(
    environ: Mapping[str, str], *, budget_s: float = BUDGET_S, timeout_s: float = TIMEOUT_S
) -> Iterator[Diagnosis]:
    """Yield the diagnoses; the last one is about the first load when nothing stands in the way."""
    try:
        settings = load_settings(environ)
    except UsageError as error:
        yield Diagnosis("settings", "failed", str(error))
        return
    try:
        yield from _examine(environ, settings, budget_s, timeout_s)
    except UsageError as error:  # a setting that only the server, or a file, shows to be wrong
        yield Diagnosis("settings", "failed", str(error))


def _examine(
    environ: Mapping[str, str], settings: Settings, budget_s: float, timeout_s: float
) -> Iterator[Diagnosis]:
    """The diagnoses of settings that can be read. Raises UsageError where they are wrong."""
    yield Diagnosis("settings", "ok", f"{settings.url}, shared space {settings.shared_space}")
    yield Diagnosis(
        "tool",
        "ok",
        f"octane-flows {__version__} on Python {platform.python_version()}",
        facts={"version": __version__, "python": platform.python_version()},
    )
    if warning := open_settings_file(environ):
        text, _, remedy = warning.rpartition("; ")
        yield Diagnosis("settings", "warning", text, remedy)
    yield from unused_variables(environ, settings)
    yield _quiet_hours(settings, datetime.now(UTC))
    folder = _folder(settings.home)
    yield folder
    if settings.file_access == "owner" and (others := _others_may_read(settings.home)):
        yield others
    if settings.lake is not None:
        yield _bucket(settings.home, settings.lake)
    deadline = time.monotonic() + budget_s
    quick = replace(settings, timeout_s=min(settings.timeout_s, timeout_s))
    with (
        Octane(quick, policy=PATIENCE) as octane,
        ThreadPoolExecutor(settings.concurrency, thread_name_prefix="doctor") as pool,
    ):
        try:
            yield _server(octane)
            yield _clock(octane)
        except UsageError:
            raise
        except OctaneFlowsError as error:
            yield Diagnosis("server", "failed", str(error))
            return
        try:
            metadata = _metadata(octane, settings, pool, deadline)
            complete = {id: types for id, types in metadata.items() if types is not None}
            plan = make_plan(complete, skip=settings.skip)
        except UsageError:
            raise
        except OctaneFlowsError as error:
            yield Diagnosis("workspaces", "failed", str(error))
            return
        yield _workspaces(metadata, plan)
        counts = count_entities(octane, plan, pool, deadline)
        yield _roles(plan, counts)
        yield _widest(octane, plan)
        try:
            yield examine_queries(octane, plan, counts, settings.page_size, deadline)
        except OctaneFlowsError as error:
            yield Diagnosis("queries", "warning", str(error))
        history = examine_history(octane, settings.history, plan, counts, pool, deadline)
        if settings.history:
            yield history
        yield estimate(
            octane,
            settings,
            plan,
            counts,
            int(folder.facts.get("free_bytes", 0)),
            history_requests=history.facts.get("requests", 0),
        )


def _quiet_hours(settings: Settings, now: datetime) -> Diagnosis:
    quiet = settings.quiet_hours
    if quiet is None:
        return Diagnosis("quiet hours", "ok", "none are set (OCTANE_QUIET_HOURS)")
    end = quiet.until(now)
    if end is None:
        return Diagnosis("quiet hours", "ok", f"{quiet}, not now")
    remedy = f"an extract can start after {end:%A %H:%M}"
    return Diagnosis("quiet hours", "warning", f"{quiet}, which is now", remedy)


def _folder(home: Path) -> Diagnosis:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"0")
            os.fsync(probe.fileno())
        free = shutil.disk_usage(home).free
    except OSError as error:
        return Diagnosis(
            "data folder",
            "failed",
            f"{home} cannot be written ({error.strerror or error})",
            "give OCTANE_HOME a folder that you may write",
        )
    text = f"{home.resolve()}, {free / 1e9:.1f} GB free"
    if free < LOW_SPACE_BYTES:
        remedy = "free space, or give OCTANE_HOME a folder on another disk"
        return Diagnosis("data folder", "warning", text, remedy, {"free_bytes": free})
    return Diagnosis("data folder", "ok", text, facts={"free_bytes": free})


def _others_may_read(home: Path) -> Diagnosis | None:
    """A data folder of an older release, or one that a person opened."""
    try:
        mode = stat.S_IMODE(home.stat().st_mode)
    except OSError:  # told as the data folder's failure
        return None
    if not mode & 0o077 or IS_WINDOWS:  # which keeps rights elsewhere
        return None
    return Diagnosis(
        "data folder",
        "warning",
        f"other users of this machine may open {home} (mode {mode:04o})",
        f"run chmod -R go-rwx {home}, or set OCTANE_FILE_ACCESS=group or umask if that is meant",
    )


def _bucket(home: Path, place: LakePlace) -> Diagnosis:
    try:
        storage = BucketStorage(place, home / CACHE, patience_s=TIMEOUT_S)
        storage.probe()
    except OctaneFlowsError as error:
        return Diagnosis("lake", "failed", str(error))
    return Diagnosis(
        "lake", "ok", f"{storage.describe()} can be read and written, by several at once too"
    )


def _server(octane: Octane) -> Diagnosis:
    version = octane.version()
    user = octane.current_user()
    signed_in = f"signed in as {user.name}" if user is not None else "signed in"
    return Diagnosis("server", "ok", f"version {version}, {signed_in}", facts={"version": version})


def _clock(octane: Octane) -> Diagnosis:
    before = datetime.now(UTC)
    server = octane.server_time()
    after = datetime.now(UTC)
    # The header names whole seconds, and was written somewhere between asking and answer.
    skew = (server - (before + (after - before) / 2)).total_seconds()
    facts = {"skew_s": round(skew, 1)}
    if abs(skew) <= SKEW_S:
        return Diagnosis("clock", "ok", "the server's and this machine's clock agree", facts=facts)
    way = "ahead of" if skew > 0 else "behind"
    return Diagnosis(
        "clock",
        "warning",
        f"the server is {_span(abs(skew) / 60)} {way} this machine",
        "extracts follow the server's clock and lose nothing, but schedules and quiet hours follow "
        "this machine's: set it right",
        facts,
    )


def _span(minutes: float) -> str:
    """Minutes as people would say them."""
    if minutes < 120:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:,.0f} days"


def _metadata(
    octane: Octane, settings: Settings, pool: ThreadPoolExecutor, deadline: float
) -> dict[str, Metadata | None]:
    """The metadata of each workspace; None where no time was left."""
    wanted = octane.workspace_ids(settings.workspaces)

    def read(id: str) -> Metadata | None:
        return octane.workspace(id).metadata() if time.monotonic() < deadline else None

    return dict(zip(wanted, pool.map(read, wanted), strict=True))


def _workspaces(metadata: Mapping[str, Metadata | None], plan: Plan) -> Diagnosis:
    types = {
        id: sum(entity.workspace == id for entity in plan.entities)
        for id, workspace_metadata in metadata.items()
        if workspace_metadata is not None
    }
    text = ", ".join(f"{id} ({count} entity types)" for id, count in types.items())
    if len(types) < len(metadata):
        return Diagnosis(
            "workspaces",
            "warning",
            f"{text}; the time was up before {len(metadata) - len(types)} more",
            "name some of them in OCTANE_WORKSPACES and run doctor again",
            {"entity_types": types},
        )
    return Diagnosis("workspaces", "ok", text, facts={"entity_types": types})


def _roles(plan: Plan, counts: Counts) -> Diagnosis:
    total, facts = len(plan.entities), {"refused": sorted(counts.refused)}
    if counts.refused:
        names = _names([name for _, name in counts.refused])
        skips = " ".join(f"--skip {name}" for name in names)
        return Diagnosis(
            "roles",
            "failed",
            f"{len(counts.refused)} of {total} entity types are refused: {', '.join(names)}",
            f"ask for a role that reads them, or leave them out with {skips} (always: OCTANE_SKIP)",
            facts,
        )
    if counts.failed or counts.not_counted:
        first = next(iter(counts.failed.values()), "the time was up")
        return Diagnosis(
            "roles",
            "warning",
            f"{len(counts.failed) + len(counts.not_counted)} of {total} entity types gave no count "
            f"({first.rstrip('.')})",
            "run doctor again when the server is less busy",
            facts,
        )
    return Diagnosis("roles", "ok", f"all {total} entity types can be read", facts=facts)


def _widest(octane: Octane, plan: Plan) -> Diagnosis:
    """Whether the fields of the type with the longest list of them can be requested."""
    entity = max(plan.entities, key=lambda entity: len(",".join(entity.fields)))
    try:
        octane.workspace(entity.workspace).page(entity.collection, fields=entity.fields, limit=1)
    except OctaneFlowsError as error:
        if getattr(error, "error_code", None) != COUNT_LIMIT_ERROR:  # it is about the rows
            return Diagnosis("fields", "failed", str(error))
    return Diagnosis(
        "fields", "ok", f"the {len(entity.fields)} fields of {entity.name} can be requested"
    )


def _names(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(sorted(names)))
