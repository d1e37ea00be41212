"""Which runs are the last runs of their test.

In: the id of a test. Out: `test_of_last_run` of its runs renewed. Called by writer.py for manual
and suite runs, and by result_ingest.py.
"""

from __future__ import annotations

from octane_simulator.store.entity_store import Store

__all__ = ["renew_last_runs"]

PLANNED = "list_node.run_native_status.planned"
_RUNS = """
    SELECT r.id, r.type, r.native_status_id, coalesce(r.started, r.creation_time),
        r.release_id, r.milestone_id, r.program_id, r.test_of_last_run_id,
        (SELECT group_concat(b) FROM run_taxonomy WHERE a = r.id)
    FROM run r WHERE r.test_id = ? AND coalesce(r.draft_run, 0) = 0
"""


def renew_last_runs(store: Store, test_id: str | int) -> None:
    """One last run for each release, milestone, program and tag set, and one planned run each."""
    newest: dict[tuple[object, ...], tuple[tuple[str, int], int]] = {}
    marked_runs: set[int] = set()
    with store.transaction():
        rows = store.read(_RUNS, (int(test_id),))
        for run, _, native, moment, release, milestone, program, last, tags in rows:
            key = (release, milestone, program, tags, native == PLANNED)
            rank = (moment, run)
            if key not in newest or rank > newest[key][0]:
                newest[key] = (rank, run)
            if last is not None:
                marked_runs.add(run)
        last_runs = {run for _, run in newest.values()}
        kind = store.type_of("test", test_id)
        run_sql = store.connection.executemany
        run_sql(
            "UPDATE run SET test_of_last_run_id = NULL, test_of_last_run_type = NULL WHERE id = ?",
            [(run,) for run in marked_runs - last_runs],
        )
        run_sql(
            "UPDATE run SET test_of_last_run_id = ?, test_of_last_run_type = ? WHERE id = ?",
            [(int(test_id), kind, run) for run in last_runs - marked_runs],
        )
