"""Metrics on the course of work against plain Python, over random saves that were recorded.

EVALUATED_WORKSPACES sets how many workspaces are made (from EVALUATED_FIRST on), EVALUATED_DRAWS
how often the parameters of each metric are drawn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from octane_flows import refresh, warehouse
from octane_flows.config import load_settings
from octane_flows.questions import Question, parse_parameters, question_named, run_question
from octane_flows.warehouse import load_models
from octane_simulator import Simulator, serve
from tests.e2e.support import environment_of
from tests.property.plain_planning import METRICS, Course

COUNT = int(os.environ.get("EVALUATED_WORKSPACES", "2"))
FIRST = int(os.environ.get("EVALUATED_FIRST", "1002"))
DRAWS = int(os.environ.get("EVALUATED_DRAWS", "10"))
START = datetime(2021, 1, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Evaluated:
    """A warehouse and the recorded saves of what it holds."""

    course: Course
    connection: duckdb.DuckDBPyConnection
    as_of: datetime


@pytest.fixture(scope="module", params=range(FIRST, FIRST + COUNT))
def evaluated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evaluated]:
    simulator = Simulator(clock=START)
    course = Course(simulator, request.param)
    simulator.clock.advance(timedelta(hours=1))
    home = tmp_path_factory.mktemp("course")
    names = {f"metric.{slug}" for slug in METRICS}
    models = [it for it in load_models() if it.schema == "er" or it.name in names]
    with serve(simulator) as server:
        settings = load_settings(environment_of(server, home))
        refresh.update_lake(settings)
        warehouse.build(home, models=models)
    with warehouse.connect(home) as connection:
        (as_of,) = connection.execute("select as_of from meta.generation").fetchall()[0]
        yield Evaluated(course, connection, as_of)


@pytest.mark.parametrize("slug", METRICS)
def test_a_metric_answers_as_the_recorded_saves_do(slug: str, evaluated: Evaluated) -> None:
    metric = question_named("metric", slug)
    key = [name for name in metric.key if name != "workspace_id"]
    dice = random.Random(f"{slug}/{evaluated.course.releases}")
    count = 0
    for params in ({}, *(draw(metric, evaluated.course, dice) for _ in range(DRAWS))):
        typed: dict[str, Any] = parse_parameters(metric, {**metric.defaults, **params})
        typed["as_of"] = typed.get("as_of") or evaluated.as_of
        expected = {
            tuple(str(row[name]) for name in key): row
            for row in METRICS[slug](evaluated.course, typed)
        }
        rows = run_question(evaluated.connection, metric, params).to_pylist()
        answered = {tuple(str(row[name]) for name in key): row for row in rows}
        assert len(answered) == len(rows)
        assert set(answered) == set(expected), params
        for row_key, row in expected.items():
            differing = {
                name: (value, answered[row_key][name])
                for name, value in row.items()
                if not is_same(value, answered[row_key][name])
            }
            assert differing == {}, (row_key, params)
        count += len(expected)

    assert count, "only empty answers, which prove nothing"


def draw(metric: Question, course: Course, dice: random.Random) -> dict[str, str]:
    """A moment at or beside a save, or so many days after one, and other parameters at random."""
    days = dice.choice([3, 20, 60])
    shift = timedelta(days=dice.choice([0, days]), seconds=dice.choice([-1, 0, 0, 1]))
    release = dice.choice(course.releases).name
    pool = {
        "as_of": (dice.choice(course.moments()) + shift).isoformat(),
        "days": str(days),
        "work_item_types": dice.choice(["story", "defect", "defect, story", "epic"]),
        "release_name": dice.choice([release, f"{release[:3]}*", "*", "nothing"]),
        "reopens": dice.choice(["1", "2", "3"]),
        "small_sample": dice.choice(["1", "3"]),
        "vague_days": dice.choice(["0", "2"]),
    }
    if metric.slug == "reopened_defects":
        del pool["release_name"]  # that in which a defect was found, which the course leaves out
    names = {parameter.name for parameter in metric.parameters} & set(pool)
    return {name: pool[name] for name in sorted(names) if dice.random() < 0.7}


def is_same(value: Any, other: Any) -> bool:
    """Equal, but for the last digit of a rounded number."""
    if isinstance(value, float) and isinstance(other, float):
        return abs(value - other) <= 0.0101
    return bool(value == other)
