"""The made-up workspace around the real CI history: a small team and its C++ numerics library.

In: a Feeder into an empty workspace. Out: about 200 entities and a dictionary of symbolic names to
ids ("module.parallel", "defect.wrong_norm"). Called before ci_history, by simulator and demo.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from octane_flows.simulator.datasets import Feeder, demo_story
from octane_flows.simulator.datasets.ci_history import END, FIRST_RELEASE, SECOND_RELEASE

__all__ = ["END", "load", "modules_of"]

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
    """Writes rows through a feeder and remembers their ids by symbolic name."""

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder
        self.ids: dict[str, str] = {}
        self._types: dict[str, str] = {}

    def at(self, moment: str) -> None:
        """Go to a time (UTC) of the story."""
        self.feeder.set_clock(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    def create(self, collection: str, entity_type: str, rows: Mapping[str, Row]) -> None:
        """Create rows of one type, keyed by symbolic name."""
        made = self.feeder.create(collection, list(rows.values()))
        self.ids.update(zip(rows, made, strict=True))
        self._types.update(dict.fromkeys(rows, entity_type))

    def ref(self, name: str) -> Row:
        """The reference to a row by its symbolic name."""
        return {"type": self._types[name], "id": self.ids[name]}

    def refs(self, prefix: str, names: str) -> list[Row]:
        """References to several rows, from a list of words."""
        return [self.ref(f"{prefix}.{name}") for name in names.split()]


def load(feeder: Feeder) -> dict[str, str]:
    """Fill the workspace; leaves the clock standing at the demo's end."""
    story = _Story(feeder)
    story.at("2020-05-04T08:00:00")
    _people_and_plan(story)
    _modules_and_tags(story)
    _backlog(story)
    _defects(story)
    _tasks(story)
    _tests(story)
    _runs(story)
    _comments(story)
    feeder.set_clock(END)
    return story.ids


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
              "description": demo_story.RELEASE_NOTE}
        for key, (name, start, end) in spans.items()
    })  # fmt: skip
    sprints: dict[str, Row] = {}
    for release, begin, count in (("spring", "2020-05-04", 5), ("winter", "2020-10-01", 5)):
        day = datetime.fromisoformat(begin).replace(tzinfo=UTC)
        for number in range(1, count + 1):
            final = day + timedelta(days=27)
            sprints[f"sprint.{release}_{number}"] = {
                "name": f"{release.title()} sprint {number}",
                "release": story.ref(f"release.{release}"),
                "start_date": f"{day:%Y-%m-%d}T00:00:00Z",
                "end_date": f"{final:%Y-%m-%d}T23:59:59Z",
            }
            day = final + timedelta(days=1)
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


def _backlog(story: _Story) -> None:
    story.create("epics", "epic", {
        f"epic.{key}": {"name": name, "phase": _phase("epic", phase),
                        "description": demo_story.html(f"{name}.")}
        for key, (name, phase) in demo_story.EPICS.items()
    })  # fmt: skip
    features = {}
    for key, (name, epic, phase, release, modules) in demo_story.FEATURES.items():
        features[f"feature.{key}"] = {
            "name": name,
            "parent": story.ref(f"epic.{epic}"),
            "phase": _phase("feature", phase),
            "release": story.ref(f"release.{release}"),
            "product_areas": story.refs("module", modules),
            "description": demo_story.html(f"What the library gains by “{name}”."),
        }
    story.create("features", "feature", features)
    kinds = (("stories", "story", demo_story.STORIES),
             ("quality_stories", "quality_story", demo_story.QUALITY_STORIES))  # fmt: skip
    for collection, kind, table in kinds:
        rows: dict[str, Row] = {}
        for number, (key, (name, feature, phase, sprint, owner)) in enumerate(table.items()):
            release = sprint.split("_")[0]
            rows[f"{kind}.{key}"] = {
                "name": name,
                "parent": story.ref(f"feature.{feature}"),
                "phase": _phase(kind, phase),
                "release": story.ref(f"release.{release}"),
                "sprint": story.ref(f"sprint.{sprint}"),
                "owner": story.ref(f"user.{owner}") if owner else None,
                "team": story.ref("team.core" if number % 2 else "team.tools"),
                "story_points": (1, 2, 3, 5, 8)[number % 5],
                "description": demo_story.html(name),
            }
        story.at("2020-10-05T09:00:00")
        story.create(collection, kind, rows)


def _defects(story: _Story) -> None:
    for row in demo_story.DEFECTS:
        story.at(row.found)
        phase_and_severity: Row = {"phase": _phase("defect", row.phase)}
        if row.severity:
            phase_and_severity["severity"] = _node("severity", row.severity)
        story.create("defects", "defect", {f"defect.{row.key}": {
            "name": row.name,
            **phase_and_severity,
            "priority": _node("priority", row.priority),
            **({"parent": story.ref(f"feature.{row.feature}")} if row.feature else {}),
            "release": story.ref("release.spring" if row.found < "2020-10" else "release.winter"),
            "product_areas": story.refs("module", row.modules),
            "user_tags": story.refs("tag", row.tags),
            "owner": story.ref(f"user.{row.owner}") if row.owner else None,
            "qa_owner": story.ref("user.sofia"),
            "detected_by": story.ref("user.sofia"),
            "description": demo_story.html(row.text),
        }})  # fmt: skip


def _tasks(story: _Story) -> None:
    story.at("2020-11-02T09:00:00")
    kinds = ("develop", "test", "document", "research")
    phases = ("completed", "inprogress", "new")
    rows: dict[str, Row] = {}
    for number, owner in enumerate(demo_story.TASK_OWNERS):
        # A finished item has finished tasks only; others mix, and two of three have a test task.
        is_done = owner in demo_story.ALL_TASKS_DONE
        for kind in kinds[: 1 + number % 4]:
            phase = "completed" if is_done else phases[(number + kinds.index(kind)) % 3]
            rows[f"task.{owner}.{kind}"] = {
                "name": f"{kind.title()}: {owner.partition('.')[2].replace('_', ' ')}",
                "story": story.ref(owner),
                "phase": _phase("task", phase),
                "item_type": _node("task_item_type", kind),
                "owner": story.ref("user.mert"),
                "estimated_hours": 4 + number % 5,
                "remaining_hours": 0 if phase == "completed" else 3,
            }
    story.create("tasks", "task", rows)


def _tests(story: _Story) -> None:
    story.at("2020-10-12T09:00:00")
    for collection, kind, table in (
        ("manual_tests", "test_manual", demo_story.MANUAL_TESTS),
        ("gherkin_tests", "gherkin_test", demo_story.GHERKIN_TESTS),
    ):
        rows: dict[str, Row] = {}
        for key, (name, phase, automation, modules, covers) in table.items():
            rows[f"{kind}.{key}"] = {
                "name": name,
                "phase": _phase(kind, phase),
                "automation_status": _node("automation_status", automation),
                "owner": story.ref("user.sofia"),
                "designer": story.ref("user.ola"),
                "product_areas": story.refs("module", modules),
                "covered_content": [story.ref(item) for item in covers.split()],
                "test_type": [_node("test_type", "acceptance")],
                "description": demo_story.html(name),
            }
        story.create(collection, kind, rows)
    story.create("test_suites", "test_suite", {
        f"test_suite.{key}": {"name": name, "owner": story.ref("user.sofia")}
        for key, (name, _) in demo_story.SUITES.items()
    })  # fmt: skip
    links: dict[str, Row] = {}
    for key, (_, tests) in demo_story.SUITES.items():
        for test in tests.split():
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
        story.at(run.created)
        is_suite = run.test.startswith("test_suite.")
        kind = "run_suite" if is_suite else "run_manual"
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
        story.create("suite_run" if is_suite else "manual_runs", kind, {f"run.{run.key}": row})
    # Failures of automated Gherkin tests near the end: neighbours of the real failures.
    for moment, name, status, module in demo_story.GHERKIN_RESULTS:
        story.at(moment)
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
    story.at("2021-01-19T09:30:00")
    rows: dict[str, Row] = {}
    for number, (owner, text) in enumerate(demo_story.COMMENTS):
        field = "owner_test" if owner.startswith(("test_", "gherkin_")) else "owner_work_item"
        if owner.startswith("run."):
            field = "owner_run"
        rows[f"comment.{number + 1}"] = {
            field: story.ref(owner), "text": demo_story.html(text),
            "author": story.ref("user.sofia" if number % 2 else "user.mert"),
        }  # fmt: skip
    story.create("comments", "comment", rows)
