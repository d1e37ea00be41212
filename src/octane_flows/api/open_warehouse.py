"""One opened warehouse: flows, metrics, SQL and tables as DuckDB relations, now or as of then.

A data folder in, relations out; `octane_flows.open` makes it. It reads one file that no refresh
changes: open again to see what was published since.
"""

from __future__ import annotations

import os
import warnings
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from types import TracebackType

import duckdb

from octane_flows import questions, warehouse
from octane_flows.api.flows_and_metrics import Flows, Metrics, Plans
from octane_flows.api.plotted_answer import Answer, answer_of
from octane_flows.config import load_home, load_lake
from octane_flows.er_diagrams import NotebookDiagram, chosen_diagram, with_counts
from octane_flows.errors import UsageError
from octane_flows.lake import Lake, open_lake
from octane_flows.questions import Question, Value, question_named

FLOWS = (
    "select number, slug, title, question, rows_mean, status from meta.flows "
    "order by number nulls last, slug"
)
METRICS = (
    "select split_part(model, '.', 2) as slug, question, grain as rows_mean, status "
    "from meta.models where model like 'metric.%' order by slug"
)
PLANS = METRICS.replace("'metric.%'", "'plan.%'")


class OpenWarehouse:
    """Read-only access to one generation of a warehouse.

    Every answer is a DuckDB relation: `.df()` is a pandas frame, `.to_arrow_table()` an Arrow
    table, `.arrow()` a reader of record batches; `.filter`, `.order` and the like go on in DuckDB.
    `.plot()` of a question's answer draws the chart that the report has of it.
    Mistakes raise `octane_flows.errors.UsageError` with the command line's sentences.
    """

    def __init__(self, home: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.home = home
        #: The connection itself, for libraries that want one.
        self.connection = connection
        #: The flows as methods: `wh.flows.planned_runs()`; `wh.flows()` lists them.
        self.flows = Flows(self.flow, lambda: connection.sql(FLOWS))
        #: The metrics as methods: `wh.metrics.flaky_tests(days=30)`; `wh.metrics()` lists them.
        self.metrics = Metrics(self.metric, lambda: connection.sql(METRICS))
        #: The requests that writing flows would send, as rows:
        #: `wh.plans.stories_with_completed_tasks()`; nothing is sent. `wh.plans()` lists them.
        self.plans = Plans(self.plan, lambda: connection.sql(PLANS))
        (self.generation, self.read_at), *_ = connection.execute(
            "select generation, as_of from meta.generation"
        ).fetchall()

    def __repr__(self) -> str:
        return (
            f"<warehouse {self.home}, generation {self.generation}, "
            f"as of {self.read_at:%Y-%m-%d %H:%M:%S} UTC>"
        )

    def __enter__(self) -> OpenWarehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; relations made from it end with it."""
        self.connection.close()

    def flow(self, slug: str, /, **parameters: Value) -> Answer:
        """The rows of one flow; parameters that are not given keep their defaults."""
        return self._answer(question_named("flow", slug), parameters)

    def metric(self, slug: str, /, **parameters: Value) -> Answer:
        """The rows of one metric; parameters that are not given keep their defaults."""
        return self._answer(question_named("metric", slug), parameters)

    def plan(self, slug: str, /, **parameters: Value) -> Answer:
        """The requests of one plan, as rows; `octane-flows apply` sends them."""
        return self._answer(question_named("plan", slug), parameters)

    def sql(self, sql: str, /, **parameters: Value) -> duckdb.DuckDBPyRelation:
        """The rows of a query; `$name` in it is the parameter of that name.

        `octane_history.<entity>` holds every version of an entity that was ever read.
        """
        if past := warehouse.history_named_in(sql):
            warehouse.attach_history(self.connection, self._lake(), past)
        return warehouse.sql_relation(self.connection, sql, parameters)

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """All rows of a table, such as `er.runs`, `octane.defect` or `meta.certificate`."""
        return warehouse.table_relation(self.connection, name)

    def er(self, *names: str) -> NotebookDiagram:
        """A diagram of areas, flows, metrics, plans or tables, with counts, for a notebook.

        `.mermaid` and `.svg` are its texts; without names it has all tables.
        """
        return NotebookDiagram(with_counts(chosen_diagram(names), self.connection))

    def history(self, entity: str, id: str | None = None) -> duckdb.DuckDBPyRelation:
        """Every version ever read of an entity type or of one entity, oldest first."""
        versions = warehouse.history(self.home, entity, id, lake=self._lake())
        return self.connection.from_arrow(versions)

    def generations(self) -> duckdb.DuckDBPyRelation:
        """The generations that `as_of` can go back to: number and time (UTC)."""
        return self.connection.from_arrow(warehouse.generations(self._lake()))

    def as_of(self, when: str | int | date | datetime) -> OpenWarehouse:
        """Open the warehouse as it was: a generation's number, a date (its end) or a UTC time.

        The first time builds that past warehouse beside the current one, which takes a while.
        """
        return OpenWarehouse(self.home, warehouse.connect_as_of(self.home, when, lake=self._lake()))

    def _lake(self) -> Lake:
        """The lake that this warehouse was built from. Raises UsageError.

        The settings name the lake of their own data folder. Another data folder has its lake
        inside, or in the bucket of the settings if that has this warehouse's generation.
        """
        place = load_lake(os.environ)
        if self.home.resolve() == load_home(os.environ).resolve():
            return open_lake(self.home, place)
        own = Lake(self.home / "lake")
        if place is None or own.folder.is_dir():
            return own
        lake = open_lake(self.home, place)
        if not self._is_built_from(lake):
            raise UsageError(
                f"{self.home} has no folder lake, and {lake.storage.describe()} of OCTANE_LAKE "
                f"does not have its generation {self.generation}; set OCTANE_HOME to {self.home}, "
                "and OCTANE_LAKE to the bucket of its lake, or unset it."
            )
        return lake

    def _is_built_from(self, lake: Lake) -> bool:
        """Whether the lake keeps the generation that this warehouse shows."""
        if self.generation not in {entry.generation for entry in lake.kept()}:
            return False
        manifest = lake.manifest(self.generation)
        (origin, *_) = self.connection.execute(
            "select as_of, server_url, shared_space from meta.generation"
        ).fetchall()
        as_of = manifest.as_of.astimezone(UTC).replace(tzinfo=None)
        return origin == (as_of, manifest.server_url, manifest.shared_space)

    def _answer(self, question: Question, parameters: dict[str, Value]) -> Answer:
        if finding := questions.partial_answer(self.connection, question):
            warnings.warn(finding, stacklevel=3)
        values, unknown = questions.given_values(self.connection, question, parameters)
        for value in unknown:
            warnings.warn(value.sentence, questions.UnknownValueWarning, stacklevel=3)
        if limit := questions.past_limit(self.connection, question, values):
            warnings.warn(limit, questions.PresentInPastWarning, stacklevel=3)
        relation = questions.question_relation(self.connection, question, values)
        return answer_of(question, relation)


def open_warehouse(home: str | PathLike[str] | None = None) -> OpenWarehouse:
    """Open the published warehouse of a data folder; None: the command line's. UsageError."""
    folder = load_home(os.environ) if home is None else Path(home).expanduser()
    if folder.is_file() or folder.suffix == ".duckdb":
        raise UsageError(
            f"{folder} names a file, and octane_flows.open takes the data folder that holds it; "
            f'write octane_flows.open("{folder.parent}").'
        )
    return OpenWarehouse(folder, warehouse.connect(folder))
