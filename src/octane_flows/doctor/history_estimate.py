"""What a first load of the change history will take: one request for each entity type.

The client, the plan and the counts of all types come in, one diagnosis goes out; `examination`
calls it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil

from octane_flows.client import Octane
from octane_flows.client import field as column
from octane_flows.doctor.diagnosis import Diagnosis
from octane_flows.doctor.estimate import Counts
from octane_flows.errors import AccessError, AnswerError, OctaneFlowsError
from octane_flows.extract import Plan
from octane_flows.extract.extract_plan import Key
from octane_flows.extract.history_pages import MAX_RECORDS, NEWEST_FIRST
from octane_flows.extract.history_reader import IDS_PER_HISTORY_REQUEST, WAYS, history_types

TITLE = "change history"


def examine_history(
    octane: Octane,
    names: Sequence[str],
    plan: Plan,
    counts: Counts,
    pool: ThreadPoolExecutor,
    deadline: float,
) -> Diagnosis:
    """Requests and records of a first load of the history; `names` are those of the settings."""
    workspaces = dict.fromkeys(entity.workspace for entity in plan.entities)
    keys = [(id, name) for id in workspaces for name in history_types(plan, names, id)]
    records: dict[Key, int] = {}
    at_least: set[Key] = set()
    refused: set[Key] = set()
    failed: list[str] = []

    def count(key: Key) -> None:
        if time.monotonic() > deadline:
            at_least.add(key)
            return
        workspace, name = key
        try:
            page = octane.workspace(workspace).history_page(
                WAYS[0].collection,
                query=column("entity_type").eq(name),
                order_by=NEWEST_FIRST,
                limit=1,
            )
            body = page.parse_any()
            if not isinstance(body, dict) or not isinstance(body.get("total_count"), int):
                raise AnswerError("The change history came without a count.")
        except AccessError:
            refused.add(key)
        except OctaneFlowsError as error:
            failed.append(str(error))
        else:
            records[key] = body["total_count"]
            if body.get("exceeds_total_count") is True or records[key] >= MAX_RECORDS:
                at_least.add(key)

    list(pool.map(count, keys))
    by_ids = sum(ceil(counts.rows.get(key, 0) / IDS_PER_HISTORY_REQUEST) for key in refused)
    requests = sum(1 + rows // MAX_RECORDS for rows in records.values()) + by_ids
    facts = {"requests": requests, "records": sum(records.values())}
    about = "at least" if at_least else "about"
    text = f"{about} {requests:,} requests, {facts['records']:,} records"
    if failed:
        remedy = "ask for a role that reads it, or set OCTANE_HISTORY=none"
        return Diagnosis(TITLE, "warning", f"may not be read ({failed[0]})", remedy, facts)
    if refused:
        return Diagnosis(TITLE, "ok", f"{text}; read by the ids of entities", facts=facts)
    return Diagnosis(TITLE, "ok", text, facts=facts)
