"""What keys block: those of `er` do, in both kinds of build; a flow or metric is only marked."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from octane_flows.errors import CheckError
from octane_flows.models.model import Model
from octane_flows.questions import partial_answer, question_named
from octane_flows.warehouse import (
    CheckResult,
    build,
    connect,
    gaps_of_report,
    gaps_of_warehouse,
    load_models,
)
from octane_flows.warehouse.incremental.previous_build import PreviousBuild
from tests.golden import kit

NAMES = (
    "er.metaphases", "er.phases", "er.phase_periods", "er.work_items", "er.work_item_modules",
    "er.application_modules", "er.list_items", "metric.time_in_phase",
)  # fmt: skip
MODELS = [  # enough for one metric, without relations to models that are left out
    dataclasses.replace(model, header=dataclasses.replace(model.header, relations=()))
    for model in load_models()
    if model.name in NAMES
]
RELEASES = [model for model in load_models() if model.name == "er.releases"]
MACRO = "metric.time_in_phase"

STORY: dict[str, Any] = {
    "id": "7",
    "type": "story",
    "name": "imported",
    "creation_time": datetime(2021, 1, 1),
    "last_modified": datetime(2021, 1, 2),
    "version_stamp": 1,
}


def with_repeated_key(models: list[Model]) -> list[Model]:
    """The models with a metric whose rows come twice."""
    return [
        dataclasses.replace(model, sql=f"{_body(model)} union all {_body(model)}")
        if model.name == MACRO
        else model
        for model in models
    ]


def _body(model: Model) -> str:
    return f"select * from ({model.sql}\n)"


@pytest.mark.parametrize("is_full", [True, False])
def test_a_work_item_without_a_phase_blocks_no_build(tmp_path: Path, is_full: bool) -> None:
    if not is_full:
        kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
        build(tmp_path, models=MODELS)
    kit.write_lake(tmp_path, {"story": [STORY]})
    report = build(tmp_path, models=MODELS, full=is_full)

    assert [
        check.name for check in report.checks if not check.passed and "key:" in check.name
    ] == []
    with connect(tmp_path) as connection:
        rows = connection.sql(f"select phase_id, still_in_it_count from {MACRO}()").fetchall()
        assert rows == [(None, 1)]
        assert partial_answer(connection, question_named("metric", "time_in_phase")) is None


def test_a_repeated_key_of_a_metric_is_told_and_published(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"story": [STORY]})
    report = build(tmp_path, models=with_repeated_key(MODELS), count_questions=True)

    failed = [(check.name, check.severity) for check in report.checks if not check.passed]
    assert failed == [(f"key:{MACRO}", "warn")]
    marked = {model.name: model.reason for model in report.models if model.status == "repeated"}
    assert list(marked) == [MACRO]
    assert "phase_id=None row_count=2" in (marked[MACRO] or "")
    [gap] = gaps_of_report(report)
    assert gap.startswith(f"repeated: {MACRO}")
    with connect(tmp_path) as connection:
        assert gaps_of_warehouse(connection) == [gap]
        sentence = partial_answer(connection, question_named("metric", "time_in_phase"))
        assert sentence is not None
        assert "several rows with one key" in sentence
        statuses = "select count(*), count(distinct model) from meta.models"
        assert connection.sql(statuses).fetchall() == [(len(report.models),) * 2]


def test_the_mark_stays_after_an_update(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"story": [STORY]})
    build(tmp_path, models=with_repeated_key(MODELS), count_questions=True)
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    report = build(tmp_path, models=with_repeated_key(MODELS))

    assert [model.name for model in report.models if model.status == "repeated"] == [MACRO]

    kit.write_lake(tmp_path, {"story": [{**STORY, "id": "8"}]})
    report = build(tmp_path, models=with_repeated_key(MODELS))

    assert [model.name for model in report.models if model.status == "repeated"] == [MACRO]
    assert any("'octane-flows build --count'" in gap for gap in gaps_of_report(report))

    report = build(tmp_path, models=MODELS, count_questions=True)

    assert [model.name for model in report.models if model.status == "repeated"] == []
    assert gaps_of_report(report) == []


def test_a_build_counts_questions_only_when_it_is_asked_to(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"story": [STORY]})
    report = build(tmp_path, models=with_repeated_key(MODELS))

    rows = {model.name: model.rows for model in report.models}
    assert (rows[MACRO], rows["er.work_items"]) == (None, 1)
    names = {check.name for check in report.checks}
    assert f"key:{MACRO}" not in names
    assert "key:er.work_items" in names
    assert gaps_of_report(report) == []

    counted = build(tmp_path, models=with_repeated_key(MODELS), count_questions=True)

    assert {model.name: model.rows for model in counted.models} == {**rows, MACRO: 2}
    with connect(tmp_path) as connection:
        sql = f"select row_count, status from meta.models where model = '{MACRO}'"
        assert connection.execute(sql).fetchall() == [(2, "repeated")]


@pytest.mark.parametrize("is_full", [True, False])
def test_a_repeated_key_of_a_relation_blocks_both_kinds_of_build(
    tmp_path: Path, is_full: bool
) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    build(tmp_path, models=RELEASES)
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "a"}, {"id": "6", "name": "b"}]})

    with pytest.raises(CheckError, match=r"key:er\.releases"):
        build(tmp_path, models=RELEASES, full=is_full)


@pytest.mark.parametrize(("severity", "is_taken_over"), [("warn", True), ("error", False)])
def test_an_update_runs_the_checks_of_macros_that_may_block(
    severity: Any, is_taken_over: bool
) -> None:
    result = CheckResult("stays", severity, True, "")
    previous = PreviousBuild(3, {}, {"stays": result}, frozenset({MACRO}))

    kept = previous.check_result("stays", [MACRO])

    assert (kept is not None and kept.last_run_generation == 3) == is_taken_over
