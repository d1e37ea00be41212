"""The changes of a data folder: opens its warehouse, chooses the moments, reads the rows.

A data folder, its lake and words for the moments in, a `ChangeList` out; the command `changes` and
letters call it.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from octane_flows import warehouse
from octane_flows.changes.change_list import ChangeList, read_changes
from octane_flows.changes.known_states import (
    KnownStates,
    changes_since_known,
    present_states,
)
from octane_flows.changes.since_choice import chosen_moments
from octane_flows.lake import Lake
from octane_flows.questions import partial_answer, question_named


def changes_of(
    home: Path,
    lake: Lake,
    time_zone: str,
    since: str,
    until: str | None = None,
    workspace: str | None = None,
    known: KnownStates | None = None,
) -> ChangeList:
    """All changes between two moments. Raises UsageError for moments and workspaces that are none.

    `time_zone`: the IANA name of the site's zone, in which dates end and times are shown.
    `known`: the states of letters, in place of those of `since` by today's knowledge; those of now
    are added to them.
    """
    zone = ZoneInfo(time_zone)
    with warehouse.connect(home) as connection:
        if workspace is not None:
            workspace = warehouse.workspace_id_of(connection, workspace)
        moments = chosen_moments(connection, lake, home, zone, since, until)
        names = warehouse.workspace_names(connection)
        answer = None
        if known is not None:
            present = present_states(connection)
            known.keep(moments.until, present)
            before = known.of(moments.since)
            if before is not None:
                answer = changes_since_known(connection, before, present, moments.since)
        gap = partial_answer(connection, question_named("metric", "changes"))
        return read_changes(
            connection,
            moments.since,
            moments.until,
            zone=zone,
            since_text=moments.since_text,
            workspace=workspace,
            workspace_names=names if len(names) > 1 and workspace is None else None,
            gaps=[gap] if gap else [],
            answer=answer,
        )
