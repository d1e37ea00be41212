"""The made-up workspace around the real CI history: a small team and its C++ numerics library.

In: a Feeder into an empty workspace. Out: about 200 entities, which events create and change in
order of time, and a dictionary of symbolic names to ids ("defect.wrong_norm"). Called by
demo_dataset.py only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from operator import itemgetter

from octane_simulator.datasets import Event, Feeder, demo_course, demo_story
from octane_simulator.datasets.ci_history import FIRST_RELEASE, SECOND_RELEASE
from octane_simulator.datasets.dataset_references import node_of
from octane_simulator.datasets.demo_nightly import add_nightly
from octane_simulator.datasets.demo_rows import Row, Story
from octane_simulator.datasets.demo_testing import add_comments, add_runs, add_tests

__all__ = ["begin", "modules_of"]

BEGIN = datetime(2020, 5, 4, 8, tzinfo=UTC)

# A row that every new workspace has.
MODULE_ROOT = {"type": "product_area", "id": "1001"}


def modules_of(ids: Mapping[str, str]) -> dict[str, str]:
    """The application modules among the symbolic names, as `ci_history.load` wants them."""
    prefix = "module."
    return {name.removeprefix(prefix): id for name, id in ids.items() if name.startswith(prefix)}


def begin(feeder: Feeder) -> tuple[dict[str, str], list[Event]]:
    """Create the rows of the first day; the events create the later ones, in order of time.

    Each event adds its ids to the ids by symbolic name.
    """
    story = Story(feeder)
    feeder.set_clock(BEGIN)
    _people_and_plan(story)
    _modules_and_tags(story)
    _fields(story)
    _requirements(story)
    for add in (_backlog, _defects, _tasks, add_tests, add_runs, add_comments, add_nightly):
        add(story)
    return story.ids, sorted(story.events, key=itemgetter(0))


def _people_and_plan(story: Story) -> None:
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


def _modules_and_tags(story: Story) -> None:
    for level in demo_story.MODULES:  # parents before their children
        rows = {}
        for key, (name, parent, impact) in level.items():
            rows[f"module.{key}"] = {
                "name": name,
                "parent": story.ref(f"module.{parent}") if parent else MODULE_ROOT,
                "business_impact": node_of("business_impact", impact),
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


def _fields(story: Story) -> None:
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


def _requirements(story: Story) -> None:
    story.create("requirement_documents", "requirement_document", {
        f"requirement.{key}": {"name": name, "description": demo_story.html(name)}
        for key, (name, _) in demo_story.REQUIREMENTS.items()
    })  # fmt: skip


def _backlog(story: Story) -> None:
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


def _feature(story: Story, name: str, epic: str, _phase: str, release: str, modules: str) -> Row:
    return {
        "name": name,
        "parent": story.ref(f"epic.{epic}"),
        "release": story.ref(f"release.{release}"),
        "product_areas": story.refs("module", modules),
        "description": demo_story.html(f"What the library gains by “{name}”."),
    }


def _story_row(
    story: Story, key: str, place: int, name: str, feature: str, sprint: str, owner: str
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


def _defects(story: Story) -> None:
    for defect in demo_story.DEFECTS:
        course = demo_course.defect_course(defect)
        story.walk("defects", "defect", defect.key, course, partial(_defect, story, defect))


def _defect(story: Story, defect: demo_story.Defect) -> Row:
    key = defect.key
    planned = "spring" if defect.found_at < "2020-10" else "winter"
    checks = demo_story.SAM if key in demo_story.SAM_CHECKS else "sofia"
    row: Row = {
        "name": defect.name,
        "priority": node_of("priority", defect.priority),
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
        row["severity"] = node_of("severity", defect.severity)
    if defect.feature:
        row["parent"] = story.ref(f"feature.{defect.feature}")
    if key in demo_story.WORKAROUNDS:
        row["workaround_udf"] = demo_story.WORKAROUNDS[key]
    return row


def _tasks(story: Story) -> None:
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


def _task(story: Story, number: int, owner: str, kind: str, phase: str) -> Row:
    return {
        "name": f"{kind.title()}: {owner.partition('.')[2].replace('_', ' ')}",
        "story": story.ref(owner),
        "item_type": node_of("task_item_type", kind),
        "owner": story.ref("user.mert"),
        "estimated_hours": 4 + number % 5,
        "remaining_hours": 0 if phase == "completed" else 3,
    }
