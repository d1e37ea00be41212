"""What single live servers do that others do not: queries, suite runs, a full queue of results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.contract_requests import NOW, WS, client_of, get, make, refusal, switch


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    simulator = Simulator(clock=NOW)
    with client_of(simulator) as client:
        yield client
    simulator.close()


def ask(client: httpx.Client, collection: str, query: str) -> httpx.Response:
    return client.get(f"{WS}/{collection}", params={"query": f'"{query}"'})


def document(number: int) -> str:
    return (
        f'<test_result><build server_id="s" job_id="j" build_id="{number}"/><test_runs>'
        '<test_run name="t" class="C" duration="1" status="Passed" started="1430919295889"/>'
        "</test_runs></test_result>"
    )


def report(client: httpx.Client, number: int) -> httpx.Response:
    headers = {"Content-Type": "application/xml"}
    return client.post(f"{WS}/test-results", content=document(number), headers=headers)


def test_unequal_is_the_same_as_not_equal(client: httpx.Client) -> None:
    ids = make(client, "defects", {"name": "a"}, {"name": "b"})
    for query in ("name!='a'", "!name='a'", "name != ^a^"):
        assert [row["id"] for row in ask(client, "defects", query).json()["data"]] == ids[1:], query
    assert ask(client, "defects", "owner!={null}").json()["total_count"] == 0


@pytest.mark.parametrize(
    ("without", "refused", "taken"),
    [
        (">= !=", ["id>=1", "name!='x'", "id=1;id>=1"], ["id GE 1", "!name='x'", "id>1"]),
        ("IN", ["id IN 1,2"], ["id=1||id=2", "name='IN'"]),
        ("{null}", ["owner={null}"], ["!owner={id GE 0}"]),
        ("cross", ["phase={id='phase.defect.new'}"], ["owner={null}"]),
        ("BTW GE", ["id BTW 1...2", "id GE 1"], ["id>=1"]),
    ],
)
def test_a_server_may_lack_operators(
    client: httpx.Client, without: str, refused: list[str], taken: list[str]
) -> None:
    switch(client, "query_dialect", without=without)
    for query in refused:
        assert refusal(ask(client, "defects", query)) == (400, "platform.invalid_query"), query
    for query in taken:
        assert ask(client, "defects", query).status_code == 200, query


def test_a_dialect_that_takes_unknown_words_is_refused(client: httpx.Client) -> None:
    answer = client.post("/simulator/faults", json={"kind": "query_dialect", "without": "LIKE"})
    assert answer.status_code == 400


def test_an_empty_owner_with_a_phase_may_answer_500(client: httpx.Client) -> None:
    make(client, "defects", {"name": "D"})
    phase = "phase={id='phase.defect.new'}"
    assert ask(client, "defects", f"owner={{null}};{phase}").status_code == 200
    switch(client, "owner_null_error")
    answer = ask(client, "defects", f"owner={{null}};{phase}")
    assert refusal(answer) == (500, "platform.general_error")
    for query in ("owner={null}", phase):
        assert ask(client, "defects", query).status_code == 200, query


@pytest.mark.parametrize("status", [403, 404])
def test_suite_runs_may_be_refused_in_runs_and_answer_in_suite_runs(
    client: httpx.Client, status: int
) -> None:
    (suite,) = make(client, "test_suites", {"name": "S"})
    test = {"type": "test_suite", "id": suite}
    (run,) = make(client, "suite_runs", {"name": "R", "test": test})
    assert client.get(f"{WS}/runs/{run}").status_code == 200
    switch(client, "suite_runs_apart", status=status)
    assert client.get(f"{WS}/runs/{run}").status_code == status
    assert get(client, "runs")["total_count"] == 0
    assert get(client, f"suite_runs/{run}")["id"] == run


def test_queries_over_relations_may_be_slow(client: httpx.Client) -> None:
    switch(client, "slow_relations", seconds=0.2)
    before = time.monotonic()
    assert ask(client, "defects", "phase={id='phase.defect.new'}").status_code == 200
    assert time.monotonic() - before >= 0.2
    before = time.monotonic()
    assert ask(client, "defects", "owner={null}").status_code == 200
    assert time.monotonic() - before < 0.2


def test_the_queue_of_results_holds_fifty_tasks(client: httpx.Client) -> None:
    switch(client, "slow_results", seconds=10)
    answers = [report(client, number) for number in range(51)]
    assert [answer.status_code for answer in answers] == [202] * 50 + [503]
    assert answers[-1].json()["error_code"] == "testbox_queue_full"
    task = answers[0].json()["id"]

    def status() -> Any:
        return client.get(f"{WS}/test-results/{task}").json()["status"]

    assert status() == "queued"
    client.put("/simulator/clock", json={"advance": 6})
    assert status() == "running"
    client.put("/simulator/clock", json={"advance": 4})
    assert status() == "success"
    assert report(client, 51).status_code == 202


def test_a_full_queue_takes_the_same_results_later(client: httpx.Client) -> None:
    switch(client, "full_queue", times=2)
    assert [report(client, 1).status_code for _ in range(3)] == [503, 503, 202]
