"""Pandas peers of the flows that look at runs: 6, 7, 9 to 11 and 13 to 17.

Frames in, the flow's key with what it counts and lists out; the package lists them.
"""

from __future__ import annotations

import pandas as pd

from tests.benchmarks._calls import DAYS, FAILED, HOURS, PIPELINE, RELEASE
from tests.benchmarks._pandas_peers.frames import (
    CODED,
    ENVIRONMENT_NEEDS,
    LINK,
    NAMED,
    Frames,
    Peer,
    environment_names,
    joined,
)

PASSED = "list_node.run_status.passed"
NATIVE = "list_node.run_native_status."


def _planned_runs(frames: Frames) -> pd.DataFrame:
    runs, tests = frames["run"], frames["test"]
    planned = runs[
        runs["status_id"].isin(frames.coded("list_node", "list_node.run_status.planned"))
        & runs["release_id"].isin(frames.named("release", RELEASE))
    ]
    wanted = tests[tests["type"].isin(["test_manual", "gherkin_test", "test_suite"])]
    rows = planned.merge(wanted, left_on="test_id", right_on="id", suffixes=("", "_of_test"))
    return rows.rename(columns={"id": "run_id"})[["run_id", "test_id"]]


def _release_runs_with_environments(frames: Frames) -> pd.DataFrame:
    runs, links = frames["run"], frames["run__taxonomies"]
    wanted = runs[
        runs["status_id"].isin(frames.coded("list_node", FAILED))
        & runs["release_id"].isin(frames.named("release", RELEASE))
    ]
    tags = environment_names(frames, links[links["source_id"].isin(wanted["id"])])
    names = joined(tags, "source_id", "environment_name").rename("environment_names")
    rows = wanted.merge(names, left_on="id", right_index=True, how="left")
    return rows.rename(columns={"id": "run_id"})[["run_id", "environment_names"]]


def _failed_last_runs(frames: Frames, links: str, runs: str) -> pd.DataFrame:
    """The last runs that failed within the window, beside their tests (`source_id`)."""
    frame = frames[runs]
    recent = frame[
        frame["status_id"].isin(frames.coded("list_node", FAILED))
        & (frame["creation_time"] > frames.as_of - pd.Timedelta(hours=HOURS))
    ]
    return frames[links].merge(recent, left_on="target_id", right_on="id")


def _failures_by_test(failures: pd.DataFrame) -> pd.DataFrame:
    return failures.groupby("source_id", as_index=False).agg(
        failed_run_count=("target_id", "size"), last_failed_at=("creation_time", "max")
    )


def _recent_failed_automated_tests(frames: Frames) -> pd.DataFrame:
    failures = _failed_last_runs(frames, "test_automated__last_runs", "run_automated")
    return _failures_by_test(failures).rename(columns={"source_id": "test_id"})


def _modules_with_recent_failures(frames: Frames) -> pd.DataFrame:
    tests = _failures_by_test(_failed_last_runs(frames, "test__last_runs", "run"))
    rows = frames["test__product_areas"].merge(tests, on="source_id")
    rows = rows.merge(frames["product_area"], left_on="target_id", right_on="id")
    return (
        rows.groupby("target_id", as_index=False)
        .agg(
            failed_test_count=("source_id", "nunique"),
            failed_run_count=("failed_run_count", "sum"),
            last_failed_at=("last_failed_at", "max"),
        )
        .rename(columns={"target_id": "application_module_id"})
    )


def _features_with_recent_failures(frames: Frames) -> pd.DataFrame:
    tests = _failures_by_test(_failed_last_runs(frames, "test__last_runs", "run"))
    covered = frames["test__covered_content"].merge(tests, on="source_id")
    direct = covered.assign(feature_id=covered["target_id"])
    children = covered.merge(frames["work_item"], left_on="target_id", right_on="id")
    children = children.rename(columns={"parent_id": "feature_id"})
    rows = pd.concat([direct, children])
    rows = rows[rows["feature_id"].isin(frames["feature"]["id"])]
    return rows.groupby("feature_id", as_index=False).agg(
        failed_test_count=("source_id", "nunique"), last_failed_at=("last_failed_at", "max")
    )


def _defects_of_runs(frames: Frames, phase: str, status: str) -> pd.DataFrame:
    defects, runs, links = frames["defect"], frames["run"], frames["defect__run"]
    wanted = defects[defects["phase_id"].isin(frames.coded("phase", phase))]
    links = links[links["source_id"].isin(wanted["id"])]
    ended = runs[
        runs["id"].isin(links["target_id"])
        & runs["status_id"].isin(frames.coded("list_node", status))
    ]
    linked = links.merge(ended, left_on="target_id", right_on="id").sort_values(["started", "id"])
    return (
        linked.groupby("source_id", as_index=False)
        .agg(linked_run_count=("id", "size"), run_id=("id", "last"))
        .rename(columns={"source_id": "defect_id"})
    )


def _closed_defects_of_failed_runs(frames: Frames) -> pd.DataFrame:
    return _defects_of_runs(frames, "phase.defect.closed", FAILED)


def _open_defects_of_passed_runs(frames: Frames) -> pd.DataFrame:
    return _defects_of_runs(frames, "phase.defect.fixed", PASSED)


def _reported_builds(frames: Frames) -> pd.DataFrame:
    pipeline_runs, runs, history = frames["pipeline_run"], frames["run"], frames["run_history"]
    wanted = pipeline_runs[
        pipeline_runs["pipeline_id"].isin(frames.named("pipeline", PIPELINE))
    ].rename(columns={"id": "pipeline_run_id"})
    builds = frames["ci_build__pipeline_run"].merge(
        wanted, left_on="target_id", right_on="pipeline_run_id"
    )
    builds = builds.rename(columns={"source_id": "build_id"})
    replaced = history[history["build_id"].isin(builds["build_id"].astype(int))]
    replaced = replaced.assign(build_id=replaced["build_id"].astype("int64").astype(str))
    replaced = replaced.rename(columns={"run_native_status_id": "native_status_id"})
    results = pd.concat([runs[runs["build_id"].isin(builds["build_id"])], replaced])
    for ending in ("passed", "failed", "skipped"):
        code = frames.coded("list_node", NATIVE + ending)
        results[f"{ending}_count"] = results["native_status_id"].isin(code)
    counts = results.groupby("build_id", as_index=False).agg(
        result_count=("native_status_id", "size"),
        passed_count=("passed_count", "sum"),
        failed_count=("failed_count", "sum"),
        skipped_count=("skipped_count", "sum"),
    )
    rows = builds.merge(counts, on="build_id", how="left")
    counted = ["result_count", "passed_count", "failed_count", "skipped_count"]
    rows[counted] = rows[counted].fillna(0)
    return rows[["pipeline_run_id", "build_id", *counted]]


def _failed_automated_runs(frames: Frames) -> pd.DataFrame:
    runs = frames["run"]
    failed = runs[
        runs["type"].isin(["run_automated", "gherkin_automated_run"])
        & runs["status_id"].isin(frames.coded("list_node", FAILED))
        & (runs["creation_time"] > frames.as_of - pd.Timedelta(hours=HOURS))
    ]
    links, modules = frames["run__taxonomies"], frames["test__product_areas"]
    tags = environment_names(frames, links[links["source_id"].isin(failed["id"])])
    environments = joined(tags, "source_id", "environment_name").rename("all_environment_names")
    named = modules[modules["source_id"].isin(failed["test_id"])].merge(
        frames["product_area"], left_on="target_id", right_on="id"
    )
    names = joined(named, "source_id", "name").rename("all_application_module_names")
    defects = frames["defect__run"].groupby("target_id").size().rename("defect_count")
    rows = failed.merge(environments, left_on="id", right_index=True, how="left")
    rows = rows.merge(names, left_on="test_id", right_index=True, how="left")
    rows = rows.merge(defects, left_on="id", right_index=True, how="left")
    rows["defect_count"] = rows["defect_count"].fillna(0)
    return rows.rename(columns={"id": "run_id"})[
        ["run_id", "all_environment_names", "all_application_module_names", "defect_count"]
    ]


def _failed_previous_runs(frames: Frames) -> pd.DataFrame:
    history, links = frames["run_history"], frames["run_history__taxonomies"]
    wanted = history[
        history["run_native_status_id"].isin(frames.coded("list_node", NATIVE + "failed"))
        & (history["run_started"] > frames.as_of - pd.Timedelta(days=DAYS))
    ]
    tags = environment_names(frames, links[links["source_id"].isin(wanted["id"])])
    names = joined(tags, "source_id", "environment_name").rename("all_environment_names")
    rows = wanted.merge(names, left_on="id", right_index=True, how="left")
    return rows.rename(columns={"id": "previous_run_id"})[
        ["previous_run_id", "all_environment_names"]
    ]


ENDED = ("id", "status_id", "creation_time")
DEFECTS_OF_RUNS = {
    "defect": ("id", "phase_id"),
    "defect__run": LINK,
    "run": ("id", "status_id", "started"),
    "phase": CODED,
    "list_node": CODED,
}
PEERS = {
    "planned_runs": Peer(
        {
            "run": ("id", "test_id", "status_id", "release_id"),
            "test": ("id", "type"),
            "release": NAMED,
            "list_node": CODED,
        },
        _planned_runs,
    ),
    "release_runs_with_environments": Peer(
        {
            "run": ("id", "status_id", "release_id"),
            "run__taxonomies": LINK,
            "release": NAMED,
            "list_node": CODED,
            **ENVIRONMENT_NEEDS,
        },
        _release_runs_with_environments,
    ),
    "recent_failed_automated_tests": Peer(
        {"run_automated": ENDED, "test_automated__last_runs": LINK, "list_node": CODED},
        _recent_failed_automated_tests,
    ),
    "modules_with_recent_failures": Peer(
        {
            "run": ENDED,
            "test__last_runs": LINK,
            "test__product_areas": LINK,
            "product_area": ("id",),
            "list_node": CODED,
        },
        _modules_with_recent_failures,
    ),
    "features_with_recent_failures": Peer(
        {
            "run": ENDED,
            "test__last_runs": LINK,
            "test__covered_content": LINK,
            "work_item": ("id", "parent_id"),
            "feature": ("id",),
            "list_node": CODED,
        },
        _features_with_recent_failures,
    ),
    "closed_defects_of_failed_runs": Peer(DEFECTS_OF_RUNS, _closed_defects_of_failed_runs),
    "open_defects_of_passed_runs": Peer(DEFECTS_OF_RUNS, _open_defects_of_passed_runs),
    "reported_builds": Peer(
        {
            "pipeline": NAMED,
            "pipeline_run": ("id", "pipeline_id"),
            "ci_build__pipeline_run": LINK,
            "run": ("build_id", "native_status_id"),
            "run_history": ("build_id", "run_native_status_id"),
            "list_node": CODED,
        },
        _reported_builds,
    ),
    "failed_automated_runs": Peer(
        {
            "run": ("id", "type", "test_id", "status_id", "creation_time"),
            "run__taxonomies": LINK,
            "test__product_areas": LINK,
            "product_area": NAMED,
            "defect__run": LINK,
            "list_node": CODED,
            **ENVIRONMENT_NEEDS,
        },
        _failed_automated_runs,
    ),
    "failed_previous_runs": Peer(
        {
            "run_history": ("id", "run_native_status_id", "run_started"),
            "run_history__taxonomies": LINK,
            "list_node": CODED,
            **ENVIRONMENT_NEEDS,
        },
        _failed_previous_runs,
    ),
}
