"""The golden cases of every flow and metric on Spark: the same pages, the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from octane_flows import spark as on_spark
from octane_flows.lake import Lake
from octane_flows.questions import parse_parameters
from octane_flows.spark import Published
from octane_flows.spark.current_tables import SPARK_TYPES
from octane_flows.spark.spark_build import Build
from octane_flows.spark.spark_publication import new_build_folder, publish
from octane_flows.warehouse import load_models
from tests.golden import kit
from tests.golden.cases import Case, questions
from tests.golden.warehouse import explain_difference, mark_of, shown, without_mark
from tests.spark.goldens import CASES, given_rows, write_goldens

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MODELS = {model.name: model for model in load_models()}


class GoldenBuild(Build):
    """A build whose versions of work items are those that the cases give."""

    def versions(self) -> DataFrame:
        columns = kit.golden_tables()[kit.VERSIONS]
        given = kit.typed(kit.VERSIONS, given_rows()[kit.VERSIONS]).to_pylist()
        schema = ", ".join(f"{name} {SPARK_TYPES[kind]}" for name, kind in columns.items())
        return self._session.createDataFrame([tuple(row.values()) for row in given], schema)

    def check(self) -> None:
        """Some cases give keys twice, to show what a flow does with them."""


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Published:
    home = tmp_path_factory.mktemp("goldens")
    write_goldens(home)
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    return publish(home, GoldenBuild(spark, lake, manifest, new_build_folder(home)).run())


@pytest.fixture(scope="module")
def answers() -> dict[Any, list[dict[str, Any]]]:
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_spark_gives_the_expected_rows(
    case: Case,
    built: Published,
    spark: SparkSession,
    answers: dict[Any, list[dict[str, Any]]],
) -> None:
    question, given, mark = questions()[case.model], case.parameters, mark_of(case)
    if "workspace_id" in given:
        given["workspace_id"] = mark + given["workspace_id"]
    key = (question.name, tuple(given.items()))
    if key not in answers:
        answers[key] = (
            on_spark.answer(spark, built, question.name, parse_parameters(question, given))
            if given
            else pq.read_table(built.path(question.name))
        ).to_pylist()

    own = [row for row in answers[key] if row["workspace_id"].startswith(mark)]
    rows = [{name: without_mark(shown(value), mark) for name, value in row.items()} for row in own]
    assert not explain_difference(case.expected, rows, MODELS[case.model])


def test_no_model_is_refused(built: Published) -> None:
    carried = {m.name for m in load_models() if m.schema in ("er", "flow", "metric")}
    assert {name for name, model in built.models.items() if model.status == "available"} == carried
