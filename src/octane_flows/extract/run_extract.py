"""One extract: read what is new of all that the plan names, publish one generation.

The client and the data folder in, a published manifest and a report out. Called by the command
line and by Dagster. Anything that does not add up publishes nothing; what was read stays for the
next attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from octane_flows.client import Octane, Workspace
from octane_flows.extract.certificate import certificate_rows
from octane_flows.extract.checks import cross_check, refusals, require_same_server
from octane_flows.extract.entity_result import ExtractReport, outcomes
from octane_flows.extract.entity_task import Context
from octane_flows.extract.entity_types import Brought, Progress, read_every_type
from octane_flows.extract.extract_journal import Journal, Key, Result
from octane_flows.extract.extract_plan import Plan, make_plan
from octane_flows.extract.field_changes import Drift, compare_fields, list_changes
from octane_flows.extract.options import Options
from octane_flows.extract.script_reader import Scripts, kept_scripts, read_scripts, with_scripts
from octane_flows.extract.tables import merge_tables
from octane_flows.lake import Draft, Lake, Manifest, ReadState, SchemaChange
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
    """Bring the lake, `home`'s own unless given, up to date with the workspaces (None: all).

    Others may extract other workspaces into the same lake meanwhile. Raises ExtractError,
    ServerError or LakeError, and then nothing of this extract is published.
    """
    lake = lake or Lake(home / "lake")
    require_same_server(lake.current(), octane, home)
    ids = [one.id for one in octane.workspaces()] if workspaces is None else workspaces
    with write_lock(home, "an extract", workspaces=ids, wait_s=options.wait_s):
        draft = Draft(lake)
        as_of = octane.server_time()
        opened = {one: octane.workspace(one) for one in ids}
        metadata = {one: workspace.metadata() for one, workspace in opened.items()}
        plan = make_plan(metadata, only=options.only, skip=options.skip)
        drift = compare_fields(draft.parent, plan, draft.generation, options.accept_retyped)
        journal = Journal(home, lake)
        brought = _read(draft, plan, opened, as_of, options, journal, drift, progress)
        drift = drift.without(brought.refused, draft.parent)
        # what a stopped extract had read is as old as its beginning
        cursors = [one.state.cursor for one in brought.results.values()]
        as_of = min([as_of, *(one + options.settle for one in cursors)])
        script = _scripts(draft, opened, as_of, options, journal)
        manifest = _publish(octane, draft, plan, opened, as_of, brought, drift, script)
        journal.finish()
        if progress is not None:
            progress("published", len(plan.entities), len(plan.entities))
        return ExtractReport(manifest, outcomes(brought.results.values()), brought.resumed)


def _read(
    draft: Draft,
    plan: Plan,
    workspaces: Mapping[str, Workspace],
    as_of: datetime,
    options: Options,
    journal: Journal,
    drift: Drift,
    progress: Progress | None,
) -> Brought:
    tables = draft.parent.tables if draft.parent is not None else {}
    with (
        ThreadPoolExecutor(options.threads, thread_name_prefix="extract") as pool,
        StoredRows(draft.lake, tables) as held,
    ):
        context = Context(draft, plan, workspaces, as_of, options, pool, held, journal)
        try:
            return read_every_type(context, drift, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _scripts(
    draft: Draft,
    workspaces: Mapping[str, Workspace],
    as_of: datetime,
    options: Options,
    journal: Journal,
) -> Scripts:
    if not options.scripts:
        return Scripts(kept_scripts(draft.parent))
    return read_scripts(draft, workspaces, as_of, options, journal)


def _publish(
    octane: Octane,
    draft: Draft,
    plan: Plan,
    workspaces: Mapping[str, Workspace],
    as_of: datetime,
    brought: Brought,
    drift: Drift,
    script: Scripts,
) -> Manifest:
    parent, results, refused = draft.parent, brought.results, brought.refused
    user = octane.current_user()
    return draft.publish(
        as_of=as_of,
        server_url=octane.url,
        server_version=octane.version(),
        shared_space=octane.shared_space,
        tables={**merge_tables(parent, plan, results), script.table.name: script.table},
        states=with_scripts(_states(parent, results), script),
        fields=drift.fields,
        certificate=certificate_rows(parent, plan.entities, results, refused, as_of),
        schema_changes=[
            *(parent.schema_changes if parent is not None else ()),
            *drift.changes,
            *_list_changes(draft, results.values()),
        ],
        politeness=_politeness(octane),
        findings=[
            *plan.findings,
            *refusals(refused),
            *cross_check(plan, results, workspaces),
            *script.findings,
        ],
        signed_in_user_id=user.id if user else None,
        signed_in_user_name=user.name if user else None,
        workspaces=list(workspaces),
    )


def _politeness(octane: Octane) -> dict[str, Any]:
    """What was asked and waited for, as JSON gives it back."""
    told = asdict(octane.politeness)
    return {**told, "collections": list(told["collections"])}


def _states(
    parent: Manifest | None, results: Mapping[Key, Result]
) -> dict[str, dict[str, ReadState]]:
    """The read states of this extract, and the former ones of what it did not read."""
    states = {key: dict(one) for key, one in parent.states.items()} if parent is not None else {}
    for (workspace, entity), result in results.items():
        states.setdefault(workspace, {})[entity] = result.state
    return states


def _list_changes(draft: Draft, results: Iterable[Result]) -> list[SchemaChange]:
    if draft.parent is None:
        return []
    return [
        change
        for result in results
        for change in list_changes(draft.generation, result.workspace, result.lists)
    ]
