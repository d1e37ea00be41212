"""The testing side of the demo's story: tests with scripts and files, suites, runs, comments.

In: a Story and demo_story's tables. Out: events of the story. Called by demo_workspace.py only.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from xml.sax.saxutils import escape, quoteattr

from octane_simulator.datasets import demo_course, demo_story
from octane_simulator.datasets.ci_history import SECOND_RELEASE
from octane_simulator.datasets.dataset_references import node_of, phase_of
from octane_simulator.datasets.demo_rows import Row, Story

__all__ = ["add_comments", "add_runs", "add_tests"]


def add_tests(story: Story) -> None:
    """Manual and Gherkin tests, each after what it covers, and the suites that hold them."""
    begin = demo_course.story_moment("2020-06-08T09:00:00")
    for collection, kind, table in (
        ("manual_tests", "test_manual", demo_story.MANUAL_TESTS),
        ("gherkin_tests", "gherkin_test", demo_story.GHERKIN_TESTS),
    ):
        for number, (key, (name, phase, automation, modules, covers)) in enumerate(table.items()):
            # a test comes after what it covers
            moment = max(
                begin + timedelta(days=3 * number),
                *(story.created[item] + timedelta(days=1) for item in covers.split()),
                begin,
            )
            row = partial(_test, story, kind, key, name, phase, automation, modules, covers)
            story.make(collection, kind, f"{kind}.{key}", moment, row)
            if key in demo_story.SCRIPTS:
                story.later(moment, partial(_script, story, key))
    for key, (name, tests) in demo_story.SUITES.items():
        moment = max(story.created[test] for test in tests.split()) + timedelta(hours=1)
        row = partial(_suite, story, name)
        story.make("test_suites", "test_suite", f"test_suite.{key}", moment, row)
        story.later(moment, partial(_fill_suite, story, key, tests.split()))


def _test(
    story: Story, kind: str, key: str, name: str, phase: str, automation: str, modules: str,
    covers: str,
) -> Row:  # fmt: skip
    owner = demo_story.SAM if key in demo_story.SAMS_TESTS else "sofia"
    return {
        "name": name,
        "phase": phase_of(kind, phase),
        "automation_status": node_of("automation_status", automation),
        "owner": story.ref(f"user.{owner}"),
        "designer": story.ref("user.ola"),
        "product_areas": story.refs("module", modules),
        "covered_content": [story.ref(item) for item in covers.split()],
        "covered_requirement": [
            story.ref(f"requirement.{requirement}")
            for requirement, (_, tests) in demo_story.REQUIREMENTS.items()
            if f"{kind}.{key}" in tests.split()
        ],
        "test_type": [node_of("test_type", "acceptance")],
        "description": demo_story.html(name),
    }


def _suite(story: Story, name: str) -> Row:
    return {"name": name, "owner": story.ref("user.sofia")}


def _script(story: Story, key: str) -> None:
    """The steps of a manual test, and the file that one of them names."""
    ids = {name.partition(".")[2]: id for name, id in story.ids.items() if "test_manual." in name}
    text = demo_story.SCRIPTS[key].format_map(ids)
    body = json.dumps({"script": text, "comment": demo_story.NOTE, "revision_type": "Minor"})
    story.feeder.send("PUT", f"tests/{ids[key]}/script", {}, body.encode(), "application/json")
    if name := demo_story.FILES.get(key):
        where = {"name": name, "owner_test": json.dumps(story.ref(f"test_manual.{key}"))}
        content = demo_story.NOTE.encode()
        story.feeder.send("POST", "attachments", where, content, "application/octet-stream")


def _fill_suite(story: Story, key: str, tests: list[str]) -> None:
    links: dict[str, Row] = {}
    for test in tests:
        kind = "manual" if test.startswith("test_manual.") else "gherkin"
        links[f"link.{key}.{test}"] = {
            "subtype": f"test_suite_link_to_{kind}",
            "test_suite": story.ref(f"test_suite.{key}"),
            "test": story.ref(test),
            # One test is listed but sits out the next run.
            "include_in_next_run": test != "test_manual.release_notes",
        }
    story.create("test_suite_link_to_tests", "test_suite_link_to_test", links)


def add_runs(story: Story) -> None:
    """Manual and suite runs, and results of automated Gherkin tests."""
    for run in demo_story.RUNS:
        is_suite = run.test.startswith("test_suite.")
        kind, collection = ("run_suite", "suite_run") if is_suite else ("run_manual", "manual_runs")
        moment = demo_course.story_moment(run.created)
        row = partial(_run, story, run, is_suite)
        story.make(collection, kind, f"run.{run.key}", moment, row)
    # Failures of automated Gherkin tests near the end: neighbours of the real failures.
    for result in demo_story.GHERKIN_RESULTS:
        story.later(demo_course.story_moment(result[0]), partial(_post_gherkin, story, *result))


def _run(story: Story, run: demo_story.Run, is_suite: bool) -> Row:
    row: Row = {
        "name": run.name,
        "test": story.ref(run.test),
        "native_status": node_of("run_native_status", run.status),
        "release": story.ref(f"release.{run.release}"),
    }
    if is_suite:
        row["default_run_by"] = story.ref(f"user.{run.by}")
    else:
        row["run_by"] = story.ref(f"user.{run.by}")
        row["taxonomies"] = story.refs("environment", run.environment)
        row["defect"] = [story.ref(f"defect.{name}") for name in run.defects.split()]
    return row


def _post_gherkin(story: Story, moment: str, name: str, status: str, module: str) -> None:
    xml = _gherkin_document(story, moment, name, status, module)
    story.feeder.post_test_results(xml.encode())


def _gherkin_document(story: Story, moment: str, name: str, status: str, module: str) -> str:
    started = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    pixels = 1043 + 7 * len(name)
    # as Playwright writes it
    error = (
        f"<error_message>Error: Screenshot comparison failed: {pixels} pixels "
        "(ratio 0.01 of all image pixels) are different</error_message>"
    )
    return (
        f"<test_result><release name={quoteattr(SECOND_RELEASE)}/>"
        f"<product_areas><product_area_ref id='{story.ids[f'module.{module}']}'/></product_areas>"
        "<environment><taxonomy type='Operating system' value='debian_11'/></environment>"
        f"<test_runs><gherkin_test_run name={quoteattr(name)} duration='1200' status='{status}'>"
        f"<feature name={quoteattr(name)} path='features/demo.feature' tag='' started='{started}'>"
        f"<file>{escape(demo_story.feature_text(name))}</file><scenarios>"
        f"<scenario name='the usual way' status='{status}'><steps>"
        f"<step name='Then it looks as drawn' duration='1200' status='{status.lower()}'>"
        f"{error if status == 'Failed' else ''}</step></steps></scenario></scenarios></feature>"
        "</gherkin_test_run></test_runs></test_result>"
    )


def add_comments(story: Story) -> None:
    """What people wrote on the last day."""
    moment = demo_course.story_moment("2021-01-20T14:30:00")
    for number, (owner, text) in enumerate(demo_story.COMMENTS):
        field = "owner_test" if owner.startswith(("test_", "gherkin_")) else "owner_work_item"
        if owner.startswith("run."):
            field = "owner_run"
        row = partial(_comment, story, number, field, owner, text)
        story.make(
            "comments", "comment", f"comment.{number + 1}", moment + timedelta(minutes=number), row
        )


def _comment(story: Story, number: int, field: str, owner: str, text: str) -> Row:
    return {
        field: story.ref(owner), "text": demo_story.html(text),
        "author": story.ref("user.sofia" if number % 2 else "user.mert"),
    }  # fmt: skip
