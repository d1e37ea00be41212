"""A plain extract reads the link sets that new and changed rows of other types change."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from octane_flows.client.transport import Request, Response
from octane_simulator import Simulator
from tests.small import START, SmallTransport, stored_links
from tests.small_runs import (
    RunsTransport,
    add_run,
    add_test,
    assert_links_are_equal,
    extract_runs,
    move_run,
)

TESTS = 6


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    """Six tests with a run each and a defect, extracted an hour after they were written."""
    simulator = Simulator(clock=START)
    for number in range(TESTS):
        add_run(simulator, add_test(simulator, f"t{number}"))
    simulator.store.insert("defect", {"name": "d"})
    simulator.clock.advance(timedelta(hours=1))
    extract_runs(simulator, tmp_path)
    simulator.clock.advance(timedelta(hours=1))
    return simulator


def ids_of(simulator: Simulator, entity: str) -> list[str]:
    return [row["id"] for row in simulator.store.find(entity)]


def queries_of(transport: SmallTransport, collection: str) -> list[str]:
    return [unquote(target) for target in transport.targets if f"/{collection}?" in target]


def test_a_new_run_is_a_last_run_of_its_test(simulator: Simulator, tmp_path: Path) -> None:
    first = ids_of(simulator, "test_manual")[0]
    run = add_run(simulator, first)
    transport = RunsTransport(simulator)

    report = extract_runs(simulator, tmp_path, transport)

    assert stored_links(tmp_path, "test_manual", "last_runs")[first] == [run]
    assert_links_are_equal(simulator, tmp_path)
    assert report.rows_written == 1
    newest, links = queries_of(transport, "manual_tests")
    assert "last_modified GT" in newest
    assert f"id IN {first}" in links
    assert "name" not in links.partition("fields=")[2].partition("&")[0]


def test_a_run_that_names_a_defect_is_a_run_of_the_defect(
    simulator: Simulator, tmp_path: Path
) -> None:
    (defect,) = ids_of(simulator, "defect")
    before = simulator.store.get("defect", defect)
    reference = {"type": "defect", "id": defect}
    run = add_run(simulator, ids_of(simulator, "test_manual")[0], defect=[reference])
    after = simulator.store.get("defect", defect)
    assert before
    assert after
    assert before["last_modified"] == after["last_modified"]

    extract_runs(simulator, tmp_path)

    assert stored_links(tmp_path, "defect", "run") == {defect: [run]}


def test_without_changes_there_is_no_further_request(simulator: Simulator, tmp_path: Path) -> None:
    transport = RunsTransport(simulator)

    report = extract_runs(simulator, tmp_path, transport)

    assert not report.has_changes
    for collection in ("manual_tests", "manual_runs", "defects"):
        queries = [each for each in queries_of(transport, collection) if "id IN" not in each]
        assert len(queries) == 1  # beside the question for the lake's newest row


def test_a_run_that_moved_leaves_the_set_of_its_previous_test(
    simulator: Simulator, tmp_path: Path
) -> None:
    first, second, *_ = ids_of(simulator, "test_manual")
    move_run(simulator, ids_of(simulator, "run_manual")[0], second)

    extract_runs(simulator, tmp_path)

    assert first not in stored_links(tmp_path, "test_manual", "last_runs")
    assert_links_are_equal(simulator, tmp_path)


def test_where_many_owners_are_concerned_all_are_read_by_pages(
    simulator: Simulator, tmp_path: Path
) -> None:
    for test in ids_of(simulator, "test_manual")[:5]:
        add_run(simulator, test)
    transport = RunsTransport(simulator)

    extract_runs(simulator, tmp_path, transport)

    assert_links_are_equal(simulator, tmp_path)
    _, links = queries_of(transport, "manual_tests")
    assert "id BTW" in links


def test_an_unchanged_set_is_not_written(simulator: Simulator, tmp_path: Path) -> None:
    run = ids_of(simulator, "run_manual")[0]
    simulator.store.update("run_manual", run, {"name": "renamed"})

    report = extract_runs(simulator, tmp_path)

    written = {outcome.entity: outcome.links for outcome in report.outcomes}
    assert written["test_manual"] == 0


def test_a_run_that_comes_after_its_test_was_read_is_followed_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    first = ids_of(simulator, "test_manual")[0]
    simulator.store.update("test_manual", first, {"name": "renamed"})
    late_runs: list[str] = []

    class Late(RunsTransport):
        """A run comes once the tests were read."""

        def send(self, request: Request) -> Response:
            answer = super().send(request)
            if "/manual_tests?" in request.url and not late_runs:
                late_runs.append(add_run(simulator, first))
            return answer

    extract_runs(simulator, tmp_path, Late(simulator), concurrency=1)
    simulator.clock.advance(timedelta(hours=1))
    extract_runs(simulator, tmp_path)

    assert stored_links(tmp_path, "test_manual", "last_runs")[first] == late_runs
    assert_links_are_equal(simulator, tmp_path)


def test_a_run_that_came_while_tests_were_left_out_is_followed_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    add_run(simulator, ids_of(simulator, "test_manual")[0])
    simulator.clock.advance(timedelta(hours=1))
    extract_runs(simulator, tmp_path, only=("run_manual",))
    simulator.clock.advance(timedelta(hours=1))

    extract_runs(simulator, tmp_path)

    assert_links_are_equal(simulator, tmp_path)


def test_a_resumed_extract_reads_the_links_of_owners_too(
    simulator: Simulator, tmp_path: Path
) -> None:
    add_run(simulator, ids_of(simulator, "test_manual")[0])

    def stop(request: Request) -> None:
        if "manual_tests?" in request.url and "IN" in unquote(request.url):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_runs(simulator, tmp_path, RunsTransport(simulator, stop))

    report = extract_runs(simulator, tmp_path)

    assert report.resumed == 1
    assert_links_are_equal(simulator, tmp_path)
