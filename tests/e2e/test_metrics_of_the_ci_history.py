"""The metrics find in the real CI history what pandas finds in the file that it comes from."""

from __future__ import annotations

from importlib import resources

import duckdb
import pandas as pd
import pytest

from octane_flows.questions import question_named, run_question

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    data = resources.files("octane_simulator") / "data" / "dune_common_ci_history.parquet"
    with resources.as_file(data) as path:
        rows = pd.read_parquet(path)
    rows["test_name"] = "test_" + rows["test"].astype(str)
    # the simulator's tags stand in the order of their categories: compiler, then system
    pairs = (name.split(" ") for name in rows["environment"])
    rows["environment_label"] = [
        f"Compiler: {compiler}, Operating system: {system}" for system, compiler in pairs
    ]
    rows = rows.sort_values(["environment", "run_at", "build"], kind="stable")
    # a build that ran a test several times has one outcome, the last one
    return rows.drop_duplicates(["environment", "build", "test"], keep="last")


def answer(connection: duckdb.DuckDBPyConnection, slug: str, **params: int) -> pd.DataFrame:
    rows: pd.DataFrame = run_question(
        connection, question_named("metric", slug), dict(params)
    ).to_pandas()
    return rows[rows["test_name"].str.fullmatch(r"test_\d+")] if "test_name" in rows else rows


def test_changes_between_passed_and_failed_are_counted(
    demo_warehouse: duckdb.DuckDBPyConnection, history: pd.DataFrame
) -> None:
    series = history.groupby(["test_name", "environment_label"])["failed"]
    changes = series.agg(lambda failed: int((failed != failed.shift())[1:].sum()))
    expected = changes[changes > 0].to_dict()

    flaky = answer(demo_warehouse, "flaky_tests", days=400)

    flaky = flaky[flaky["change_count"] > 0]
    counts = flaky.set_index(["test_name", "environment_label"])["change_count"].to_dict()
    assert counts == expected
    assert len(counts) > 20
    assert ("test_172", "Compiler: clang-10-20, Operating system: ubuntu_20_04") not in counts


def test_the_test_that_always_fails_is_found_with_its_first_build(
    demo_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    problems = answer(demo_warehouse, "problematic_tests")
    always = problems[problems["problem_code"] == "list_node.run_problem.continuously_failing"]
    failing = answer(demo_warehouse, "current_failures").set_index("test_name")

    assert "test_172" in set(always["test_name"])
    assert failing.loc["test_172", "failed_in_a_row_count"] == 367  # builds; 379 results
    assert failing.loc["test_172", "first_failed_build_name"] == "#1"
    assert failing["last_passed_at"].isna()["test_172"]


def test_the_bursts_are_found(
    demo_warehouse: duckdb.DuckDBPyConnection, history: pd.DataFrame
) -> None:
    before = history.groupby(["test_name", "environment_label"])["failed"].shift()
    new = history[history["failed"] & ~before.eq(True)]
    counts = new.groupby(["environment_label", "build"]).size()

    bursts = answer(demo_warehouse, "failure_bursts", new_failures=5)

    expected = sorted(counts[counts >= 5])
    assert sorted(bursts["new_failure_count"]) == expected
    assert len(expected) > 3


def test_the_state_of_a_test_changes_at_most_once_a_week(
    demo_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    changes = answer(demo_warehouse, "test_state_changes")
    changes = changes[changes["previous_state_code"].notna()]

    series = changes.groupby(["test_id", "environment_ids", "pipeline_key"])["changed_at"]

    apart = series.diff().dropna()
    assert apart.min() >= pd.Timedelta(days=7)
    assert len(apart) > 20
    assert {"flaky", "broken", "stale", "healthy"} <= set(changes["state_code"])


def test_the_newest_change_is_the_state_and_flaky_tests_cost_builds(
    demo_warehouse: duckdb.DuckDBPyConnection, history: pd.DataFrame
) -> None:
    states = answer(demo_warehouse, "test_states", cost_days=30)

    flaky = states[states["state_code"] == "flaky"]
    names = flaky["test_name"] + flaky["environment_label"]
    recent = history[history["run_at"] > pd.Timestamp("2020-12-21 21:00")]
    failed = recent[recent["failed"]]
    is_flaky = (failed["test_name"] + failed["environment_label"]).isin(names)
    alone = is_flaky.groupby([failed["environment"], failed["build"]]).transform("all")
    expected = int(alone.sum())
    assert int(states["flaky_only_build_count"].sum()) == expected > 5
    assert set(states["state_code"]) == {"healthy", "flaky", "broken", "stale"}
    assert "broken" in set(states[states["test_name"] == "test_172"]["state_code"])
