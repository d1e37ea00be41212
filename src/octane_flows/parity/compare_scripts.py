"""The scripts of manual tests on both sides. Each costs a request: the newest 200 are compared.

A workspace of the client, a warehouse connection and the parameters of flow 4 in, how many scripts
were compared and which read otherwise out; `verify_flows` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import duckdb

from octane_flows.errors import NotFoundError
from octane_flows.parity.requests.requests_for_tests import scripted_tests
from octane_flows.parity.send_requests import RestWorkspace, utc_time
from octane_flows.parity.verification import Difference, Reason
from octane_flows.questions.catalogue import question_named
from octane_flows.questions.run_question import Value, parse_parameters

SCRIPTED_FLOW: Final = "manual_test_steps_and_attachments"
SCRIPT: Final = "its script"  # how the detail of a difference of scripts begins
MOST_SCRIPTS = 200  # requests that a check may add for a workspace


class ScriptedWorkspace(RestWorkspace, Protocol):
    """What is used of a workspace of the client where scripts are compared too."""

    def script(self, test_id: str) -> dict[str, Any]: ...  # noqa: D102


def compare_scripts(
    workspace: ScriptedWorkspace,
    connection: duckdb.DuckDBPyConnection,
    params: Mapping[str, Value],
    cursor: datetime,
) -> tuple[int, list[Difference]]:
    """Compare scripts word for word; none where the extract reads none (OCTANE_SCRIPTS).

    Scripts that changed at or after `cursor` (UTC) may read otherwise. Raises ServerError.
    """
    if not _has_scripts(connection, workspace.id):
        return 0, []
    flow = question_named("flow", SCRIPTED_FLOW)
    phrases = scripted_tests(parse_parameters(flow, {**flow.defaults, **params}))
    tests = workspace.page(
        "manual_tests",
        fields=["last_modified"],
        query=";".join(phrases) or None,
        order_by="-last_modified",
        limit=MOST_SCRIPTS,
    ).rows
    scripts = _scripts(connection, workspace.id, [str(test["id"]) for test in tests])
    differences: list[Difference] = []
    for test in tests:
        id = str(test["id"])
        try:
            script = workspace.script(id)["script"]
        except NotFoundError:  # deleted since it was listed
            continue
        if script != scripts.get(id):
            time = utc_time(test["last_modified"])
            reason: Reason = "changed" if time >= cursor else "different"
            detail = f"{SCRIPT} reads otherwise; last modified {time:%Y-%m-%d %H:%M:%S} UTC"
            differences.append(Difference(id, "neither", reason, detail))
    return len(tests), differences


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
