"""Values that do not fit their fields: a server whose rows are changed on their way.

A schedule says which field of which row has one; `MisfittingTransport` puts it into the answers,
and `rejected` says what a lake must list of rows that the server has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from octane_flows.client.transport import Request, Response
from octane_simulator import Simulator
from tests.small import SmallTransport

#: What does not fit, by field, with the text that is listed.
MISFITS: dict[str, tuple[tuple[Any, str], ...]] = {
    "name": (({}, "{}"), (["a", 1], '["a", 1]')),
    "severity": (({}, "{}"), (True, "true"), ("half \ud83d", "half \ufffd")),
    "user_tags": (("smoke", "smoke"), ({"total_count": 1, "data": [{}]},
                                       '{"data": [{}], "total_count": 1}')),
    "version_stamp": (("many", "many"), (1.5, "1.5")),
    "last_modified": (("2021-01-20", "2021-01-20"), ("", ""), (1611144000000, "1611144000000")),
    "integer_udf": (("many", "many"), (10**30, str(10**30))),
    "string_udf": (({"a": None}, '{"a": null}'),),
}  # fmt: skip

Misfits = dict[tuple[str, str], tuple[Any, str]]


class MisfittingTransport(SmallTransport):
    """Answers with the misfits in place of the values; they are read at each request."""

    def __init__(
        self, simulator: Simulator, misfits: Misfits, before: Callable[[Request], None] | None
    ) -> None:
        super().__init__(simulator, before)
        self.misfits = misfits

    def send(self, request: Request) -> Response:
        """Answer one request."""
        answer = super().send(request)
        collection = request.url.partition("?")[0].rpartition("/")[2]
        if answer.status != 200 or collection not in ("defects", "stories", "work_items"):
            return answer
        body = json.loads(answer.body)
        for row in body["data"]:
            for name in row:
                if (row["id"], name) in self.misfits:
                    row[name] = self.misfits[row["id"], name][0]
        return replace(answer, body=json.dumps(body).encode())


def rejected(
    misfits: Misfits, ids: Collection[str], fields: Collection[str]
) -> set[tuple[str, str, str]]:
    """What is listed of the rows of an entity type: id, field, value as text."""
    return {
        (id, name, text)
        for (id, name), (_, text) in misfits.items()
        if id in ids and name in fields
    }
