"""Golden cases notice a change of a model: a fixed sample of mutants, and those of changed models.

`make mutants` tries all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from octane_flows.models.model import load_models
from tests.golden.warehouse import CaseWarehouse
from tests.mutants.changed_models import changed_models
from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.same_query import read_same_queries
from tests.mutants.sample import chosen
from tests.mutants.trial import try_mutants

#: What `make test` has time for: with both, less than twenty seconds of CPU.
SAMPLE, MOST_OF_CHANGED_MODELS = 20, 40
SEED = 1
MODELS = {model.name: model for model in load_models() if model.schema != "check"}
#: Flows, metrics and plans; mutants of `er` models run the cases of all their readers.
QUESTIONS = [name for name in MODELS if not name.startswith("er.")]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[CaseWarehouse]:
    with CaseWarehouse() as warehouse:
        yield warehouse


def not_noticed(warehouse: CaseWarehouse, mutants: list[Mutant]) -> list[str]:
    """The mutants that no case notices and that are not listed as the same query."""
    listed = read_same_queries()
    by_model: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        if mutant.key not in listed:
            by_model.setdefault(mutant.model, []).append(mutant)
    return [
        f"{verdict.mutant.model}: {verdict.mutant.change}"
        for name, made in by_model.items()
        for verdict in try_mutants(warehouse, MODELS[name], made)
        if verdict.case is None
    ]


def test_a_sample_of_mutants_is_noticed(warehouse: CaseWarehouse) -> None:
    mutants = [mutant for name in QUESTIONS for mutant in mutants_of(MODELS[name])]

    assert not_noticed(warehouse, chosen(mutants, SAMPLE, SEED)) == []


def test_mutants_of_changed_models_are_noticed(warehouse: CaseWarehouse) -> None:
    changed = [name for name in changed_models() if name in QUESTIONS]
    mutants = [mutant for name in changed for mutant in mutants_of(MODELS[name])]

    assert not_noticed(warehouse, chosen(mutants, MOST_OF_CHANGED_MODELS, SEED)) == []


def test_every_entry_of_the_list_is_a_mutant_and_has_a_reason() -> None:
    listed = read_same_queries()
    mutants = {
        mutant.key for name in {model for model, _ in listed} for mutant in mutants_of(MODELS[name])
    }

    assert set(listed) - mutants == set()
    assert all(len(reason.split()) > 3 for reason in listed.values())


def test_a_mutant_changes_one_thing() -> None:
    changes = {mutant.change: mutant.sql for mutant in mutants_of(MODELS["er.phases"])}

    assert list(changes) == [
        "result: without COALESCE(phase.logical_name, phase.id)",
        "result: without COALESCE(metaphase.logical_name, phase.metaphase_id)",
        "result: inner join of metaphase",
        "result: without join condition metaphase._workspace_id = phase._workspace_id",
        "result: without join condition metaphase.id = phase.metaphase_id",
    ]
    assert "LEFT JOIN" not in changes["result: inner join of metaphase"]


def test_what_gives_the_same_rows_is_not_noticed_and_what_does_not_is(
    warehouse: CaseWarehouse,
) -> None:
    model = MODELS["er.teams"]
    same = Mutant(model.name, "same rows", f"{model.sql} where true")
    other = Mutant(model.name, "no rows", f"{model.sql} where false")

    assert not_noticed(warehouse, [same, other]) == ["er.teams: same rows"]
