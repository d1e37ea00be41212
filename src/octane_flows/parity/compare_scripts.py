"""The scripts of manual tests on both sides: one request a test, so of those that changed last.

A workspace of the client, a warehouse connection and the parameters of flow 4 in, how many scripts
were compared and which read otherwise out; `proof` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import duckdb

from octane_flows.errors import NotFoundError
from octane_flows.parity.requests.requests_for_tests import scripted_tests
from octane_flows.parity.send_requests import RestWorkspace
from octane_flows.parity.verification import Difference
from octane_flows.questions.catalogue import flow_named
from octane_flows.questions.run_question import Value, parse_parameters

SCRIPTED_FLOW: Final = "manual_test_steps_and_attachments"
MOST_SCRIPTS = 200  # requests that a check may add for a workspace


class ScriptedWorkspace(RestWorkspace, Protocol):
    """What is used of a workspace of the client where scripts are compared too."""

    def script(self, test_id: str) -> dict[str, Any]: ...  # noqa: D102


def compare_scripts(
    workspace: ScriptedWorkspace,
    connection: duckdb.DuckDBPyConnection,
    params: Mapping[str, Value],
    known_to: datetime,
) -> tuple[int, list[Difference]]:
    """Compare scripts word for word; none where the extract reads none (OCTANE_SCRIPTS).

    What changed at or after `known_to` (UTC) may read otherwise. Raises ServerError.
    """
    if not _has_scripts(connection, workspace.id):
        return 0, []
    flow = flow_named(SCRIPTED_FLOW)
    defaults: dict[str, Value] = {one.name: one.default for one in flow.parameters}
    wanted = ";".join(scripted_tests(parse_parameters(flow, {**defaults, **params})))
    tests = workspace.page(
        "manual_tests",
        fields=["last_modified"],
        query=wanted or None,
        order_by="-last_modified",
        limit=MOST_SCRIPTS,
    ).rows
    held = _scripts(connection, workspace.id, [str(test["id"]) for test in tests])
    found: list[Difference] = []
    for test in tests:
        id = str(test["id"])
        try:
            script = workspace.script(id)["script"]
        except NotFoundError:  # deleted since it was listed
            continue
        if script != held.get(id):
            modified = datetime.fromisoformat(test["last_modified"]).astimezone(UTC)
            is_new = modified.replace(tzinfo=None) >= known_to
            detail = f"its script reads otherwise; last modified {modified:%Y-%m-%d %H:%M:%S} UTC"
            found.append(Difference(id, "neither", "changed" if is_new else "different", detail))
    return len(tests), found


def _has_scripts(connection: duckdb.DuckDBPyConnection, workspace_id: str) -> bool:
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "select exists (select 1 from er.test_scripts as scripts "
            "where scripts.workspace_id = ?)",
            [workspace_id],
        ).fetchall()
    return bool(rows[0][0])


def _scripts(
    connection: duckdb.DuckDBPyConnection, workspace_id: str, test_ids: Sequence[str]
) -> dict[str, str | None]:
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "select scripts.test_id, scripts.script_text from er.test_scripts as scripts "
            "where scripts.workspace_id = ? and list_contains(?, scripts.test_id)",
            [workspace_id, list(test_ids)],
        ).fetchall()
    return dict(rows)
