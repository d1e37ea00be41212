"""Automated tests, their builds, runs and earlier results of a generated workspace.

In: a World, and how many runs. Out: that many automated runs in order of release; each holds the
newest result of its test in one release and environment, earlier ones are previous runs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from octane_simulator.datasets.dataset_references import node_of
from octane_simulator.datasets.generated.generated_world import Ref, Row, Test, World
from octane_simulator.datasets.generated.pipelines_and_builds import add_builds
from octane_simulator.datasets.generated.result_patterns import Habit, Result, results_of
from octane_simulator.datasets.generated.tests_and_suites import links_of_test
from octane_simulator.store.simulated_clock import iso

__all__ = ["add"]

_CHUNK = 10_000
_PACKAGES = ("net", "ui", "core", "store")
_VERBS = ("opens", "keeps", "sorts", "refuses", "sends", "rounds")
_EARLIER = (0,) * 15 + (1, 1, 2, 2, 5)  # previous results of a run: about five for ten runs


def add(world: World, count: int) -> None:
    """Write `count` automated runs with all that belongs to them."""
    if count < 1:
        return
    places = [(r, e) for r in range(len(world.releases)) for e in range(len(world.environments))]
    born = _births(world, count)
    tests = _tests(world, born)
    builds = add_builds(world)
    dice = world.dice("automated runs")
    habits = [Habit.draw(dice, world.start, world.end) for _ in tests]
    open_keys = sum((len(world.releases) - b) for b in born) * len(world.environments)
    remaining = count
    rows: list[tuple[Row, list[Row]]] = []
    for release, environment in places:
        series = builds[release, environment]
        for at, test in enumerate(tests):
            if born[at] > release:
                continue
            # Selection sampling: all keys are equally likely, and exactly `count` are chosen.
            if dice.random() * open_keys < remaining:
                remaining -= 1
                results = results_of(dice, habits[at], series, dice.choice(_EARLIER))
                rows.append(_rows(world, dice, test, results, release, environment))
            open_keys -= 1
            if len(rows) >= _CHUNK:
                _write(world, rows)
                rows = []
    _write(world, rows)


def _births(world: World, count: int) -> list[int]:
    """The release in which each test first ran; enough tests for the number of runs."""
    dice = world.dice("births")
    releases, environments = len(world.releases), len(world.environments)
    born: list[int] = []
    keys = 0
    while keys < count * 1.1 or len(born) < 5:
        born.append(0 if dice.random() < 0.7 else dice.randrange(releases))
        keys += (releases - born[-1]) * environments
    return born


def _tests(world: World, born: list[int]) -> list[Test]:
    dice = world.dice("automated tests")
    levels, frameworks = ("unit", "integration", "system"), ("junit", "testng", "mocha")
    rows: list[Row] = []
    for number, release in enumerate(born):
        package = f"org.example.{dice.choice(_PACKAGES)}"
        created_at = world.releases[release].start
        rows.append(
            {
                "name": f"{dice.choice(_VERBS)}_{number}",
                "component": "generated",
                "package": package,
                "class_name": f"Case{number // 12}",
                "framework": node_of("je.framework", dice.choice(frameworks)),
                "test_level": node_of("test_level", dice.choice(levels)),
                **links_of_test(world, dice),
                **world.stamps(created_at),
            }
        )
    refs = world.add("test_automated", rows)
    return [
        Test(
            ref,
            row["name"],
            (row["product_areas"] or world.areas)[0],
            (row["component"], row["package"], row["class_name"]),
        )
        for ref, row in zip(refs, rows, strict=True)
    ]


def _rows(
    world: World,
    dice: random.Random,
    test: Test,
    results: list[Result],
    release: int,
    environment: int,
) -> tuple[Row, list[Row]]:
    """The run with the newest result, and the earlier results as previous runs."""
    newest = results[-1]
    component, package, class_name = test.key
    tags, place = world.environments[environment], world.releases[release]
    row: Row = {
        "name": test.name, "test": test.ref, "test_of_last_run": test.ref, "test_name": test.name,
        "component": component, "package": package, "class_name": class_name,
        **_outcome(newest, "native_status", "status"),
        "started": iso(newest.started), "duration": newest.duration,
        "build": newest.build.ref, "pipeline": newest.build.pipeline,
        "release": place.ref, "draft_run": False,
        "taxonomies": tags, "product_areas": [test.area],
        "creation_time": newest.build.reported, "last_modified": newest.build.reported,
    }  # fmt: skip
    if dice.random() < 0.05:
        row["user_tags"] = [dice.choice(world.tags)]
    if newest.word == "failed":
        row["failed_build_age"] = newest.age
        row["failed_since_build"] = newest.since
        if dice.random() < 0.15 and world.defects:
            row["defect"] = [dice.choice(world.defects)]
    elif dice.random() < 0.02 and world.defects:
        row["defect"] = [dice.choice(world.defects)]
    history = [_earlier(test, result, place.ref, tags) for result in results[:-1]]
    return row, history


#: Type, message and stack trace as JUnit, Selenium, pytest, Java and Go write them.
ERRORS = (
    (
        "AssertionError",
        "expected 1 but was {n}",
        "org.example.Check.isTrue(Check.java:17)",
    ),
    (
        "AssertionError",
        "expected 1 but was {n}",
        "org.example.Check.isTrue(Check.java:17)",
    ),
    (
        "org.openqa.selenium.NoSuchElementException",
        'no such element: Unable to locate element: {{"method":"css selector","selector":"#pay"}}',
        "org.openqa.selenium.NoSuchElementException: no such element\n"
        "\tat org.example.pages.Basket.pay(Basket.java:88)",
    ),
    (
        "java.net.SocketTimeoutException",
        "Read timed out after {n}0000 ms from host node-{build}.test.example",
        "java.net.SocketTimeoutException: Read timed out\n"
        "\tat org.example.http.Client.read(Client.java:140)",
    ),
    (
        "sqlalchemy.exc.OperationalError",
        "(psycopg2.OperationalError) FATAL: sorry, too many clients already",
        'Traceback (most recent call last):\n  File "/ci/tests/conftest.py", line 31, in database',
    ),
    (
        "panic",
        "runtime error: index out of range [{n}] with length {n}",
        "goroutine {n} [running]:\nexample.test/orders.total(orders.go:52)",
    ),
    (
        "java.lang.NullPointerException",
        'Cannot invoke "org.example.Order.id()" because "order" is null',
        "java.lang.NullPointerException\n\tat org.example.Orders.find(Orders.java:61)",
    ),
)


def _outcome(result: Result, native: str, summary: str) -> Row:
    row: Row = {
        native: node_of("run_native_status", result.word),
        summary: node_of("run_status", result.word),
    }
    if result.word == "failed":
        kind, message, details = ERRORS[result.duration % len(ERRORS)]
        row["error_type"] = kind
        row["error_message"] = message.format(n=result.duration % 7, build=result.build.ref["id"])
        row["error_details"] = details
    return row


def _earlier(test: Test, result: Result, release: Ref, tags: list[Ref]) -> Row:
    component, package, class_name = test.key
    build = result.build
    row: Row = {
        "test_id": int(test.ref["id"]), "test_name": test.name, "test_component": component,
        "test_package": package, "test_class": class_name, "test_subtype": "test_automated",
        **_outcome(result, "run_native_status", "run_status"),
        "run_started": iso(result.started), "run_duration": result.duration,
        "build_id": int(build.ref["id"]), "build_name": build.name, "build_status": build.result,
        "job_name": build.job, "pipeline": build.pipeline, "pipeline_id": build.pipeline,
        "pipeline_name": build.job, "pipeline_run_id": build.pipeline_run,
        "release": release, "taxonomies": tags, "application_modules": [test.area],
        "is_new_failure": result.age == 1,
    }  # fmt: skip
    if result.word == "failed":
        row["failed_build_age"], row["failed_since_build"] = result.age, result.since
    return row


def _write(world: World, rows: list[tuple[Row, list[Row]]]) -> None:
    runs = world.add("run_automated", (row for row, _ in rows))

    def history() -> Iterator[Row]:
        for ref, (_, earlier) in zip(runs, rows, strict=True):
            for row in earlier:
                row["run_id"] = int(ref["id"])
                yield row

    world.add("run_history", history())
