"""Rows, results, scripts and files that go into a simulated server in process.

In: a Space and what a client would send. Out: the same writes, by the same rules, without HTTP.
Made by `Simulator.feeder`; used by datasets and tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from octane_simulator.http import workspace_routes
from octane_simulator.results.result_tasks import find_task, post
from octane_simulator.simulated_space import Space

__all__ = ["LocalFeeder"]


class LocalFeeder:
    """Writes into one workspace in process, with the same rules as over HTTP."""

    def __init__(self, space: Space, workspace: str | None = None) -> None:
        self._space = space
        self._workspace = space.workspaces[workspace or space.first.id]

    def create(self, collection: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add rows and return their ids; a refused row is a ValueError."""
        entity = self._workspace.schema.by_collection[collection]
        outcome = self._workspace.writer.create(entity, list(rows))
        _raise(collection, outcome.errors)
        return outcome.ids

    def update(self, collection: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows that name their id; a refused row is a ValueError."""
        entity = self._workspace.schema.by_collection[collection]
        _raise(collection, self._workspace.writer.update(entity, list(rows)).errors)

    def failed_runs(self, test_name: str) -> list[str]:
        """The ids of a test's automated runs whose newest result failed, in order."""
        rows = self._workspace.store.read(
            "select id from run where type = 'run_automated' and test_name = ?"
            " and native_status_id = 'list_node.run_native_status.failed' order by id",
            [test_name],
        )
        return [str(id) for (id,) in rows]

    def post_test_results(self, xml: bytes) -> None:
        """Post automated results, which the server stores before this returns."""
        task_id, _ = post(self._workspace.store, xml)
        task = find_task(self._workspace.store, task_id)
        if task is None or task.status not in {"success", "warning"}:
            raise ValueError(f"The server did not store the test results: {task}")

    def send(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, content_type: str
    ) -> None:
        """Send what is no row, such as a script or a file; a refusal is an ApiError."""
        builder = EnvironBuilder(
            path="/", method=method, query_string=dict(params), data=body, content_type=content_type
        )
        request = Request(builder.get_environ())
        builder.close()
        workspace_routes.answer(self._space, request, self._workspace.id, path.split("/"))

    def set_clock(self, now: datetime) -> None:
        """Freeze the server's clock at a time."""
        self._space.clock.set(now, frozen=True)


def _raise(collection: str, errors: Sequence[tuple[int, Exception]]) -> None:
    if errors:
        index, error = errors[0]
        raise ValueError(f"Row {index} of {collection} was refused: {error}")
