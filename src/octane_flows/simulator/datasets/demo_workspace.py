"""The made-up workspace around the real CI history: a small team and its C++ numerics library.

In: a Feeder into an empty workspace. Out: about 200 entities, made and moved by events in order of
time, and a dictionary of symbolic names to ids ("defect.wrong_norm"). Called by demo.py only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from operator import itemgetter
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from octane_flows.simulator.datasets import Event, Feeder, demo_course, demo_story
from octane_flows.simulator.datasets.ci_history import FIRST_RELEASE, SECOND_RELEASE
from octane_flows.simulator.datasets.demo_course import Course

__all__ = ["begin", "modules_of"]

BEGIN = datetime(2020, 5, 4, 8, tzinfo=UTC)
SAM_ID = "1001"  # the user who signs in is there before all others

# Rows that every workspace is made with.
MODULE_ROOT = {"type": "product_area", "id": "1001"}

Row = dict[str, Any]


def modules_of(ids: Mapping[str, str]) -> dict[str, str]:
    """The application modules among the symbolic names, as `ci_history.load` wants them."""
    prefix = "module."
    return {name.removeprefix(prefix): id for name, id in ids.items() if name.startswith(prefix)}


def _node(root: str, word: str) -> Row:
    return {"type": "list_node", "id": f"list_node.{root}.{word}"}


def _phase(entity: str, word: str) -> Row:
    return {"type": "phase", "id": f"phase.{entity}.{word}"}


class _Story:
    """Writes rows through a feeder, now or later, and remembers their ids by symbolic name."""

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder
        self.ids: dict[str, str] = {"user.sam": SAM_ID}
        self.events: list[Event] = []
        #: When each thing that is made later comes, by symbolic name.
        self.created: dict[str, datetime] = {}
        self._types: dict[str, str] = {"user.sam": "workspace_user"}

    def create(self, collection: str, entity_type: str, rows: Mapping[str, Row]) -> None:
        """Create rows of one type, keyed by symbolic name."""
        made = self.feeder.create(collection, list(rows.values()))
        self.ids.update(zip(rows, made, strict=True))
        self._types.update(dict.fromkeys(rows, entity_type))

    def later(self, moment: datetime, act: Callable[[], None]) -> None:
        """Do something when the clock is there."""
        self.events.append((moment, act))

    def make(
        self, collection: str, kind: str, name: str, moment: datetime, row: Callable[[], Row]
    ) -> None:
        """Create one row at a moment; its references are looked up then."""
        self.created[name] = moment
        self.later(moment, lambda: self.create(collection, kind, {name: row()}))

    def walk(
        self, collection: str, kind: str, key: str, course: Course, row: Callable[[], Row]
    ) -> None:
        """Create one row in the first phase of its course, then move it along."""
        (begin, first), *steps = course
        name = f"{kind}.{key}"
        self.make(collection, kind, name, begin, lambda: {**row(), "phase": _phase(kind, first)})
        for moment, phase in steps:
            self.later(moment, partial(self._move, collection, name, phase))

    def _move(self, collection: str, name: str, phase: str) -> None:
        kind = self._types[name]
        self.feeder.update(collection, [{"id": self.ids[name], "phase": _phase(kind, phase)}])

    def ref(self, name: str) -> Row:
        """The reference to a row by its symbolic name."""
        return {"type": self._types[name], "id": self.ids[name]}

    def refs(self, prefix: str, names: str) -> list[Row]:
        """References to several rows, from a list of words."""
        return [self.ref(f"{prefix}.{name}") for name in names.split()]


def begin(feeder: Feeder) -> tuple[dict[str, str], list[Event]]:
    """Make what is there from the first day; the events are what comes later, in order of time.

    The ids by symbolic name get complete as the events are run.
    """
    story = _Story(feeder)
    feeder.set_clock(BEGIN)
    _people_and_plan(story)
    _modules_and_tags(story)
    _fields(story)
    for add in (_backlog, _defects, _tasks, _tests, _runs, _comments):
        add(story)
    return story.ids, sorted(story.events, key=itemgetter(0))


def _people_and_plan(story: _Story) -> None:
    users = {}
    for key, (first, last) in demo_story.USERS.items():
        address = f"{key}@example.invalid"
        users[f"user.{key}"] = {
            "first_name": first, "last_name": last, "name": address, "email": address,
            "phone1": "+00 000 000",
        }  # fmt: skip
    story.create("workspace_users", "workspace_user", users)
    spans = {
        "release.spring": (FIRST_RELEASE, "2020-05-04", "2020-09-30"),
        "release.winter": (SECOND_RELEASE, "2020-10-01", "2021-03-31"),
    }
    story.create("releases", "release", {
        key: {"name": name, "start_date": f"{start}T00:00:00Z", "end_date": f"{end}T23:59:59Z",
              "is_default": key == "release.winter", "description": demo_story.RELEASE_NOTE}
        for key, (name, start, end) in spans.items()
    })  # fmt: skip
    sprints: dict[str, Row] = {}
    for release in demo_course.BEGINS:
        for number in range(1, 6):
            day = demo_course.sprint_start(f"{release}_{number}")
            final = day + timedelta(days=demo_course.SPRINT_DAYS - 1)
            sprints[f"sprint.{release}_{number}"] = {
                "name": f"{release.title()} sprint {number}",
                "release": story.ref(f"release.{release}"),
                "start_date": f"{day:%Y-%m-%d}T00:00:00Z",
                "end_date": f"{final:%Y-%m-%d}T23:59:59Z",
            }
    story.create("sprints", "sprint", sprints)
    story.create("milestones", "milestone", {
        "milestone.freeze": {"name": "Feature freeze", "date": "2021-02-15T00:00:00Z",
                             "release": story.ref("release.winter")},
    })  # fmt: skip
    story.create("teams", "team", {
        "team.core": {"name": "Core numerics", "team_lead": story.ref("user.nina"),
                      "releases": story.refs("release", "spring winter")},
        "team.tools": {"name": "Grid & tools", "team_lead": story.ref("user.paul"),
                       "releases": story.refs("release", "winter")},
    })  # fmt: skip


def _modules_and_tags(story: _Story) -> None:
    for level in demo_story.MODULES:  # parents before their children
        rows = {}
        for key, (name, parent, impact) in level.items():
            rows[f"module.{key}"] = {
                "name": name,
                "parent": story.ref(f"module.{parent}") if parent else MODULE_ROOT,
                "business_impact": _node("business_impact", impact),
                "description": demo_story.MODULE_NOTE,
            }
        story.create("product_areas", "product_area", rows)
    tags = {f"tag.{key}": {"name": name} for key, name in demo_story.TAGS.items()}
    story.create("user_tags", "user_tag", tags)
    categories = {
        "Operating system": ("debian_11", "ubuntu_20_04"),
        "Compiler": ("gcc-10-20", "clang-10-20"),
    }
    story.create("taxonomy_category_nodes", "taxonomy_category_node",
                 {f"category.{name}": {"name": name} for name in categories})  # fmt: skip
    story.create("taxonomy_item_nodes", "taxonomy_item_node", {
        f"environment.{value}": {"name": value, "category": story.ref(f"category.{category}")}
        for category, values in categories.items()
        for value in values
    })  # fmt: skip


def _fields(story: _Story) -> None:
    story.create("metadata_fields", "field_metadata", {
        f"field.{name}": {"subtype": f"field_metadata_{kind}", "name": name, "label": label,
                          "entity_type": owner}
        for name, (kind, label, owner) in demo_story.FIELDS.items()
    })  # fmt: skip
    story.create("automated_tests", "test_automated", {
        f"test_automated.{name}": {"name": name, "component": "dune-common",
                                   "package": "dune.common", "user_tags": story.refs("tag", tag)}
        for name, tag in demo_story.TAGGED_TESTS.items()
    })  # fmt: skip


def _backlog(story: _Story) -> None:
    for key, (name, phase) in demo_story.EPICS.items():
        release = "spring" if phase == "done" else "winter"
        course = demo_course.large_course("epic", release, phase)
        story.walk("epics", "epic", key, course, partial(_epic, name))
    for key, facts in demo_story.FEATURES.items():
        course = demo_course.large_course("feature", facts[3], facts[2])
        story.walk("features", "feature", key, course, partial(_feature, story, *facts))
    kinds = (("stories", "story", demo_story.STORIES),
             ("quality_stories", "quality_story", demo_story.QUALITY_STORIES))  # fmt: skip
    numbers = {"spring": count(), "winter": count()}
    for collection, kind, table in kinds:
        for place, (key, (name, feature, phase, sprint, owner)) in enumerate(table.items()):
            number = next(numbers[sprint.split("_")[0]])
            course = demo_course.story_course(kind, key, number, sprint, phase)
            row = partial(_story_row, story, key, place, name, feature, sprint, owner)
            story.walk(collection, kind, key, course, row)


def _epic(name: str) -> Row:
    return {"name": name, "description": demo_story.html(f"{name}.")}


def _feature(story: _Story, name: str, epic: str, _phase: str, release: str, modules: str) -> Row:
    return {
        "name": name,
        "parent": story.ref(f"epic.{epic}"),
        "release": story.ref(f"release.{release}"),
        "product_areas": story.refs("module", modules),
        "description": demo_story.html(f"What the library gains by “{name}”."),
    }


def _story_row(
    story: _Story, key: str, place: int, name: str, feature: str, sprint: str, owner: str
) -> Row:
    asked_by = demo_story.ASKED_BY.get(key)
    return {
        "name": name,
        "parent": story.ref(f"feature.{feature}"),
        "release": story.ref(f"release.{sprint.split('_')[0]}"),
        "sprint": story.ref(f"sprint.{sprint}"),
        "owner": story.ref(f"user.{owner}") if owner else None,
        "team": story.ref("team.core" if place % 2 else "team.tools"),
        "story_points": (1, 2, 3, 5, 8)[place % 5],
        "description": demo_story.html(name),
        **({"asked_by_udf": story.ref(f"user.{asked_by}")} if asked_by else {}),
    }


def _defects(story: _Story) -> None:
    for defect in demo_story.DEFECTS:
        course = demo_course.defect_course(defect)
        story.walk("defects", "defect", defect.key, course, partial(_defect, story, defect))


def _defect(story: _Story, defect: demo_story.Defect) -> Row:
    key = defect.key
    planned = "spring" if defect.found < "2020-10" else "winter"
    checks = demo_story.SAM if key in demo_story.SAM_CHECKS else "sofia"
    row: Row = {
        "name": defect.name,
        "priority": _node("priority", defect.priority),
        "release": story.ref(f"release.{planned}"),
        "detected_in_release": story.ref(
            "release.spring" if key in demo_story.ESCAPED else f"release.{planned}"
        ),
        "product_areas": story.refs("module", defect.modules),
        "user_tags": story.refs("tag", defect.tags),
        "owner": story.ref(f"user.{defect.owner}") if defect.owner else None,
        "qa_owner": story.ref(f"user.{checks}"),
        "detected_by": story.ref("user.sofia"),
        "description": demo_story.html(defect.text),
        "reported_by_customer_udf": "customer" in defect.tags.split(),
    }
    if defect.severity:
        row["severity"] = _node("severity", defect.severity)
    if defect.feature:
        row["parent"] = story.ref(f"feature.{defect.feature}")
    if key in demo_story.WORKAROUNDS:
        row["workaround_udf"] = demo_story.WORKAROUNDS[key]
    return row


def _tasks(story: _Story) -> None:
    kinds = ("develop", "test", "document", "research")
    phases = ("completed", "inprogress", "new")
    for number, owner in enumerate(demo_story.TASK_OWNERS):
        # A finished item has finished tasks only; others mix, and two of three have a test task.
        is_done = owner in demo_story.ALL_TASKS_DONE
        for place, kind in enumerate(kinds[: 1 + number % 4]):
            phase = "completed" if is_done else phases[(number + place) % 3]
            begin = story.created[owner] + timedelta(days=1, hours=place)
            course = [(begin, "new")]
            if phase != "new":
                course.append((begin + timedelta(days=5 + place), phase))
            row = partial(_task, story, number, owner, kind, phase)
            story.walk("tasks", "task", f"{owner}.{kind}", course, row)


def _task(story: _Story, number: int, owner: str, kind: str, phase: str) -> Row:
    return {
        "name": f"{kind.title()}: {owner.partition('.')[2].replace('_', ' ')}",
        "story": story.ref(owner),
        "item_type": _node("task_item_type", kind),
        "owner": story.ref("user.mert"),
        "estimated_hours": 4 + number % 5,
        "remaining_hours": 0 if phase == "completed" else 3,
    }


def _tests(story: _Story) -> None:
    begin = demo_course.at("2020-06-08T09:00:00")
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
    story: _Story, kind: str, key: str, name: str, phase: str, automation: str, modules: str,
    covers: str,
) -> Row:  # fmt: skip
    owner = demo_story.SAM if key in demo_story.SAMS_TESTS else "sofia"
    return {
        "name": name,
        "phase": _phase(kind, phase),
        "automation_status": _node("automation_status", automation),
        "owner": story.ref(f"user.{owner}"),
        "designer": story.ref("user.ola"),
        "product_areas": story.refs("module", modules),
        "covered_content": [story.ref(item) for item in covers.split()],
        "test_type": [_node("test_type", "acceptance")],
        "description": demo_story.html(name),
    }


def _suite(story: _Story, name: str) -> Row:
    return {"name": name, "owner": story.ref("user.sofia")}


def _script(story: _Story, key: str) -> None:
    """The steps of a manual test, and the file that one of them names."""
    made = {name.partition(".")[2]: id for name, id in story.ids.items() if "test_manual." in name}
    text = demo_story.SCRIPTS[key].format_map(made)
    body = json.dumps({"script": text, "comment": demo_story.NOTE, "revision_type": "Minor"})
    story.feeder.send("PUT", f"tests/{made[key]}/script", {}, body.encode(), "application/json")
    if name := demo_story.FILES.get(key):
        where = {"name": name, "owner_test": json.dumps(story.ref(f"test_manual.{key}"))}
        content = demo_story.NOTE.encode()
        story.feeder.send("POST", "attachments", where, content, "application/octet-stream")


def _fill_suite(story: _Story, key: str, tests: list[str]) -> None:
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


def _runs(story: _Story) -> None:
    for run in demo_story.RUNS:
        is_suite = run.test.startswith("test_suite.")
        kind, collection = ("run_suite", "suite_run") if is_suite else ("run_manual", "manual_runs")
        moment = demo_course.at(run.created)
        row = partial(_run, story, run, is_suite)
        story.make(collection, kind, f"run.{run.key}", moment, row)
    # Failures of automated Gherkin tests near the end: neighbours of the real failures.
    for result in demo_story.GHERKIN_RESULTS:
        story.later(demo_course.at(result[0]), partial(_post_gherkin, story, *result))


def _run(story: _Story, run: demo_story.Run, is_suite: bool) -> Row:
    row: Row = {
        "name": run.name,
        "test": story.ref(run.test),
        "native_status": _node("run_native_status", run.status),
        "release": story.ref(f"release.{run.release}"),
    }
    if is_suite:
        row["default_run_by"] = story.ref(f"user.{run.by}")
    else:
        row["run_by"] = story.ref(f"user.{run.by}")
        row["taxonomies"] = story.refs("environment", run.environment)
        row["defect"] = [story.ref(f"defect.{name}") for name in run.defects.split()]
    return row


def _post_gherkin(story: _Story, moment: str, name: str, status: str, module: str) -> None:
    xml = _gherkin_document(story, moment, name, status, module)
    story.feeder.post_test_results(xml.encode())


def _gherkin_document(story: _Story, moment: str, name: str, status: str, module: str) -> str:
    started = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    error = "<error_message>made up: the picture differs</error_message>"
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


def _comments(story: _Story) -> None:
    moment = demo_course.at("2021-01-20T14:30:00")
    for number, (owner, text) in enumerate(demo_story.COMMENTS):
        field = "owner_test" if owner.startswith(("test_", "gherkin_")) else "owner_work_item"
        if owner.startswith("run."):
            field = "owner_run"
        row = partial(_comment, story, number, field, owner, text)
        story.make(
            "comments", "comment", f"comment.{number + 1}", moment + timedelta(minutes=number), row
        )


def _comment(story: _Story, number: int, field: str, owner: str, text: str) -> Row:
    return {
        field: story.ref(owner), "text": demo_story.html(text),
        "author": story.ref("user.sofia" if number % 2 else "user.mert"),
    }  # fmt: skip
