"""The states that a letter knew, kept beside the data: changes since then, whatever came late.

A CI server gives a result the time at which its build began, hours before the result comes, so by
times alone a failure that is new would seem to be one of the last letter. The data folder and the
moments of two letters in, the rows of `metric.changes` out; `warehouse_changes` calls it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octane_flows.questions import question_named, run_question
from octane_flows.warehouse import load_models
from octane_flows.warehouse.file_replacement import replace_file

FOLDER: Final = "letters"
#: What lasts longer and was not known is no news: a workspace or an entity type is read anew.
LATEST_DAYS: Final = 3
#: The two tables of states that `metric.changes` begins with.
STATES: Final = re.compile(
    r"^with states_before as \(.*?^\),\n\nstates_after as \(.*?^\),\n", re.MULTILINE | re.DOTALL
)

STATES_BEFORE: Final = f"""
with known_states as (
    select states.*
    from known as states
    where states.item_id is null or exists (
        select 1
        from (
            select workspace_id, 'test' as item_type, test_id as item_id from er.automated_results
            union all select workspace_id, work_item_type, work_item_id from er.work_items
            union all select workspace_id, 'requirement', requirement_id from er.requirements
            union all select workspace_id, 'release', release_id from er.releases
        ) as items
        where items.workspace_id = states.workspace_id
            and items.item_type = states.item_type
            and items.item_id = states.item_id
    )
)

from known_states
union all by name
select present_states.*
from states_after as present_states
anti join known_states
    on known_states.workspace_id = present_states.workspace_id
    and known_states.topic_code = present_states.topic_code
    and known_states.item_id is not distinct from present_states.item_id
    and known_states.part_id = present_states.part_id
where present_states.run_count is null
    and present_states.since_at < $since - to_days({LATEST_DAYS})
    -- a defect that was done then, and is open again, is overdue since a time before that
    and (
        present_states.topic_code <> 'overdue'
        or (present_states.workspace_id, present_states.item_id) not in (
            select (known_states.workspace_id, known_states.item_id)
            from known_states
            where known_states.topic_code = 'defect'
        )
    )
"""


class KnownStates:
    """The states of the moments of letters, in the folder `letters` of a data folder.

    `is_dry`: nothing is written.
    """

    def __init__(self, home: Path, *, is_dry: bool = False) -> None:
        self._folder = home / FOLDER
        self._is_dry = is_dry

    def of(self, moment: datetime) -> pa.Table | None:
        """The states of a moment (UTC), as a letter of then knew them; None: none was sent then."""
        try:
            return pq.read_table(self._path(moment))
        except (OSError, pa.ArrowException):  # missing or damaged: the times must do
            return None

    def keep(self, moment: datetime, states: pa.Table) -> None:
        """Write the states that a letter of a moment knows. Raises LakeError."""
        if self._is_dry:
            return
        content = io.BytesIO()
        pq.write_table(states, content)
        with suppress(OSError):  # writing the file says why
            self._folder.mkdir(exist_ok=True)
        replace_file(self._path(moment), content.getvalue())

    def keep_only(self, moments: Iterable[datetime]) -> None:
        """Delete the states that no letter to come begins with."""
        kept = {self._path(moment) for moment in moments}
        for path in self._folder.glob("*.parquet"):
            if path not in kept:
                with suppress(OSError):  # the next letter tries again
                    path.unlink()

    def _path(self, moment: datetime) -> Path:
        return self._folder / f"{moment:%Y%m%dT%H%M%S%f}.parquet"


def present_states(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The states of a warehouse's own moment. Raises UsageError."""
    return run_question(connection, question_named("metric", "watched_states"))


def changes_since_known(
    connection: duckdb.DuckDBPyConnection, known: pa.Table, present: pa.Table, since: datetime
) -> pa.Table:
    """The rows of `metric.changes` from the states that a letter knew to those of now.

    A state that it did not know is no change where it began more than three days before `since`.
    A workspace of which it knew nothing is as the warehouse of now has it at `since`. Items that
    are gone by now have no states.
    """
    question = question_named("metric", "watched_states")
    if new := set(present["workspace_id"].to_pylist()) - set(known["workspace_id"].to_pylist()):
        then = run_question(connection, question, {"as_of": since})
        of_new = pc.is_in(then["workspace_id"], pa.array(sorted(new)))
        known = pa.concat_tables([known, then.filter(of_new)], promote_options="default")
    (model,) = (model for model in load_models() if model.name == "metric.changes")
    sql, count = STATES.subn("with ", model.sql)
    assert count == 1, "metric.changes begins with states_before and states_after"
    with connection.cursor() as cursor:
        cursor.register("known", known)
        cursor.register("states_after", present)
        before = cursor.sql(STATES_BEFORE, params={"since": since}).to_arrow_table()
        cursor.register("states_before", before)
        order = model.header.order
        return cursor.sql(f"from ({sql}) as changes order by {order}").to_arrow_table()
