"""What extracts find out about the server's queries: brought to the client, kept in the lake.

The newest manifest and the client come in, findings for the next manifest go out; `run_extract`
calls it. After an upgrade of the server everything is asked again.
"""

from __future__ import annotations

from datetime import datetime

from octane_flows.client import Octane
from octane_flows.lake import Manifest, ServerFinding


def recall_dialect(octane: Octane, parent: Manifest | None, version: str) -> None:
    """Let the client begin with the forms that the server took in earlier extracts."""
    octane.dialect.recall(
        {
            finding.feature: finding.form
            for finding in _of_version(parent, version)
            if not finding.is_taken
        }
    )


def server_findings(
    octane: Octane, parent: Manifest | None, version: str, as_of: datetime
) -> list[ServerFinding]:
    """What this extract found, since when that is so, and what earlier ones found beside it."""
    earlier = {finding.feature: finding for finding in _of_version(parent, version)}
    now = {}
    for answer in octane.dialect.answers():
        before = earlier.get(answer.feature)
        is_same = before is not None and (before.is_taken, before.form) == (
            answer.is_taken,
            answer.form,
        )
        since = before.since if before is not None and is_same else as_of
        now[answer.feature] = ServerFinding(answer.feature, answer.is_taken, answer.form, since)
    return list({**earlier, **now}.values())


def _of_version(parent: Manifest | None, version: str) -> list[ServerFinding]:
    is_same = parent is not None and parent.server_version == version
    return parent.server if parent is not None and is_same else []
