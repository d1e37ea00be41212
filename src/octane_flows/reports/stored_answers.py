"""Answers of flows and metrics, each evaluated a single time for all workspaces of a report.

A connection in; the first rows of a workspace, counts and selects over a whole answer out. The
report's content calls it. An answer is a temporary table of DuckDB, of which only the rows that a
page shows come to Python.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, question_named, store_answer
from octane_flows.reports.shared_answers import SharedAnswers
from octane_flows.warehouse import require_finite
from octane_flows.warehouse.duckdb_file import damaged_warehouse, first_line, is_damaged


@dataclass(frozen=True)
class Answer:
    """The first rows of a workspace, and how many rows the whole answer has for it."""

    rows: pa.Table
    row_count: int


class StoredAnswers:
    """The answers of one report; tables live as long as this and its connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, workspaces: list[str]) -> None:
        self.cursor = connection.cursor()
        self._is_single = len(workspaces) == 1
        self._counts: dict[str, dict[str, int]] = {}
        self._shared = SharedAnswers(self.cursor)

    def table(self, question: Question) -> str:
        """The name of the table with the whole answer. Raises UsageError, OctaneFlowsError."""
        name = f"report_{question.kind}_{question.slug}"
        if name not in self._counts:
            for source in self._shared.sources(question.name):
                self.table(question_named("metric", source.removeprefix("metric.")))
            store_answer(self.cursor, question, name, self._shared.macro(question.name))
            self._shared.add(question.name, name)
            self._counts[name] = self._count(name)
        return name

    def row_count(self, question: Question) -> int:
        """How many rows the whole answer has. Raises UsageError, OctaneFlowsError."""
        return sum(self._counts[self.table(question)].values())

    def store(self, name: str, sql: str) -> str:
        """Store a select of ours under a name, once."""
        if name not in self._counts:
            self.cursor.execute(f"create or replace temp table {name} as {sql}")
            self._counts[name] = self._count(name)
        return name

    def first(
        self, name: str, workspace: str, limit: int, *, order: str = "", where: str = ""
    ) -> Answer:
        """The first rows of a workspace; `order` and `where` are SQL of ours, without: all."""
        conditions = [condition for condition in (self.of(name, workspace), where) if condition]
        rest = f" where {' and '.join(conditions)}" if conditions else ""
        ordered = f" order by {order}" if order else ""
        rows = self.select(f"select * from {name}{rest}{ordered} limit {limit}")
        require_finite(rows, f"The answer {name.removeprefix('report_')}")
        if where:
            return Answer(rows, self.number(f"select count(*) from {name}{rest}"))
        counts = self._counts[name]
        return Answer(rows, counts.get("" if "" in counts else workspace, 0))

    def select(self, sql: str) -> pa.Table:
        """The rows of a select of ours."""
        return self.cursor.sql(sql).to_arrow_table()

    def number(self, sql: str) -> int:
        """The single number that a select of ours answers."""
        return int(self.cursor.execute(sql).fetchall()[0][0] or 0)

    def drop(self, name: str) -> None:
        """Forget an answer that no page reads any more."""
        if self._counts.pop(name, None) is not None:
            self.cursor.execute(f"drop table {name}")

    def of(self, name: str, workspace: str) -> str:
        """The condition for a workspace; none where all rows are of it, or none says its own."""
        if self._is_single:
            return ""
        columns = [row[0] for row in self.cursor.execute(f"describe {name}").fetchall()]
        text = workspace.replace("'", "''")
        return f"workspace_id = '{text}'" if "workspace_id" in columns else ""

    def _count(self, name: str) -> dict[str, int]:
        if self.of(name, ""):
            rows = self.cursor.execute(
                f"select workspace_id, count(*) from {name} group by workspace_id"
            ).fetchall()
            return {str(workspace): int(count) for workspace, count in rows}
        return {"": self.number(f"select count(*) from {name}")}


def problem_of(error: Exception) -> str:
    """What a section says in place of its answer, in one line.

    Raises LakeError where the warehouse is damaged: no other section can be relied on then.
    """
    if is_damaged(error):
        raise error if isinstance(error, OctaneFlowsError) else damaged_warehouse(error)
    return first_line(error)
