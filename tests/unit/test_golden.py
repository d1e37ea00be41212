"""Every model on the rows of its golden pages: given rows in, expected rows out, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from octane_flows.models import load_models
from octane_flows.models.sql_folder import sql_folder
from octane_flows.parity.requests import DOCUMENTED_REQUESTS
from octane_flows.questions import Question, documented_flows, list_questions
from tests.golden.cases import BASE, WORKSPACE, Case, all_cases, base_sets, cases_of, questions
from tests.golden.pages import (
    Row,
    format_base,
    format_page,
    parse_base,
    parse_page,
    with_expected,
)
from tests.golden.warehouse import CaseWarehouse, explain_difference

MODELS = {model.name: model for model in load_models()}
MOST_ROWS = 30

every_case = pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
every_question = pytest.mark.parametrize("name", questions())


@pytest.fixture(scope="module")
def warehouse() -> Iterator[CaseWarehouse]:
    with CaseWarehouse() as opened:
        yield opened


@pytest.fixture(scope="module")
def twins() -> Iterator[CaseWarehouse]:
    with CaseWarehouse(only_twins=True) as opened:
        yield opened


@every_case
def test_the_answer_has_the_expected_rows(
    case: Case, warehouse: CaseWarehouse, request: pytest.FixtureRequest
) -> None:
    if {case.slug, case.id} & set(request.config.getoption("--golden-update") or ()):
        page = with_expected(case.page, warehouse.answer(case))
        case.path.write_text(format_page(page), encoding="utf-8", newline="\n")
        return
    difference = warehouse.difference(case)
    if difference:
        pytest.fail(f"tests/golden/{case.id}.md\n{case.page.about}\n{difference}", pytrace=False)


@every_case
def test_workspaces_with_the_same_ids_do_not_mix(
    case: Case, warehouse: CaseWarehouse, twins: CaseWarehouse
) -> None:
    beside_others = warehouse.twin_answer(case)

    assert beside_others == twins.twin_answer(case)
    if "workspace_id" not in case.parameters and case.kind != "er":
        own = [row for row in beside_others if row["workspace_id"] == WORKSPACE]
        assert warehouse.twin_answer(case, workspace=WORKSPACE) == own


@every_case
def test_no_two_rows_of_an_answer_have_one_key(case: Case, warehouse: CaseWarehouse) -> None:
    key = MODELS[case.model].header.key
    keys = [tuple(row[part] for part in key) for row in warehouse.answer(case)]

    assert len(keys) == len(set(keys))


@every_question
def test_without_any_rows_nothing_is_answered(name: str, empty: CaseWarehouse) -> None:
    assert empty.rows_of_all(name) == []


@pytest.fixture(scope="module")
def empty() -> Iterator[CaseWarehouse]:
    with CaseWarehouse([]) as opened:
        yield opened


@every_question
def test_every_question_has_its_file_and_golden_cases(name: str) -> None:
    cases = {case.name for case in cases_of(name)}

    assert (sql_folder() / f"{name.replace('.', '/')}.sql").is_file()
    assert "ordinary" in cases
    assert cases & {"empty", "nothing_matches"}
    assert len(cases) >= (2 if name.startswith("plan.") else 3)


def test_every_golden_page_is_a_case_of_a_model_and_no_slug_stands_twice() -> None:
    assert {case.model for case in all_cases()} <= set(MODELS)
    flows, metrics = list_questions("flow"), list_questions("metric")
    assert len({question.slug for question in (*flows, *metrics)}) == len(flows) + len(metrics)


@every_case
def test_pages_are_formatted_and_small_and_give_the_reason_of_each_expected_row(
    case: Case,
) -> None:
    text = case.path.read_text(encoding="utf-8")

    assert format_page(parse_page(text, case.id)) == text, (
        f"write the page anew with: pytest tests/unit/test_golden.py --golden-update {case.id}"
    )
    assert all(len(rows) <= MOST_ROWS for rows in case.given.values())
    unexplained = [row.values for row in case.expected if not row.why]
    assert unexplained == [], "write in the column 'why' why each row is expected"
    if case.name == "empty":
        assert not case.page.given
        assert not case.page.rows_of


def test_the_base_is_formatted_and_every_set_serves_several_cases() -> None:
    text = BASE.read_text(encoding="utf-8")
    title, about = (part.strip() for part in text.split("\n\n", 2)[:2])
    taken = [name for case in all_cases() for name in case.page.base]

    assert format_base(title.removeprefix("# "), about, base_sets().values()) == text
    assert parse_base(text, "base.md") == base_sets()
    assert {name for name in base_sets() if name not in taken} == set()


def test_a_join_that_is_taken_away_makes_a_case_fail(warehouse: CaseWarehouse) -> None:
    model = MODELS["flow.planned_runs"]
    changed = re.sub(r"\bleft\s+join\b", "join", model.sql)
    assert changed != model.sql

    failures = warehouse.failures("flow.planned_runs", changed)

    assert {failure.case.model for failure in failures} == {"flow.planned_runs"}
    assert "is missing: workspace_id '1002'" in failures[0].difference
    assert len(warehouse.failures("flow.planned_runs", changed, only_first=True)) == 1
    assert warehouse.failures("flow.planned_runs", model.sql) == []


def test_sql_of_a_relation_is_tried_with_all_cases_that_depend_on_it(
    warehouse: CaseWarehouse,
) -> None:
    sql = MODELS["er.last_runs"].sql

    without_rows = warehouse.failures("er.last_runs", f"select * from ({sql}) where false")
    wrong = warehouse.failures("er.last_runs", "select nothing")

    assert len({failure.case.model for failure in without_rows}) > 5
    assert all("does not run" in failure.difference for failure in wrong)
    assert warehouse.failures("er.last_runs", sql) == []


def test_a_failure_names_the_row_with_its_reason() -> None:
    model = MODELS["metric.burn_up"]
    key: dict[str, str | None] = {"workspace_id": "1002", "release_id": "1"}
    kept = Row({**key, "day_date": "2021-01-01", "item_count": "1"}, "the first day")
    changed = Row({**key, "day_date": "2021-01-02", "item_count": "2"}, "a story came")
    missing = Row({**key, "day_date": "2021-01-03", "item_count": None}, "the last day")
    answer = [dict(kept.values), {**changed.values, "item_count": "3"}]

    difference = explain_difference([kept, changed, missing], answer, model)

    assert "the first day" not in difference
    assert "item_count is '3', expected '2' (a story came)" in difference
    assert "item_count null (the last day)" in difference
    assert "another order" in explain_difference(
        [kept, changed], [dict(changed.values), dict(kept.values)], model
    )


def test_everything_takes_a_workspace_or_all_in_the_same_words() -> None:
    parameters = {
        model.name: [
            (parameter.type, parameter.default, parameter.meaning)
            for parameter in model.header.parameters
            if parameter.name == "workspace_id"
        ]
        for model in load_models()
        if model.schema in ("flow", "metric", "plan")
    }

    words = ("text", None, "workspace to look at; null means all")
    assert parameters == {name: [words] for name in parameters}


@pytest.mark.parametrize("flow", documented_flows(), ids=lambda flow: flow.slug)
def test_every_documented_flow_has_its_requests(flow: Question) -> None:
    assert flow.slug in DOCUMENTED_REQUESTS, (
        f"write the documented requests of {flow.slug} in parity/requests"
    )
