"""One extract: read what is new of all that the plan names, publish one generation.

The client and the data folder come in, a published manifest and a report go out. The command line
and Dagster call it. When anything does not add up, nothing is published; what was read stays for
the next attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from octane_flows.client import Octane, Workspace
from octane_flows.errors import UsageError
from octane_flows.extract.certificate import (
    certificate_rows,
    cross_check,
    findings_on_values,
    refusals,
)
from octane_flows.extract.entity_result import (
    ExtractReport,
    merge_states,
    merge_tables,
    outcomes,
    with_values_since,
)
from octane_flows.extract.entity_task import Context
from octane_flows.extract.entity_types import ReadTypes, read_entity_types
from octane_flows.extract.extract_journal import Journal
from octane_flows.extract.extract_plan import Plan, make_plan
from octane_flows.extract.field_changes import FieldChanges, compare_fields, list_changes
from octane_flows.extract.history_certificate import History, previous_history
from octane_flows.extract.history_reader import read_history, require_history_types
from octane_flows.extract.missing_data import (
    absent_types,
    findings_on_missing,
    read_metadata,
    types_of,
)
from octane_flows.extract.options import Options, Progress
from octane_flows.extract.read_workspaces import names_of_workspaces, read_workspaces
from octane_flows.extract.script_reader import Scripts, previous_scripts, read_scripts
from octane_flows.extract.server_dialect import recall_dialect, server_findings
from octane_flows.extract.server_restores import (
    findings_on_restores,
    restored_workspaces,
    with_restores,
)
from octane_flows.extract.server_times import (
    Moments,
    clock_findings,
    dated_not_after,
    earliest_moments,
    make_moments,
    not_after,
    set_back_findings,
)
from octane_flows.lake import CertificateRow, Draft, Finding, Lake, Manifest, TableEntry
from octane_flows.lake.stored_rows import StoredRows
from octane_flows.lake.writer_lock import write_lock


def extract(
    octane: Octane,
    home: Path,
    *,
    lake: Lake | None = None,
    workspaces: Sequence[str] | None = None,
    options: Options,
    progress: Progress | None = None,
) -> ExtractReport:
    """Bring the lake, `home`'s own unless given, up to date with the workspaces.

    `workspaces` are ids or names; None: all.
    Others may extract other workspaces into the same lake meanwhile. Raises ExtractError,
    ServerError or LakeError, and then nothing of this extract is published.
    """
    lake = lake or Lake(home / "lake")
    _require_same_server(lake.current(), octane, home)
    chosen = read_workspaces(octane, lake.current(), workspaces)
    unlisted = chosen.unlisted
    with write_lock(home, "an extract", workspaces=chosen.ids, wait_s=options.wait_s):
        draft = Draft(lake)
        version = octane.version()
        recall_dialect(octane, draft.parent, version)
        server_time, machine_time = octane.server_time(), octane.clock.now()
        began = make_moments(server_time, machine_time, options.settle, options.overlap)
        opened = {id: octane.workspace(id) for id in chosen.ids}
        metadata, unread = read_metadata(opened, options.threads)
        opened = {id: opened[id] for id in metadata}
        plan = make_plan(metadata, only=options.only, skip=options.skip, parent=draft.parent)
        require_history_types(plan, options.history)
        changes = compare_fields(draft.parent, plan, draft.generation, options.accept_retyped)
        journal = Journal(home, lake)
        restored = restored_workspaces(draft.parent, plan, opened)
        read = _read(draft, plan, opened, began, options, journal, changes, progress)
        read = replace(read, results=with_restores(read.results, restored, began.as_of))
        unread |= read.left_out
        opened = {id: workspace for id, workspace in opened.items() if id not in unread}
        left_out = {entity.key for entity in plan.entities if entity.workspace in unread}
        changes = changes.without({*read.refused, *left_out}, draft.parent)
        absent = absent_types(draft.parent, metadata)
        moments, read = _with_earliest_time(octane, draft.parent, began, read)
        findings = [
            *findings_on_missing(unread, tuple(unlisted), absent),
            *_clock_findings(octane, draft.parent, began, server_time - machine_time, read),
        ]
        refused = {**read.refused, **types_of(draft.parent, unread)}
        absent |= types_of(draft.parent, unlisted)
        if options.scripts:
            scripts = read_scripts(draft, opened, moments, options, journal)
        else:
            scripts = Scripts(previous_scripts(draft.parent))
        merged = merge_tables(draft.parent, plan, read.results)
        tables = with_values_since(merged, changes.values_since)
        if options.history:
            history = read_history(draft, plan, opened, moments, options, journal, tables)
        else:
            history = History(previous_history(draft.parent))
        rows = certificate_rows(
            draft.parent, plan.entities, read.results, refused, absent, moments.as_of
        )
        manifest = _publish(
            octane,
            version,
            draft,
            plan,
            opened,
            moments,
            read,
            changes,
            tables,
            scripts,
            history,
            history.certified(rows),
            findings,
            names_of_workspaces(octane, draft.parent, chosen, moments.as_of),
        )
        journal.finish()
        if progress is not None:
            progress("published", len(plan.entities), len(plan.entities))
        return ExtractReport(manifest, outcomes(read.results.values()), read.resumed, unread)


def _require_same_server(parent: Manifest | None, octane: Octane, home: Path) -> None:
    """Raise UsageError unless the folder has the rows of this server's shared space."""
    if parent is None:
        return
    before, now = (parent.server_url, parent.shared_space), (octane.url, octane.shared_space)
    # a simulator or a tunnel takes another port each time
    is_same_host = before[0] == now[0] or (_is_loopback(before[0]) and _is_loopback(now[0]))
    if not is_same_host or before[1] != now[1]:
        raise UsageError(
            f"{home} holds shared space {before[1]} of {before[0]}, not {now[1]} of {now[0]}; "
            "give OCTANE_HOME a folder of its own for each."
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _read(
    draft: Draft,
    plan: Plan,
    workspaces: Mapping[str, Workspace],
    moments: Moments,
    options: Options,
    journal: Journal,
    changes: FieldChanges,
    progress: Progress | None,
) -> ReadTypes:
    tables = draft.parent.tables if draft.parent is not None else {}
    with (
        ThreadPoolExecutor(options.threads, thread_name_prefix="extract") as pool,
        StoredRows(draft.lake, tables) as stored,
    ):
        context = Context(draft, plan, workspaces, moments, options, pool, stored, journal)
        try:
            return read_entity_types(context, changes, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _with_earliest_time(
    octane: Octane, parent: Manifest | None, began: Moments, read: ReadTypes
) -> tuple[Moments, ReadTypes]:
    """The moments by all answers of the server, and what was read, not dated after them."""
    lowest = octane.clock.lowest
    moments = began if lowest is None else earliest_moments(began, lowest)
    results = {
        key: replace(result, state=not_after(result.state, moments))
        for key, result in read.results.items()
    }
    # rows that a stopped extract read are as old as its beginning
    moments = moments.of_oldest(result.state.cursor for result in results.values())
    as_of = moments.as_of if parent is None else max(moments.as_of, parent.as_of)
    results = {
        key: replace(result, state=dated_not_after(result.state, as_of))
        for key, result in results.items()
    }
    return moments, replace(read, results=results)


def _clock_findings(
    octane: Octane, parent: Manifest | None, began: Moments, ahead: timedelta, read: ReadTypes
) -> list[Finding]:
    """What is odd about the server's clock, now and when the previous generation was read."""
    lowest, highest = octane.clock.lowest or ahead, octane.clock.highest or ahead
    findings: list[Finding] = []
    for workspace in dict.fromkeys(workspace for workspace, _ in read.results):
        states = parent.states.get(workspace, {}) if parent is not None else {}
        by_changes = [
            state
            for entity, state in states.items()
            if state.mode == "changes" and (workspace, entity) in read.results
        ]
        texts = [
            *clock_findings(began, ahead, lowest, highest),
            *set_back_findings(began, by_changes),
        ]
        findings += [Finding(workspace, text) for text in texts]
    return findings


def _publish(
    octane: Octane,
    version: str,
    draft: Draft,
    plan: Plan,
    workspaces: Mapping[str, Workspace],
    moments: Moments,
    read: ReadTypes,
    changes: FieldChanges,
    tables: Mapping[str, TableEntry],
    scripts: Scripts,
    history: History,
    certificate: list[CertificateRow],
    findings: Sequence[Finding],
    names: Mapping[str, str | None],
) -> Manifest:
    parent, results = draft.parent, read.results
    sources = {entry.name: entry for entry in (scripts.table, history.table)}
    schema_changes = [*(parent.schema_changes if parent is not None else ()), *changes.changes]
    if parent is not None:
        for result in results.values():
            schema_changes += list_changes(draft.generation, result.workspace, result.lists)
    states = history.added_to(scripts.added_to(merge_states(parent, results)))
    user = octane.current_user()
    return draft.publish(
        as_of=moments.as_of,
        server_url=octane.url,
        server_version=version,
        shared_space=octane.shared_space,
        tables={**tables, **sources},
        states=states,
        fields=changes.fields,
        certificate=certificate,
        schema_changes=schema_changes,
        politeness=_politeness(octane),
        findings=[
            *plan.findings,
            *refusals(read.refused),
            *changes.findings(),
            *cross_check(plan, results, workspaces),
            *findings_on_values(results.values(), states),
            *scripts.findings,
            *history.findings,
            *findings_on_restores(states, workspaces),
            *findings,
        ],
        signed_in_user_id=user.id if user else None,
        signed_in_user_name=user.name if user else None,
        workspaces=list(workspaces),
        workspace_names=names,
        server=server_findings(octane, parent, version, moments.as_of),
    )


def _politeness(octane: Octane) -> dict[str, Any]:
    """What was requested and waited for, in the form that JSON gives it back."""
    politeness = asdict(octane.politeness)
    return {**politeness, "collections": list(politeness["collections"])}
