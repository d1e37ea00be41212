"""Pandas peers of the flows whose rows are tests or belong to them: 3, 4, 5, 8, 18, 19 and 20.

Frames in, the flow's key with what it counts and lists out; the package lists them.
"""

from __future__ import annotations

import pandas as pd

from tests.benchmarks._calls import MODULE, RELEASE, TEST_ID
from tests.benchmarks._pandas_peers.frames import CODED, LINK, NAMED, Frames, Peer, joined

OBSOLETE = ("phase.test_manual.obsolete", "phase.gherkin_test.obsolete")


def _comments_on_my_manual_tests(frames: Frames) -> pd.DataFrame:
    tests = frames["test_manual"]
    mine = tests[tests["owner_id"].isin(frames.me())]
    rows = frames["comment"].merge(
        mine, left_on="owner_test_id", right_on="id", suffixes=("", "_of_test")
    )
    return rows.rename(columns={"id": "comment_id", "owner_test_id": "test_id"})[
        ["comment_id", "test_id"]
    ]


def _manual_test_steps_and_attachments(frames: Frames) -> pd.DataFrame:
    scripts, files = frames["test_script"], frames["attachment"]
    script = scripts[scripts["id"] == TEST_ID]
    steps = script.assign(line=script["script"].str.split("\n")).explode("line")
    steps["step_number"] = steps["line"].str.startswith("- ").cumsum()
    steps = steps.groupby("step_number", as_index=False).agg(text=("line", "\n".join))
    own = files[files["owner_test_id"] == TEST_ID].rename(columns={"id": "attachment_id"})
    pairs = steps.merge(own, how="cross")
    texts = zip(pairs["name"].str.lower(), pairs["text"].str.lower(), strict=True)
    named = pairs.loc[[name in text for name, text in texts]].drop(columns="text")
    unnamed = own[~own["attachment_id"].isin(named["attachment_id"])]
    lines = pd.concat([steps.merge(named, on="step_number", how="left"), unnamed]).sort_values(
        ["step_number", "creation_time", "attachment_id"], na_position="last"
    )
    lines["line_number"] = range(1, len(lines) + 1)
    return lines.assign(test_id=TEST_ID)[["test_id", "line_number", "step_number", "attachment_id"]]


def _my_gherkin_tests_to_automate(frames: Frames) -> pd.DataFrame:
    tests = frames["gherkin_test"]
    ready = frames.coded("list_node", "list_node.automation_status.ready_for_automation")
    rows = tests[tests["owner_id"].isin(frames.me()) & tests["automation_status_id"].isin(ready)]
    return rows.rename(columns={"id": "test_id"})[["test_id"]]


def _tagged_automated_tests(frames: Frames) -> pd.DataFrame:
    tests = frames["test_automated"]
    tags = _names(frames, "test_automated__user_tags", "user_tag", "user_tag_names")
    modules = _names(
        frames, "test_automated__product_areas", "product_area", "application_module_names"
    )
    rows = tests.merge(tags, left_on="id", right_index=True)
    rows = rows.merge(modules, left_on="id", right_index=True)
    return rows.rename(columns={"id": "test_id"})[
        ["test_id", "user_tag_names", "application_module_names"]
    ]


def _names(
    frames: Frames, links: str, table: str, title: str, of: pd.Series[str] | None = None
) -> pd.Series[str]:
    """The names of what each test is linked to, by the id of the test; `of` are wanted tests."""
    wanted = frames[links] if of is None else frames[links][frames[links]["source_id"].isin(of)]
    named = wanted.merge(frames[table], left_on="target_id", right_on="id")
    return joined(named, "source_id", "name").rename(title)


def _of_module(frames: Frames, tests: pd.DataFrame) -> pd.DataFrame:
    """The tests that are assigned to the module asked for."""
    links = frames["test__product_areas"]
    linked = links[links["target_id"].isin(frames.named("product_area", MODULE))]
    return tests[tests["id"].isin(linked["source_id"])]


def _not_obsolete(frames: Frames, *types: str) -> pd.DataFrame:
    tests = frames["test"]
    return tests[
        tests["type"].isin(types) & ~tests["phase_id"].isin(frames.coded("phase", *OBSOLETE))
    ]


def _default_release(frames: Frames) -> pd.Series[str]:
    """The newest release that is marked as default."""
    releases = frames["release"]
    marked = releases[releases["is_default"].fillna(False).astype(bool)]
    return marked.loc[marked["id"].astype(int) == marked["id"].astype(int).max(), "id"]


def _manual_tests_without_run(frames: Frames) -> pd.DataFrame:
    tests, runs = _of_module(frames, _not_obsolete(frames, "test_manual")), frames["run"]
    release = _default_release(frames)
    runs = runs[runs["test_id"].isin(tests["id"])]
    newest = runs.groupby("test_id")["creation_time"].max().rename("last_run_created_at")
    with_run = runs.loc[runs["release_id"].isin(release), "test_id"]
    rows = tests[~tests["id"].isin(with_run)].merge(
        newest, left_on="id", right_index=True, how="left"
    )
    rows = rows.merge(release.rename("release_id"), how="cross")
    return rows.rename(columns={"id": "test_id"})[["test_id", "release_id", "last_run_created_at"]]


def _tests_to_put_into_suite(frames: Frames) -> pd.DataFrame:
    tests = _of_module(frames, _not_obsolete(frames, "test_manual", "gherkin_test"))
    modules = _names(
        frames, "test__product_areas", "product_area", "all_application_module_names", tests["id"]
    )
    tags = _names(frames, "test__user_tags", "user_tag", "all_user_tag_names", tests["id"])
    links = frames["suite_link"]
    suites = links.groupby("test_id")["test_suite_id"].nunique().rename("test_suite_count")
    rows = tests
    for facts in (modules, tags, suites):
        rows = rows.merge(facts, left_on="id", right_index=True, how="left")
    rows["test_suite_count"] = rows["test_suite_count"].fillna(0)
    return rows.rename(columns={"id": "test_id"})[
        ["test_id", "all_application_module_names", "all_user_tag_names", "test_suite_count"]
    ]


def _test_suites_without_run(frames: Frames) -> pd.DataFrame:
    release = frames.named("release", RELEASE)
    suites, runs = frames["test_suite"], frames["run_suite"]
    newest = runs.sort_values(["creation_time", "id"]).groupby("test_id")["id"].last()
    with_run = runs.loc[runs["release_id"].isin(release), "test_id"]
    links = frames["suite_link"]
    included = links[links["include_in_next_run"].fillna(True).astype(bool)]
    counts = included.groupby("test_suite_id").size()
    rows = suites[~suites["id"].isin(with_run)].merge(
        newest.rename("last_suite_run_id"), left_on="id", right_index=True, how="left"
    )
    rows = rows.merge(
        counts.rename("included_test_count"), left_on="id", right_index=True, how="left"
    )
    rows["included_test_count"] = rows["included_test_count"].fillna(0)
    rows = rows.merge(release.rename("release_id"), how="cross")
    return rows.rename(columns={"id": "test_suite_id"})[
        ["test_suite_id", "release_id", "included_test_count", "last_suite_run_id"]
    ]


PEERS = {
    "comments_on_my_manual_tests": Peer(
        {
            "test_manual": ("id", "owner_id"),
            "comment": ("id", "owner_test_id"),
            "workspace_user": NAMED,
        },
        _comments_on_my_manual_tests,
    ),
    "manual_test_steps_and_attachments": Peer(
        {
            "test_script": ("id", "script"),
            "attachment": ("id", "name", "owner_test_id", "creation_time"),
        },
        _manual_test_steps_and_attachments,
    ),
    "my_gherkin_tests_to_automate": Peer(
        {
            "gherkin_test": ("id", "owner_id", "automation_status_id"),
            "list_node": CODED,
            "workspace_user": NAMED,
        },
        _my_gherkin_tests_to_automate,
    ),
    "tagged_automated_tests": Peer(
        {
            "test_automated": ("id",),
            "test_automated__user_tags": LINK,
            "test_automated__product_areas": LINK,
            "user_tag": NAMED,
            "product_area": NAMED,
        },
        _tagged_automated_tests,
    ),
    "manual_tests_without_run": Peer(
        {
            "test": ("id", "type", "phase_id"),
            "test__product_areas": LINK,
            "run": ("test_id", "release_id", "creation_time"),
            "product_area": NAMED,
            "phase": CODED,
            "release": ("id", "is_default"),
        },
        _manual_tests_without_run,
    ),
    "tests_to_put_into_suite": Peer(
        {
            "test": ("id", "type", "phase_id"),
            "test__product_areas": LINK,
            "test__user_tags": LINK,
            "suite_link": ("test_suite_id", "test_id"),
            "product_area": NAMED,
            "user_tag": NAMED,
            "phase": CODED,
        },
        _tests_to_put_into_suite,
    ),
    "test_suites_without_run": Peer(
        {
            "test_suite": ("id",),
            "run_suite": ("id", "test_id", "release_id", "creation_time"),
            "suite_link": ("test_suite_id", "include_in_next_run"),
            "release": NAMED,
        },
        _test_suites_without_run,
    ),
}
