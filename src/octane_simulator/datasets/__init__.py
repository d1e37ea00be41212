"""Data to fill a simulated workspace with; called by the simulator, the demo and the tests.

In: a `Feeder`, which may write into a store in this process or over HTTP into any server. Out: the
server's rows. `generated` alone writes into a store directly, because of its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

__all__ = ["Event", "Feeder"]

#: Something that happens at a moment of a dataset's story.
Event = tuple[datetime, Callable[[], None]]


class Feeder(Protocol):
    """How a dataset reaches a server; collections are named as in the REST API."""

    def create(self, collection: str, rows: list[dict[str, Any]]) -> Sequence[str]:
        """Create rows and return their ids in order."""
        ...

    def update(self, collection: str, rows: list[dict[str, Any]]) -> None:
        """Change rows that carry their `id`."""
        ...

    def failed_runs(self, test_name: str) -> Sequence[str]:
        """The ids of a test's automated runs whose newest result failed, in order."""
        ...

    def post_test_results(self, xml: bytes) -> None:
        """Post one test-results document and return when its task is done."""
        ...

    def send(
        self, method: str, path: str, params: Mapping[str, str], body: bytes, content_type: str
    ) -> None:
        """Send what is no row, such as a script or a file; `path` is below the workspace."""
        ...

    def set_clock(self, now: datetime) -> None:
        """Stop the server's clock at a moment, so that stamps are the story's."""
        ...
