"""All documented flows and the metrics on planning against plain Python, over generated workspaces.

The evaluation (`octane_flows.parity.deep`, which `verify --deep` uses) reads entities afresh and
shares nothing with the SQL. EVALUATED_WORKSPACES sets how many workspaces are generated (from
EVALUATED_FIRST on), EVALUATED_DRAWS how often the parameters of each flow are drawn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from octane_flows import refresh, warehouse
from octane_flows.client import Octane
from octane_flows.config import load_settings
from octane_flows.parity.deep import EVALUATORS, Entities, compare_deeply, read_entities
from octane_flows.parity.deep.entities_afresh import WORK_ITEMS, moment
from octane_flows.questions import (
    Question,
    documented_flows,
    parse_parameters,
    question_named,
    run_question,
)
from octane_flows.warehouse import Model, load_models
from octane_simulator import Simulator, serve
from tests.e2e.support import environment_of
from tests.property.drawn_parameters import draw_parameters
from tests.property.plain_metrics import FIELDS, METRICS

COUNT = int(os.environ.get("EVALUATED_WORKSPACES", "2"))
FIRST = int(os.environ.get("EVALUATED_FIRST", "1002"))
DRAWS = int(os.environ.get("EVALUATED_DRAWS", "10"))
RUNS = 100
USER = {"type": "workspace_user", "id": "1001"}
FLOWS = documented_flows()


def generated(workspaces: tuple[str, ...]) -> Simulator:
    """Workspaces that differ, with values in user-defined fields of several kinds."""
    simulator = Simulator(dataset="generated", seed=FIRST, workspaces=workspaces, runs=RUNS)
    simulator.add_field("defect", "tested_on_udf", "string")
    simulator.add_field("defect", "risk_udf", "reference", list_root="list_node.severity")
    simulator.add_field("defect", "costs_udf", "integer")
    simulator.add_field("story", "agreed_udf", "boolean")
    simulator.add_field(
        "story", "reviewers_udf", "reference", targets=["workspace_user"], multiple=True
    )
    for workspace, world in simulator.workspaces.items():
        dice = random.Random(f"{FIRST}/{workspace}")
        for (id,) in world.store.read("SELECT id FROM work_item WHERE type = 'defect'"):
            if dice.random() < 0.4:
                risk = {"type": "list_node", "id": "list_node.severity.high"}
                values = {"tested_on_udf": f"board {id}", "costs_udf": dice.randrange(9)}
                world.store.update(
                    "defect", str(id), {**values, "risk_udf": dice.choice([None, risk])}
                )
        for (id,) in world.store.read("SELECT id FROM work_item WHERE type = 'story'"):
            if dice.random() < 0.2:
                values = {"agreed_udf": dice.choice([True, False]), "reviewers_udf": [USER]}
                world.store.update("story", str(id), values)
    return simulator


def wanted_models() -> list[Model]:
    """Relations, flows, and the metrics that are evaluated."""
    return [
        model
        for model in load_models()
        if model.schema in ("er", "flow") or model.name in {f"metric.{slug}" for slug in METRICS}
    ]


@pytest.fixture(scope="module")
def workspaces(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Entities]]]:
    ids = tuple(str(FIRST + number) for number in range(COUNT))
    home = tmp_path_factory.mktemp("evaluated")
    with serve(generated(ids)) as server:
        variables = {**environment_of(server, home), "OCTANE_WORKSPACES": ",".join(ids)}
        settings = load_settings({**variables, "OCTANE_SCRIPTS": "true", "OCTANE_HISTORY": "none"})
        refresh.update_lake(settings)
        warehouse.build(home, models=wanted_models())
        with Octane(settings) as octane, warehouse.connect(home) as connection:
            yield (
                connection,
                [
                    read_entities(octane.workspace(id), with_scripts=True, more_fields=FIELDS)
                    for id in ids
                ],
            )


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_a_flow_answers_as_its_plain_evaluation(
    flow: Question, workspaces: tuple[duckdb.DuckDBPyConnection, list[Entities]]
) -> None:
    connection, worlds = workspaces
    rows = values = 0
    for entities in worlds:
        dice = random.Random(f"{flow.slug}/{entities.workspace_id}")
        drawn: list[dict[str, str]] = [{}]
        drawn += [draw_parameters(flow, entities, dice) for _ in range(DRAWS)]
        for params in drawn:
            compared = compare_deeply(connection, entities, flow.slug, params)
            assert compared.differences[:3] == (), (entities.workspace_id, params)
            rows += compared.row_count
            values += compared.row_count * len(compared.columns)

    assert rows, "only empty answers, which prove nothing"
    print(f"{flow.slug}: {rows:,} rows, {values:,} values")


@pytest.mark.parametrize("slug", METRICS)
def test_a_metric_answers_as_its_plain_evaluation(
    slug: str, workspaces: tuple[duckdb.DuckDBPyConnection, list[Entities]]
) -> None:
    connection, worlds = workspaces
    metric = question_named("metric", slug)
    key = [name for name in metric.key if name != "workspace_id"]
    count = 0
    for entities in worlds:
        dice = random.Random(f"{slug}/{entities.workspace_id}")
        for params in ({}, *(draw_of_metric(metric, entities, dice) for _ in range(DRAWS))):
            given = {**params, "workspace_id": entities.workspace_id}
            typed: dict[str, Any] = parse_parameters(metric, {**metric.defaults, **given})
            if typed.get("as_of") is None:
                typed["as_of"] = connection.execute("select as_of from meta.generation").fetchall()[
                    0
                ][0]
            expected = {
                tuple(str(row[name]) for name in key): row for row in METRICS[slug](entities, typed)
            }
            answered = {
                tuple(str(row[name]) for name in key): row
                for row in run_question(connection, metric, given).to_pylist()
            }
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


def is_same(value: Any, other: Any) -> bool:
    """Equal, but for the last digit of a rounded number."""
    if isinstance(value, float) and isinstance(other, float):
        return abs(value - other) <= 0.0101
    return bool(value == other)


def draw_of_metric(metric: Question, entities: Entities, dice: random.Random) -> dict[str, str]:
    """A moment to look from, at or beside one of a row, and other parameters at random."""
    drawn = draw_parameters(metric, entities, dice)
    names = {parameter.name for parameter in metric.parameters}
    if "as_of" in names:
        field = dice.choice(["creation_time", "closed_on"])
        times = [time for row in entities.of(*WORK_ITEMS) if (time := moment(row, field))]
        length = timedelta(days=dice.choice([0, 30, 100]))
        shift = timedelta(seconds=dice.choice([-1, 0, 0, 1]))
        drawn["as_of"] = (dice.choice(times) + length + shift).isoformat()
        if "days" in names:
            drawn["days"] = dice.choice(["30", "100"])
    for name in ("work_item_types", "item_types", "hours"):
        drawn.pop(name, None)
    return drawn


def test_every_documented_flow_has_an_evaluation() -> None:
    assert set(EVALUATORS) == {flow.slug for flow in FLOWS}


def test_a_value_and_a_row_that_differ_are_noticed(
    workspaces: tuple[duckdb.DuckDBPyConnection, list[Entities]],
) -> None:
    connection, (entities, *_) = workspaces
    stories = dict(entities.rows["story"])
    changed, removed = list(stories)[:2]
    stories[changed] = {**stories[changed], "name": "another name"}
    del stories[removed]
    other = Entities(entities.workspace_id, {**entities.rows, "story": stories})

    slug = "descendants_of_items"
    differences = compare_deeply(connection, other, slug, {"item_types": "story"}).differences

    assert question_named("flow", slug).key[-1] == "item_id"
    columns = {(difference.key[-1], difference.column) for difference in differences}
    assert {(changed, "item_name"), (removed, None)} <= columns
