"""A question with a past `as_of` answers as the warehouse of then, or its page says what it cannot.

PAST_WORLDS sets how many workspaces are made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pytest

from octane_flows import refresh, warehouse
from octane_flows.config import load_settings
from octane_flows.questions import Question, list_questions, past_limit, run_question
from octane_flows.warehouse import connect_as_of, load_models
from octane_simulator import serve
from tests.e2e.support import environment_of
from tests.property.world_of_work import World

WORLDS = int(os.environ.get("PAST_WORLDS", "1"))
QUESTIONS = [
    question
    for question in [*list_questions("flow"), *list_questions("metric")]
    if "as_of" in question.defaults
]
#: What docs/metrics.md and docs/flows.md say of every question: names and the like are of now.
OF_NOW = re.compile(r".*(_name|_names|_label|_labels|_url)|owner_user_id")
#: Links of tests are in no history, so that those of now count: its note on what is not told apart.
EXEMPT = {"watched_states"}


@dataclass
class Past:
    """A warehouse, and one of an earlier moment of the same lake."""

    then: duckdb.DuckDBPyConnection
    now: duckdb.DuckDBPyConnection
    moment: datetime


@pytest.fixture(scope="module", params=range(1, WORLDS + 1))
def past(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Past]:
    home = tmp_path_factory.mktemp("past")
    world = World(request.param)
    models = [it for it in load_models() if it.schema in ("er", "flow", "metric")]
    with serve(world.simulator) as server:
        settings = load_settings(environment_of(server, home))
        world.go_on(150)
        refresh.update_lake(settings)
        world.go_on(150)
        refresh.update_lake(settings)
        warehouse.build(home, models=models)
    with connect_as_of(home, 1, models=models) as then, warehouse.connect(home) as now:
        (moment,) = then.execute("select as_of from meta.generation").fetchall()[0]
        yield Past(then, now, moment)


def answer(
    connection: duckdb.DuckDBPyConnection, question: Question, **params: Any
) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = run_question(connection, question, params).to_pylist()
    return {tuple(str(row[name]) for name in question.key): row for row in rows}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_past_as_of_answers_as_the_past_or_the_page_says_what_is_of_now(
    question: Question, past: Past
) -> None:
    then = answer(past.then, question)
    now = answer(past.now, question, as_of=past.moment)
    differing = {
        name
        for key in then.keys() & now.keys()
        for name, value in then[key].items()
        if now[key][name] != value and not OF_NOW.fullmatch(name)
    }
    limit = past_limit(past.now, question, {"as_of": past.moment})

    if limit is None and question.slug not in EXEMPT:
        assert then.keys() == now.keys()
        assert differing == set()
    if limit is not None:
        assert f"{question.kind} {question.slug} --as-of {past.moment:%Y-%m-%dT%H:%M:%S}" in limit
    assert past_limit(past.then, question, {"as_of": past.moment}) is None  # it is of then


def test_most_answers_about_the_past_have_rows(past: Past) -> None:
    empty = [question.slug for question in QUESTIONS if not answer(past.then, question)]

    assert len(empty) <= len(QUESTIONS) // 4, empty


def test_metrics_that_need_a_note_have_one(past: Past) -> None:
    """The two of which the present cannot tell the past, with this world, differ and say so."""
    for slug in ("release_readiness", "traceability"):
        (question,) = (it for it in QUESTIONS if it.slug == slug)

        assert answer(past.then, question) != answer(past.now, question, as_of=past.moment)
        assert past_limit(past.now, question, {"as_of": past.moment}) is not None
