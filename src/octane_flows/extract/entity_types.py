"""Every entity type of a plan, read one after the other; what a stopped extract did is taken over.

A context in, results and refusals out; `run` calls it once. First pages of all types are asked for
at once, so that a refresh without changes waits for one answer and not for one a type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from octane_flows.errors import AccessError
from octane_flows.extract.checks import require_readable
from octane_flows.extract.deletions import process
from octane_flows.extract.entity_reading import EntityRun
from octane_flows.extract.entity_task import Context, Known
from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.field_changes import Drift
from octane_flows.extract.link_owners import read_touched
from octane_flows.extract.moved import read_moved
from octane_flows.extract.page_to_arrow import DecodedPage

#: Called with (what is being read, entity types done, entity types in all).
Progress = Callable[[str, int, int], None]


@dataclass
class Brought:
    """What the reading of all types brought; `resumed` counts those that a stopped one had read."""

    results: dict[Key, Result] = field(default_factory=dict)
    refused: dict[Key, str] = field(default_factory=dict)
    resumed: int = 0


def read_every_type(context: Context, drift: Drift, progress: Progress | None) -> Brought:
    """Read, check and write all types. Raises ExtractError where one was never readable."""
    parent, entities = context.draft.parent, context.plan.entities
    published = {one: parent.stamp(one) if parent else 0 for one in context.workspaces}
    done = context.journal.resume(published, context.options.fingerprint())
    done = {_key(one): done[_key(one)] for one in entities if _is_done(one, done)}
    brought = Brought(resumed=len(done))

    def known(entity: EntityPlan) -> Known:
        return _known(context, entity, drift)

    runs = {
        key: EntityRun(context, one, known(one), context.journal.parts.get(key))
        for one in entities
        if (key := _key(one)) not in done
    }
    asked = {key: run.first_page() for key, run in runs.items()}
    for place, entity in enumerate(entities):
        if progress is not None:
            progress(entity.name, place, len(entities))
        key = _key(entity)
        if key in done:
            brought.results[key] = done[key]
        else:
            _read_one(context, runs.pop(key), asked.pop(key), brought)
    moved: dict[Key, Result] = {}
    if context.options.census or context.options.sweep:
        moved = read_moved(context, brought.results)
        brought.results.update(moved)
    if moved or brought.resumed < len(brought.results):  # what came now may touch owners once more
        brought.results = {
            key: replace(one, touched_to=None) for key, one in brought.results.items()
        }
    brought.results.update(read_touched(context, brought.results, known))
    require_readable(parent, brought.refused)
    return brought


def _read_one(
    context: Context, run: EntityRun, asked: Future[DecodedPage] | None, brought: Brought
) -> None:
    key = _key(run.entity)
    try:
        result = process(run, asked)
    except AccessError as error:
        brought.refused[key] = str(error)
        return
    context.journal.append(result)
    brought.results[key] = result


def _known(context: Context, entity: EntityPlan, drift: Drift) -> Known:
    key, parent = _key(entity), context.draft.parent
    state = parent.states.get(entity.workspace, {}).get(entity.name) if parent else None
    if parent is None or state is None:
        return Known(None)
    held = [row.rows_held for row in parent.certificate if (row.workspace, row.entity) == key]
    return Known(
        state,
        rows_held=held[0] if held else None,
        new_fields=drift.new.get(key, ()),
        again=key in drift.again,
    )


def _key(entity: EntityPlan) -> Key:
    return entity.workspace, entity.name


def _is_done(entity: EntityPlan, done: Mapping[Key, Result]) -> bool:
    result = done.get(_key(entity))
    return result is not None and result.fields == entity.fingerprint
