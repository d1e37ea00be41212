"""The engine Spark for the commands that have `--engine`, where an installation has it.

A master's address in, a session, a build or an answer out; `build`, `flow` and `metric` call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from octane_flows.cli.command_line import data_folder, data_lake, errors, output, print_step
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from octane_flows.questions import Question
    from octane_flows.spark import Published


def require_spark() -> None:
    """Raise UsageError where what Spark needs is not installed."""
    try:
        import octane_flows.spark  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"The engine spark needs what is not installed here ({error}); "
            "install it with: pip install 'octane-flows[spark]'"
        ) from error


def refuse_master(master: str | None) -> None:
    """Refuse an address of Spark where DuckDB runs the SQL."""
    if master:
        raise UsageError("--master is Spark's address; add --engine spark, or leave it out.")


@contextmanager
def spark_session(master: str | None) -> Iterator[SparkSession]:
    """A session of Spark on a master; Spark's own log goes into the data folder."""
    require_spark()
    from octane_flows import spark

    if not master:
        raise UsageError("The engine spark needs its address: add --master, such as local[2].")
    with spark.open_session(master, spark.spark_folder(data_folder()) / spark.LOG) as session:
        yield session


def build_on_spark(master: str | None, workspaces: Sequence[str] | None, *, verbose: bool) -> None:
    """Have Spark write the warehouse's tables and answers as Parquet files."""
    with spark_session(master) as session:
        from octane_flows import spark

        published = spark.build(
            data_folder(),
            session,
            lake=data_lake(),
            workspaces=workspaces,
            progress=print_step if verbose else None,
        )
    _print_published(published)


def answer_from_spark(
    question: Question, parameters: Mapping[str, str | None], master: str | None
) -> pa.Table:
    """The rows of a flow or metric from the files that Spark built."""
    require_spark()
    from octane_flows import questions, spark

    published = spark.read_published(data_folder())
    values = questions.parse_parameters(question, parameters)
    with spark_session(master) as session:
        answer = spark.answer(session, published, question.name, values)
    if published.of(question.name).status == "partial":
        reason = published.of(question.name).reason
        errors.print(f"finding      the answer of {question.slug} is partial: {reason}")
    return answer


def _print_published(published: Published) -> None:
    """Tell what Spark published, and name each model that it refused."""
    models = published.models
    refused = {name: model for name, model in models.items() if model.status == "refused"}
    output.print(
        f"spark        generation {published.generation}: {len(published.tables)} tables, "
        f"{len(models) - len(refused)} of {len(models)} models in {published.folder}",
        soft_wrap=True,
    )
    partial_count = sum(model.status == "partial" for model in models.values())
    if partial_count:
        errors.print(
            f"partial      {partial_count} models read what the lake does not hold; "
            f"see {published.folder / 'published.json'}",
        )
    for name, model in refused.items():
        errors.print(f"refused      {name}: {model.reason}")
