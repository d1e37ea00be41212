"""One extract: read what is new of all that the plan names, publish one generation.

The client and the data folder in, a published manifest and a report out. Called by the command
line and by Dagster. Anything that does not add up publishes nothing; what was read stays for the
next attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from octane_flows.errors import AccessError, ExtractError, UsageError
from octane_flows.extract.certify import Key, certificate_rows
from octane_flows.extract.decode import DecodedPage
from octane_flows.extract.drift import Drift, compare_fields, list_changes
from octane_flows.extract.entity import Context, EntityRun, Known
from octane_flows.extract.journal import Journal, Result
from octane_flows.extract.options import Options
from octane_flows.extract.plan import EntityPlan, Plan, make_plan
from octane_flows.extract.scripts import Scripts, kept_scripts, read_scripts, with_scripts
from octane_flows.extract.tables import merge_tables
from octane_flows.extract.touched import read_touched
from octane_flows.extract.upkeep import process
from octane_flows.lake import Draft, Lake, Manifest, ReadState, SchemaChange
from octane_flows.lake.held import Held
from octane_flows.lake.lock import hold
from octane_flows.octane import Octane, Workspace

#: Called with (what is being read, entity types done, entity types in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class EntityOutcome:
    """One entity type of one workspace: rows and pages read, bytes received, rows written."""

    workspace: str
    entity: str
    rows: int
    links: int
    pages: int
    bytes_received: int
    rows_written: int = 0


@dataclass(frozen=True)
class ExtractReport:
    """What an extract published; `resumed` counts entity types that a stopped one had read."""

    manifest: Manifest
    outcomes: tuple[EntityOutcome, ...]
    resumed: int = 0

    @property
    def rows(self) -> int:
        """Entities read."""
        return sum(one.rows for one in self.outcomes)

    @property
    def rows_written(self) -> int:
        """New versions and tombstones."""
        return sum(one.rows_written for one in self.outcomes)

    @property
    def has_changes(self) -> bool:
        """Whether any data file was written."""
        return any(one.rows_written or one.links for one in self.outcomes)


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

    Raises ExtractError, ServerError or LakeError, and then the former generation is still the
    current one.
    """
    with hold(home, "an extract", wait_s=options.wait_s):
        return _extract(octane, home, lake or Lake(home / "lake"), workspaces, options, progress)


def _extract(
    octane: Octane,
    home: Path,
    lake: Lake,
    workspaces: Sequence[str] | None,
    options: Options,
    progress: Progress | None,
) -> ExtractReport:
    draft = lake.draft()
    parent = draft.parent
    _require_same_server(parent, octane, home)
    as_of = octane.server_time()
    user = octane.current_user()
    ids = list(workspaces) if workspaces is not None else [one.id for one in octane.workspaces()]
    opened = {one: octane.workspace(one) for one in ids}
    metadata = {one: workspace.metadata() for one, workspace in opened.items()}
    plan = make_plan(metadata, only=options.only, skip=options.skip)
    drift = compare_fields(parent, plan, draft.generation, options.accept_retyped)
    journal = Journal(home, lake)
    run = _Run(draft, plan, opened, as_of, options, drift, journal)
    results = run.read(progress)
    drift = drift.without(run.refused, parent)
    as_of = min([as_of, *(one.state.cursor + options.settle for one in results.values())])
    script = Scripts(kept_scripts(parent))
    if options.scripts:
        script = read_scripts(
            draft,
            opened,
            as_of,
            page_size=options.page_size,
            concurrency=options.concurrency,
            overlap=options.overlap,
            settle=options.settle,
            full=options.full,
        )
    manifest = draft.publish(
        as_of=as_of,
        server_url=octane.url,
        server_version=octane.version(),
        shared_space=octane.shared_space,
        tables={**merge_tables(parent, plan, results), script.table.name: script.table},
        states=with_scripts(_states(parent, results), script),
        fields=drift.fields,
        certificate=certificate_rows(parent, plan.entities, results, run.refused, as_of),
        schema_changes=[
            *(parent.schema_changes if parent is not None else ()),
            *drift.changes,
            *_list_changes(draft, results.values()),
        ],
        politeness=_politeness(octane),
        findings=[
            *plan.findings,
            *run.findings(),
            *_cross_check(plan, results, opened),
            *script.findings,
        ],
        signed_in_user_id=user.id if user else None,
        signed_in_user_name=user.name if user else None,
    )
    journal.finish()
    return ExtractReport(manifest, tuple(map(_outcome, results.values())), run.resumed)


def _politeness(octane: Octane) -> dict[str, Any]:
    """What was asked and waited for, as JSON gives it back."""
    told = asdict(octane.politeness)
    return {**told, "collections": list(told["collections"])}


def _require_same_server(parent: Manifest | None, octane: Octane, home: Path) -> None:
    if parent is None or (_is_loopback(parent.server_url) and _is_loopback(octane.url)):
        return  # a simulator or a tunnel takes another port each time
    before, now = (parent.server_url, parent.shared_space), (octane.url, octane.shared_space)
    if before != now:
        raise UsageError(
            f"{home} holds shared space {before[1]} of {before[0]}, not {now[1]} of {now[0]}; "
            "give OCTANE_HOME a folder of its own for each."
        )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class _Run:
    """The reading half of an extract, entity type by entity type."""

    def __init__(
        self,
        draft: Draft,
        plan: Plan,
        workspaces: Mapping[str, Workspace],
        as_of: datetime,
        options: Options,
        drift: Drift,
        journal: Journal,
    ) -> None:
        self.draft = draft
        self.plan = plan
        self.workspaces = workspaces
        self.as_of = as_of
        self.options = options
        self.drift = drift
        self.journal = journal
        self.refused: dict[Key, str] = {}
        self.resumed = 0

    def read(self, progress: Progress | None) -> dict[Key, Result]:
        """Results by workspace and entity type, those of a stopped extract among them."""
        parent = self.draft.parent
        published = parent.generation if parent is not None else 0
        done = self.journal.resume(self.draft.generation, published, self.options.fingerprint())
        results: dict[Key, Result] = {}
        options, total = self.options, len(self.plan.entities)
        tables = parent.tables if parent is not None else {}
        with (
            ThreadPoolExecutor(options.threads, thread_name_prefix="extract") as pool,
            Held(self.draft.lake, tables) as held,
        ):
            context = Context(
                self.draft,
                self.plan,
                self.workspaces,
                self.as_of,
                options,
                pool,
                held,
                self.journal,
                {},
            )
            pending = [one for one in self.plan.entities if not _is_done(one, done)]
            self.resumed = total - len(pending)
            runs = [
                EntityRun(
                    context,
                    one,
                    self._known(one),
                    self.journal.parts.get((one.workspace, one.name)),
                )
                for one in pending
            ]
            asked = [run.first_page() for run in runs]
            try:
                for entity in self.plan.entities:
                    if progress is not None:
                        progress(entity.name, len(results) + len(self.refused), total)
                    key = (entity.workspace, entity.name)
                    if entity not in pending:
                        results[key] = done[key]
                        continue
                    place = pending.index(entity)
                    self._read_one(key, runs[place], asked[place], results)
                results.update(read_touched(context, results, self._known))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        if progress is not None:
            progress("published", total, total)
        self._require_readable()
        return results

    def _read_one(
        self,
        key: Key,
        run: EntityRun,
        asked: Future[DecodedPage] | None,
        results: dict[Key, Result],
    ) -> None:
        try:
            result = process(run, asked)
        except AccessError as error:
            self.refused[key] = str(error)
            return
        self.journal.append(result)
        results[key] = result

    def _known(self, entity: EntityPlan) -> Known:
        key = (entity.workspace, entity.name)
        parent = self.draft.parent
        state = parent.states.get(entity.workspace, {}).get(entity.name) if parent else None
        if parent is None or state is None:
            return Known(None)
        held = [row.rows_held for row in parent.certificate if (row.workspace, row.entity) == key]
        return Known(
            state,
            rows_held=held[0] if held else None,
            new_fields=self.drift.new.get(key, ()),
            again=key in self.drift.again,
        )

    def _require_readable(self) -> None:
        """A type that was never read must be readable; of one that is held the rows are kept."""
        states = self.draft.parent.states if self.draft.parent is not None else {}
        never = [key for key in self.refused if key[1] not in states.get(key[0], {})]
        if not never:
            return
        names = ", ".join(f"{entity} (workspace {workspace})" for workspace, entity in never)
        skips = " ".join(f"--skip {entity}" for _, entity in never)
        raise ExtractError(
            f"The server lists but does not let this user or API key read: {names}. Nothing was "
            f"published; ask for a role that reads them, or leave them out with {skips}."
        )

    def findings(self) -> list[str]:
        """What is odd about this extract but does not stop it."""
        return [
            f"workspace {workspace}: {entity} may no longer be read; the rows held are kept as "
            "they were, and nothing counts as deleted"
            for workspace, entity in self.refused
        ]


def _is_done(entity: EntityPlan, done: Mapping[Key, Result]) -> bool:
    result = done.get((entity.workspace, entity.name))
    return result is not None and result.fields == entity.fingerprint


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


def _cross_check(
    plan: Plan, results: Mapping[Key, Result], workspaces: Mapping[str, Workspace]
) -> list[str]:
    """Findings where an aggregate counts other rows than a full reading of its subtypes brought."""
    findings = []
    for one in plan.aggregates:
        read = [results.get((one.workspace, subtype)) for subtype in one.subtypes]
        counts = [each.counts.rows_read for each in read if each and each.kind == "full"]
        if len(counts) < len(read) or not counts:
            continue
        counted = workspaces[one.workspace].count(one.collection)
        if counted != sum(counts):
            findings.append(
                f"workspace {one.workspace}: {one.collection} counts {counted} rows, its "
                f"subtypes brought {sum(counts)}"
            )
    return findings


def _outcome(result: Result) -> EntityOutcome:
    counts = result.counts
    return EntityOutcome(
        result.workspace,
        result.entity,
        counts.rows_read,
        counts.links_written,
        counts.pages,
        counts.bytes_received,
        counts.rows_written,
    )
