"""Claims about the datasets: the real CI history, the made-up workspace, the generator."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from octane_simulator import Simulator
from octane_simulator.datasets import ci_history, demo_dataset, demo_nightly
from tests.many_runs import load_runs


@pytest.fixture(name="full", scope="module")
def _full() -> Iterator[tuple[Simulator, dict[str, str]]]:
    simulator = Simulator()
    ids = demo_dataset.load(simulator.feeder())
    yield simulator, ids
    simulator.close()


@pytest.fixture(name="documents", scope="module")
def _documents() -> list[tuple[datetime, bytes]]:
    return list(ci_history.iter_builds({"parallel": "1"}))


def count(simulator: Simulator, sql: str) -> Any:
    return simulator.store.read(sql)[0][0]


def test_the_history_is_657_documents_in_order_of_time(
    documents: list[tuple[datetime, bytes]],
) -> None:
    moments = [moment for moment, _ in documents]
    assert len(moments) == ci_history.BUILDS
    assert moments == sorted(moments)


def test_the_documents_hold_every_result_once(documents: list[tuple[datetime, bytes]]) -> None:
    statuses = Counter(
        element.attrib["status"]
        for _, xml in documents
        for element in ET.fromstring(xml).iter("test_run")
    )
    assert statuses == {"Passed": 79_192 - 725, "Failed": 725}


def test_a_build_belongs_to_the_release_of_its_day() -> None:
    assert ci_history.release_of(datetime(2020, 9, 30, 23, 59, tzinfo=UTC)) == "2.8 spring"
    assert ci_history.release_of(datetime(2020, 10, 1, tzinfo=UTC)) == "2.9 winter"


def test_the_history_loads_without_the_workspace() -> None:
    simulator = Simulator()
    assert ci_history.load(simulator.feeder(), limit=2) == 2
    assert count(simulator, "select count(*) from release") == 2
    assert simulator.clock.now() == ci_history.END
    simulator.close()


def test_every_result_is_a_run_or_a_previous_run(full: tuple[Simulator, dict[str, str]]) -> None:
    simulator, _ = full
    runs = count(simulator, "select count(*) from run where type = 'run_automated'")
    previous = count(simulator, "select count(*) from run_history")
    nightly = len(demo_nightly.TESTS) * demo_nightly.NIGHTS
    assert runs + previous == ci_history.RESULTS + nightly
    failed = count(
        simulator,
        "select (select count(*) from run where type = 'run_automated'"
        " and native_status_id = 'list_node.run_native_status.failed')"
        " + (select count(*) from run_history"
        " where run_native_status_id = 'list_node.run_native_status.failed')",
    )
    assert failed == 725 + sum(test.outcomes.count("F") for test in demo_nightly.TESTS)


def test_each_test_has_one_run_per_release_and_environment(
    full: tuple[Simulator, dict[str, str]],
) -> None:
    simulator, _ = full
    tests = count(simulator, "select count(*) from test where type = 'test_automated'")
    assert tests == 125 + len(demo_nightly.TESTS)
    sets = count(
        simulator,
        "select count(distinct tags || release_id) from (select r.release_id,"
        " group_concat(t.b) as tags from run r join run_taxonomy t on t.a = r.id"
        " where r.type = 'run_automated' group by r.id)",
    )
    assert sets == 4 + 1
    builds = ci_history.BUILDS + demo_nightly.NIGHTS
    assert count(simulator, "select count(*) from ci_build") == builds
    assert count(simulator, "select count(*) from pipeline_run") == builds


def test_one_test_of_the_real_history_failed_in_the_last_day(
    full: tuple[Simulator, dict[str, str]],
) -> None:
    simulator, ids = full
    rows = simulator.store.read(
        "select r.test_name, r.release_id from run r where r.type = 'run_automated'"
        " and r.test_of_last_run_id is not null and r.creation_time > '2021-01-19T21:00:00Z'"
        " and r.native_status_id = 'list_node.run_native_status.failed'"
        " and r.test_name glob 'test_[0-9]*'"
    )
    assert rows == [("test_172", int(ids["release.winter"]))]


def test_the_nightly_pipeline_fails_in_many_ways_and_some_are_linked(
    full: tuple[Simulator, dict[str, str]],
) -> None:
    simulator, ids = full
    failed = simulator.store.read(
        "select id, error_type, error_message, error_details from run where type = 'run_automated'"
        " and native_status_id = 'list_node.run_native_status.failed'"
    )
    assert len({row[1] for row in failed}) == 1 + 6  # the real failures have no text
    assert all(message and "{n}" not in f"{message}{details}" for _, _, message, details in failed)
    linked = {f"defect.{test.defect}" for test in demo_nightly.TESTS if test.defect}
    automated = "select id from run where type = 'run_automated'"
    links = simulator.store.read(f"select a from defect_run where b in ({automated})")
    assert {str(defect) for (defect,) in links} == {
        ids[name] for name in linked | {"defect.always_red"}
    }


def test_open_high_severity_defects_have_hits_and_near_misses(
    full: tuple[Simulator, dict[str, str]],
) -> None:
    simulator, ids = full
    high = "phase_id = 'phase.defect.opened' and severity_id = 'list_node.severity.high'"
    linked = "id in (select a from work_item_product_area)"
    hits = simulator.store.read(f"select id from work_item where {high} and {linked}")
    named = ("always_red", "lost_message", "wrong_normal", "restart_hang")
    assert {str(id) for (id,) in hits} == {ids[f"defect.{name}"] for name in named}
    assert simulator.store.read(f"select id from work_item where {high} and not {linked}")
    phases = count(
        simulator, "select count(distinct phase_id) from work_item where type = 'defect'"
    )
    assert phases == 8


def test_planned_runs_stand_alone_and_inside_suites(
    full: tuple[Simulator, dict[str, str]],
) -> None:
    simulator, _ = full
    rows = simulator.store.read(
        "select type, parent_suite_id is not null, count(*) from run"
        " where status_id = 'list_node.run_status.planned' group by 1, 2"
    )
    assert sorted(rows) == [("run_manual", 0, 3), ("run_manual", 1, 6), ("run_suite", 0, 2)]


def test_the_workspace_says_that_it_is_made_up(full: tuple[Simulator, dict[str, str]]) -> None:
    simulator, ids = full
    plain = count(
        simulator,
        "select count(*) from work_item where type in ('defect', 'story')"
        " and coalesce(description, '') not like '%Made up for the demonstration%'",
    )
    assert plain == 0
    assert len(ids) >= 180
    assert simulator.clock.now() == ci_history.END


def test_the_generator_gives_each_test_one_last_run() -> None:
    simulator = Simulator()
    ids = load_runs(simulator.store, 2_005)
    assert len(ids) == len(set(ids)) == 2_005
    assert count(simulator, "select count(*) from test") == 201
    marked = "select count(*), count(distinct test_of_last_run_id) from run"
    assert simulator.store.read(f"{marked} where test_of_last_run_id is not null")[0] == (201, 201)
    simulator.close()
