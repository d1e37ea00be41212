"""What must be right before and after an extract reads; what is merely odd becomes a finding.

The former manifest, a plan and results in, an error or findings out; `run` and `every_type` ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from octane_flows.client import Octane, Workspace
from octane_flows.errors import ExtractError, UsageError
from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.extract_plan import Plan
from octane_flows.lake import Finding, Manifest


def require_same_server(parent: Manifest | None, octane: Octane, home: Path) -> None:
    """One folder holds one shared space of one server."""
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


def require_readable(parent: Manifest | None, refused: Mapping[Key, str]) -> None:
    """A type that was never read must be readable; of one that is held the rows are kept."""
    states = parent.states if parent is not None else {}
    never = [key for key in refused if key[1] not in states.get(key[0], {})]
    if not never:
        return
    names = ", ".join(f"{entity} (workspace {workspace})" for workspace, entity in never)
    skips = " ".join(f"--skip {entity}" for _, entity in never)
    raise ExtractError(
        f"The server lists but does not let this user or API key read: {names}. Nothing was "
        f"published; ask for a role that reads them, or leave them out with {skips}."
    )


def refusals(refused: Mapping[Key, str]) -> list[Finding]:
    """Findings about types that may no longer be read."""
    return [
        Finding(
            workspace,
            f"{entity} may no longer be read; the rows held are kept as they were, and nothing "
            "counts as deleted",
        )
        for workspace, entity in refused
    ]


def cross_check(
    plan: Plan, results: Mapping[Key, Result], workspaces: Mapping[str, Workspace]
) -> list[Finding]:
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
                Finding(
                    one.workspace,
                    f"{one.collection} counts {counted} rows, its subtypes brought {sum(counts)}",
                )
            )
    return findings
