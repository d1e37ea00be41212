"""One flow or metric with parameters, answered by Spark from what was built.

A session, a build and typed values in, an Arrow table out; the command line calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.models.model import Model, load_models
from octane_flows.spark.spark_build import create_databases, register
from octane_flows.spark.spark_publication import Published
from octane_flows.spark.spark_session import require_meaning
from octane_flows.spark.spark_sql import Value, translate
from octane_flows.warehouse.duckdb_file import first_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def answer(
    session: SparkSession, built: Published, name: str, values: Mapping[str, Value] | None = None
) -> pa.Table:
    """The rows of `flow.<slug>` or `metric.<slug>`; values that are not given are the defaults.

    Raises OctaneFlowsError where the build refused the model.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    state = built.of(name)
    if state.status == "refused":
        raise OctaneFlowsError(
            f"{name} is not answered by Spark: {state.reason}; ask DuckDB, without --engine."
        )
    models = {model.name: model for model in load_models()}
    require_meaning(session)
    create_databases(session)
    for source in sorted(_tables_of(name, models)):
        register(session, source, built.path(source), built.columns[source])
    try:
        return session.sql(translate(models[name], built.page, values)).toArrow()
    except (PySparkException, Py4JError) as error:
        raise UsageError(
            f"Spark could not answer {name} ({first_line(error)}); correct the parameters, or "
            "build again with 'octane-flows build --engine spark'."
        ) from error


def _tables_of(name: str, models: Mapping[str, Model]) -> set[str]:
    """The tables that an answer reads; the answer of another one is made from that one's tables."""
    tables: set[str] = set()
    for source in models[name].sources:
        is_answer = source.startswith(("flow.", "metric."))
        tables |= _tables_of(source, models) if is_answer else {source}
    return tables
