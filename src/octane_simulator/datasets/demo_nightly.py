"""The made-up nightly pipeline of the demo: tests of other tools, whose failures need somebody.

In: a Story. Out: events that register the pipeline, post a build each night and link defects to
failed runs. The error texts are as the tools write them. Called by demo_workspace.py only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from xml.sax.saxutils import escape, quoteattr

from octane_simulator.datasets import demo_course
from octane_simulator.datasets.ci_history import SECOND_RELEASE
from octane_simulator.datasets.demo_rows import Story

__all__ = ["NIGHTS", "TESTS", "add_nightly"]

SERVER, JOB = "dune-tools-ci", "dune-tools-nightly"
FIRST_NIGHT, NIGHTS = demo_course.story_moment("2021-01-06T02:10:00"), 15


@dataclass(frozen=True)
class Failure:
    """What a tool reports; {n} is a number that differs from night to night."""

    type: str
    message: str
    details: str


@dataclass(frozen=True)
class NightlyTest:
    """One test; `failures` names the night by night outcome, a blank is a pass."""

    package: str
    class_name: str
    name: str
    module: str = ""
    owner: str = ""
    outcomes: str = ""  # a letter a night, - passed and F failed; nights beyond it passed
    failure: Failure | None = None
    #: A defect that somebody linked to the failed run, and the moment.
    defect: str = ""
    linked_at: str = ""


_PYTEST = Failure(
    "FileNotFoundError",
    "FileNotFoundError: [Errno 2] No such file or directory: "
    "'/tmp/pytest-of-ci/pytest-{n}/meshes0/Übung/größe.msh'",
    "    def _open(path):\n>       return path.open('rb')\n"
    "E       FileNotFoundError: [Errno 2] No such file or directory: "
    "'/tmp/pytest-of-ci/pytest-{n}/meshes0/Übung/größe.msh'\n\n"
    "dune/tools/mesh_files.py:88: FileNotFoundError",
)
_JUNIT = Failure(
    "org.opentest4j.AssertionFailedError",
    "expected: <12> but was: <0>",
    "org.opentest4j.AssertionFailedError: expected: <12> but was: <0>\n"
    "\tat org.junit.jupiter.api.AssertionUtils.fail(AssertionUtils.java:55)\n"
    "\tat org.dune.bindings.MeshReaderTest.reads(MeshReaderTest.java:41)",
)
_SELENIUM = Failure(
    "selenium.common.exceptions.StaleElementReferenceException",
    "Message: stale element reference: element is not attached to the page document\n"
    "  (Session info: headless chrome=87.0.4280.{n})",
    "E   selenium.common.exceptions.StaleElementReferenceException: Message: stale element "
    "reference: element is not attached to the page document\n"
    "E     (Session info: headless chrome=87.0.4280.{n})\n\n"
    "tests/viewer/test_page.py:57: StaleElementReferenceException",
)
_CYPRESS = Failure(
    "AssertionError",
    "Timed out retrying after 4000ms: Expected to find content: 'length' within the element: "
    "<text.axis-label> but never did.",
    "AssertionError: Timed out retrying after 4000ms: Expected to find content: 'length' within "
    "the element: <text.axis-label> but never did.\n"
    "    at Context.eval (https://viewer.example.invalid/__cypress/tests?p=axes.spec.js:{n}:8)",
)
_DOTNET = Failure(
    "System.TimeoutException",
    "System.TimeoutException : The operation has timed out after 00:00:30.",
    "   at Dune.Bindings.Checkpoint.Restart(String path) in "
    "/_/src/Dune.Bindings/Checkpoint.cs:line 118\n"
    "   at Dune.Bindings.Tests.RestartTests.HalfWrittenFile() in "
    "/_/test/Dune.Bindings.Tests/RestartTests.cs:line 32",
)
_THREADS = Failure(
    "ThreadSanitizer",
    "WARNING: ThreadSanitizer: data race (pid={n})",
    "WARNING: ThreadSanitizer: data race (pid={n})\n"
    "  Write of size 8 at 0x7b0400000{n} by thread T2:\n"
    "    #0 CommunicationCache::insert cache.hh:143 (test_cache+0x4d{n})",
)
_LEAK = Failure(
    "LeakSanitizer",
    "ERROR: LeakSanitizer: detected memory leaks",
    "==21{n}==ERROR: LeakSanitizer: detected memory leaks\n\n"
    "Direct leak of 48 byte(s) in 1 object(s) allocated from:\n"
    "    #1 0x55d0c{n} in IndexSet::grow indexset.hh:212",
)
_FROM_14 = "--------FFFFFFF"

TESTS = (
    # The defect and the owner of the tests are known.
    NightlyTest("dune.tools", "mesh_files", "test_open_umlaut", "io", "ola", _FROM_14, _PYTEST,
                "unicode_path", "2021-01-14T12:00:00"),
    NightlyTest("dune.tools", "mesh_files", "test_save_umlaut", "io", "ola", _FROM_14, _PYTEST),
    NightlyTest("dune.tools", "mesh_files", "test_open_plain", "io", "ola"),
    # The newest, without a defect; nobody owns these tests.
    NightlyTest("org.dune.bindings", "MeshReaderTest", "readsElements", "geometry", "",
                "--------------F", _JUNIT),
    NightlyTest("org.dune.bindings", "MeshReaderTest", "readsFaces", "geometry", "",
                "--------------F", _JUNIT),
    NightlyTest("org.dune.bindings", "MeshReaderTest", "readsNames", "geometry"),
    # Came and went: they pass since the last night.
    NightlyTest("dune.viewer", "test_page", "test_rotates_the_mesh", "viewer", "yuki",
                "-----------FFF-", _SELENIUM),
    NightlyTest("dune.viewer", "test_page", "test_shows_the_mesh", "viewer", "yuki"),
    # A defect of low severity, and a test that nobody owns.
    NightlyTest("viewer", "axes.spec.js", "axes are labelled", "viewer", "",
                "------FFFFFFFFF", _CYPRESS, "typo_axis", "2021-01-12T16:00:00"),
    NightlyTest("viewer", "axes.spec.js", "axes have ticks", "viewer"),
    # The defect has no owner, the test has one.
    NightlyTest("Dune.Bindings.Tests", "RestartTests", "HalfWrittenFile", "io", "mert",
                "------FFFFFFFFF", _DOTNET, "restart_hang", "2021-01-12T16:10:00"),
    NightlyTest("Dune.Bindings.Tests", "RestartTests", "WholeFile", "io", "mert"),
    # Flaky.
    NightlyTest("dune.common", "test_cache", "SharedBetweenThreads", "parallel", "nina",
                "F--FF-F--F-F--F", _THREADS, "data_race", "2021-01-20T08:00:00"),
    NightlyTest("dune.common", "test_cache", "OwnOfEachThread", "parallel", "nina"),
    # No owner and no module; who fixed the defect of the earlier failure is asked first.
    NightlyTest("dune.common", "test_indexset", "GrowsAndShrinks", "", "",
                "F-----------FFF", _LEAK, "fixed_high", "2021-01-06T09:00:00"),
)  # fmt: skip


def add_nightly(story: Story) -> None:
    """The pipeline, its builds, and the links of defects to failed runs."""
    story.later(FIRST_NIGHT - timedelta(days=1), partial(_register, story))
    for night in range(NIGHTS):
        moment = FIRST_NIGHT + timedelta(days=night)
        story.later(moment, partial(_post, story, night, moment))
    for test in TESTS:
        if test.defect:
            moment = demo_course.story_moment(test.linked_at)
            story.later(moment, partial(_link, story, test.name, test.defect))
    # The library's own test that always fails, and the defect about it.
    moment = demo_course.story_moment("2021-01-05T09:00:00")
    story.later(moment, partial(_link, story, "test_172", "always_red"))


def _register(story: Story) -> None:
    story.create("ci_servers", "ci_server", {
        "ci_server.tools": {"name": "Dune tools CI", "instance_id": SERVER,
                            "server_type": "jenkins", "url": "http://tools.example.invalid"},
    })  # fmt: skip
    story.create("pipelines", "pipeline", {
        "pipeline.tools": {"name": "Tools and bindings, nightly",
                           "ci_server": story.ref("ci_server.tools"), "root_job_ci_id": JOB,
                           "jobs": [{"name": JOB, "jobCiId": JOB}]},
    })  # fmt: skip
    story.create("automated_tests", "test_automated", {
        f"test_automated.{test.name}": {
            "name": test.name, "component": "tools", "package": test.package,
            "class_name": test.class_name,
            "owner": story.ref(f"user.{test.owner}") if test.owner else None,
            "product_areas": story.refs("module", test.module),
        }
        for test in TESTS
    })  # fmt: skip


def _post(story: Story, night: int, moment: datetime) -> None:
    started = int(moment.timestamp() * 1000) - 600_000
    runs = []
    for place, test in enumerate(TESTS):
        is_failed = test.failure is not None and test.outcomes[night : night + 1] == "F"
        head = (
            f"<test_run module='tools' package={quoteattr(test.package)} "
            f"class={quoteattr(test.class_name)} name={quoteattr(test.name)} "
            f"duration='{900 + 130 * place}' status='{'Failed' if is_failed else 'Passed'}' "
            f"started='{started + 20_000 * place}'>"
        )
        runs.append(f"{head}{_error(test.failure, night) if is_failed else ''}</test_run>")
    number = night + 1
    xml = (
        f"<test_result><build server_id='{SERVER}' job_id='{JOB}' job_name='{JOB}' "
        f"build_id='{number}' build_name='#{number}'/><release name={quoteattr(SECOND_RELEASE)}/>"
        "<environment><taxonomy type='Operating system' value='debian_11'/></environment>"
        f"<test_runs>{''.join(runs)}</test_runs></test_result>"
    )
    story.feeder.post_test_results(xml.encode())


def _error(failure: Failure | None, night: int) -> str:
    assert failure is not None
    number = str(40 + 3 * night)
    type_, message, details = (
        text.replace("{n}", number) for text in (failure.type, failure.message, failure.details)
    )
    return f"<error type={quoteattr(type_)} message={quoteattr(message)}>{escape(details)}</error>"


def _link(story: Story, test: str, defect: str) -> None:
    """Link a defect to the newest failed run of a test, as its only run."""
    run = {"type": "run_automated", "id": story.feeder.failed_runs(test)[-1]}
    story.feeder.update("defects", [{"id": story.ids[f"defect.{defect}"], "run": [run]}])
