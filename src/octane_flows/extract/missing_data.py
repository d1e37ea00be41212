"""What the lake has and the server no longer gives: workspaces and entity types that grow old.

Workspaces, their metadata and the previous generation come in; what can be read, and findings about
the rest, go out. `run_extract` calls it. One workspace that may not be read costs that workspace.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from octane_flows.client import Metadata, Workspace
from octane_flows.errors import AccessError, ExtractError, NotFoundError, ServerError
from octane_flows.extract.extract_plan import Key, is_readable
from octane_flows.lake import Finding, Manifest


def read_metadata(
    workspaces: Mapping[str, Workspace], threads: int
) -> tuple[dict[str, Metadata], dict[str, str]]:
    """The metadata of each workspace, and the reasons of those that may not be read.

    Raises ServerError when none of them may be read.
    """
    metadata: dict[str, Metadata] = {}
    refused: dict[str, str] = {}
    first: ServerError | None = None
    with ThreadPoolExecutor(threads, thread_name_prefix="metadata") as pool:
        requested = {id: pool.submit(workspace.metadata) for id, workspace in workspaces.items()}
        try:
            for id, answer in requested.items():
                try:
                    metadata[id] = answer.result()
                except (AccessError, NotFoundError) as error:
                    refused[id] = str(error)
                    first = first or error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if first is not None and not metadata:
        raise first
    return metadata, refused


def unreadable_workspaces(
    parent: Manifest | None, refused: Mapping[Key, str], workspaces: Collection[str]
) -> dict[str, str]:
    """The workspaces with an entity type that has no rows yet and may not be read, with reasons.

    Raises ExtractError when that leaves no workspace.
    """
    states = parent.states if parent is not None else {}
    never: dict[str, list[str]] = {}
    for workspace, entity in refused:
        if entity not in states.get(workspace, {}):
            never.setdefault(workspace, []).append(entity)
    if never and never.keys() >= set(workspaces):
        pairs = [(entity, id) for id, entities in never.items() for entity in entities]
        names = ", ".join(f"{entity} (workspace {id})" for entity, id in pairs)
        skips = " ".join(f"--skip {entity}" for entity in dict.fromkeys(name for name, _ in pairs))
        reason = next(refused[id, entity] for entity, id in pairs)
        raise ExtractError(
            f"The server lists but does not let this user or API key read: {names}. Nothing was "
            f"published; ask for a role that reads them, or leave them out with {skips}. "
            f"{reason}"
        )
    return {
        id: f"the server lists but does not let this user or API key read {', '.join(entities)}"
        for id, entities in never.items()
    }


def unlisted_workspaces(parent: Manifest | None, listed: Iterable[str]) -> dict[str, str]:
    """The workspaces of the lake that the server no longer lists, with the reason."""
    stored = parent.workspaces if parent is not None else {}
    return dict.fromkeys(sorted(stored.keys() - set(listed)), "the server no longer lists it")


def absent_types(parent: Manifest | None, metadata: Mapping[str, Metadata]) -> dict[Key, str]:
    """The entity types with stored rows that metadata no longer offers, with the reason."""
    certificate = parent.certificate if parent is not None else ()
    return {
        (row.workspace, row.entity): "no longer in the server's metadata"
        for row in certificate
        if not row.is_history
        and row.workspace in metadata
        and not is_readable(metadata[row.workspace], row.entity)
    }


def types_of(parent: Manifest | None, workspaces: Mapping[str, str]) -> dict[Key, str]:
    """The entity types that the lake has of some workspaces, with the reason of each workspace."""
    certificate = parent.certificate if parent is not None else ()
    return {
        (row.workspace, row.entity): workspaces[row.workspace]
        for row in certificate
        if not row.is_history and row.workspace in workspaces
    }


def findings_on_missing(
    refused: Mapping[str, str], unlisted: Sequence[str], types: Collection[Key]
) -> list[Finding]:
    """Findings about workspaces that were not read, and about entity types that are gone."""
    return [
        *(
            Finding(id, f"the workspace was not read, and what the lake has of it grows old: "
                    f"{reason.rstrip('.')}")
            for id, reason in refused.items()
        ),
        *(
            Finding(id, "the server no longer lists the workspace; its rows are kept as they "
                    f"were. To let go of them: octane-flows drop-workspace {id}")
            for id in unlisted
        ),
        *(
            Finding(workspace, f"{entity} is no longer in the server's metadata; its rows are "
                    "kept as they were and grow old")
            for workspace, entity in sorted(types)
        ),
    ]  # fmt: skip
