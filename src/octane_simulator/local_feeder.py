"""Rows, results, scripts and files that go into a simulated server in process.

In: a Simulator and what a client would send. Out: the same writes, by the same rules, without HTTP.
Called by datasets and tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from octane_simulator.http import workspace_routes
from octane_simulator.results import result_tasks

if TYPE_CHECKING:
    from octane_simulator.simulator import Simulator

__all__ = ["LocalFeeder"]


class LocalFeeder:
    """Writes through the write layer in process, with the same rules as over HTTP."""

    def __init__(self, simulator: Simulator, workspace: str | None = None) -> None:
        self.simulator = simulator
        self.workspace = simulator.workspaces[workspace or simulator.workspace]

    def create(self, collection: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add rows and return their ids; a refused row is a ValueError."""
        entity = self.workspace.schema.by_collection[collection]
        outcome = self.workspace.writer.create(entity, list(rows))
        _raise(collection, outcome.errors)
        return outcome.ids

    def update(self, collection: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows that name their id; a refused row is a ValueError."""
        entity = self.workspace.schema.by_collection[collection]
        _raise(collection, self.workspace.writer.update(entity, list(rows)).errors)

    def post_test_results(self, xml: bytes) -> None:
        """Post automated results and return when the server has taken them over."""
        answer = self._results("POST", "", xml)
        task = json.loads(answer.get_data())
        while task.get("status") in {"queued", "running"}:
            task = json.loads(self._results("GET", f"/{task['id']}", b"").get_data())
        if task.get("status") not in {"success", "warning"}:
            raise ValueError(f"Test results were not taken over: {task}")

    def send(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, content_type: str
    ) -> None:
        """Send what is no row, such as a script or a file; a refusal is an ApiError."""
        builder = EnvironBuilder(
            path="/", method=method, query_string=dict(params), data=body, content_type=content_type
        )
        request = Request(builder.get_environ())
        builder.close()
        workspace_routes.answer(self.simulator, request, self.workspace.id, path.split("/"))

    def set_clock(self, now: datetime) -> None:
        """Freeze the server's clock at a time."""
        self.simulator.clock.set(now, frozen=True)

    def _results(self, method: str, path: str, body: bytes) -> Response:
        base = (
            f"/api/shared_spaces/{self.simulator.shared_space}"
            f"/workspaces/{self.workspace.id}/test-results"
        )
        builder = EnvironBuilder(
            path=base + path, method=method, data=body or None, content_type="application/xml"
        )
        request = Request(builder.get_environ())
        builder.close()
        return result_tasks.handle(self.workspace.store, request)


def _raise(collection: str, errors: Sequence[tuple[int, Exception]]) -> None:
    if errors:
        index, error = errors[0]
        raise ValueError(f"Row {index} of {collection} was refused: {error}")
