"""The areas of the documented section "Common flows and ER diagrams", and the tables of each.

Nothing in, `Area` records out. The areas follow the vendor's list; what each consists of is ours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """An area: `tables` are what it is about, `around` what these refer to; `points` explain it."""

    slug: str
    title: str
    tables: tuple[str, ...]
    around: tuple[str, ...]
    points: tuple[str, ...]


def _area(slug: str, title: str, tables: str, around: str, *points: str) -> Area:
    return Area(slug, title, _names(tables), _names(around), points)


def _names(text: str) -> tuple[str, ...]:
    return tuple(f"er.{name}" for name in text.split())


AREAS = (
    _area(
        "automated_tests_and_runs",
        "Automated tests and runs",
        "tests runs last_runs run_modules",
        "builds pipelines releases milestones programs application_modules users",
        "A run belongs to one test. Its newer results replace older ones, which become rows of "
        "`er.previous_runs`.",
        "`er.last_runs` has the last run of a test for each release, milestone, program and set of "
        "environment tags, so that a test has several.",
        "Only automated runs have a build and a pipeline.",
        "`er.automated_results` has the results of both tables, current and replaced, for "
        "statistics.",
    ),
    _area(
        "manual_tests_suites_and_runs",
        "Manual tests, Gherkin tests, suites and runs",
        "tests test_scripts test_steps test_versions suite_links runs run_steps run_step_defects "
        "run_work_items",
        "defects work_items sprints users",
        "All kinds of tests have one table, as have all kinds of runs; `test_type` and `run_type` "
        "tell them apart.",
        "A suite is a test. `er.suite_links` says which tests it contains, and a suite run is the "
        "parent of the runs of these tests.",
        "The script of a manual test is a resource of its own in the REST API; a step can call "
        "another test.",
    ),
    _area(
        "environments_and_tags",
        "Environments and tags",
        "environments run_environments previous_run_environments defect_environments user_tags "
        "test_tags run_tags work_item_tags",
        "runs previous_runs defects tests work_items",
        "An environment is a tag of a category, such as Browser: Firefox. The REST API calls them "
        "taxonomies.",
        "User tags are free texts.",
    ),
    _area(
        "ci_cd",
        "CI/CD",
        "ci_servers ci_jobs pipelines pipeline_nodes pipeline_steps pipeline_runs "
        "pipeline_run_builds pipeline_node_builds builds build_jobs build_commits commits",
        "releases milestones programs",
        "A pipeline belongs to one CI server. Each of its runs consists of builds.",
        "A build can belong to several pipeline runs, so that a table stands between the two.",
        "Pipeline nodes are the jobs of the CI server.",
    ),
    _area(
        "backlog_releases_and_sprints",
        "Backlog, stories, releases and sprints",
        "work_items releases sprints milestones programs teams team_members team_sprints "
        "team_releases",
        "users",
        "Sprints and milestones belong to one release; names of sprints repeat from release to "
        "release.",
        "A story is below a feature, a feature below an epic, an epic below the root of the "
        "backlog: `parent_work_item_id`.",
    ),
    _area(
        "my_work",
        "My Work",
        "user_items signed_in_users",
        "users work_items tests runs tasks requirements",
        "An entry is for one item: a work item, a test, a run, a task or a requirement.",
        "`er.signed_in_users` says who 'me' is in each workspace.",
    ),
    _area(
        "defects",
        "Defects",
        "defects defect_runs defect_modules",
        "runs work_items application_modules releases sprints teams users",
        "A defect is a work item too: `er.work_items` has a row for it, with the same id.",
        "A defect names the runs that found it, or that are linked to it since: `er.defect_runs`.",
    ),
    _area(
        "application_modules",
        "Application modules",
        "application_modules application_module_ancestors test_modules test_module_ancestors "
        "work_item_modules defect_modules",
        "tests work_items defects",
        "Modules are a tree. The REST API calls them product areas.",
        "`er.test_module_ancestors` also has the modules that contain a test's own modules.",
    ),
    _area(
        "work_items",
        "Work items",
        "work_items work_item_dependencies work_item_links test_work_items quality_story_tests "
        "quality_story_runs work_item_commits phase_periods phase_changes "
        "done_periods field_periods",
        "tests runs commits phases",
        "Stories, defects, quality stories, features and epics have one table; `work_item_type` "
        "tells them apart.",
        "Tests cover work items: `er.test_work_items`.",
    ),
    _area(
        "requirements",
        "Requirements",
        "requirements requirement_work_items test_requirements",
        "tests work_items users phases",
        "Requirement documents and folders are a tree. Tests cover requirements.",
    ),
    _area(
        "tasks",
        "Tasks",
        "tasks",
        "work_items users phases",
        "A task belongs to one story, quality story or defect.",
    ),
    _area(
        "list_nodes",
        "List nodes and phases",
        "list_items phases metaphases transitions",
        "work_items defects tests runs run_steps previous_runs pipeline_runs tasks requirements",
        "Values of lists and phases are compared by their logical names, the columns that end in "
        "`_code`, because ids and labels differ between servers.",
    ),
    _area(
        "comments_and_attachments",
        "Comments and attachments",
        "comments attachments",
        "work_items tests runs run_steps tasks requirements pipelines releases milestones "
        "application_modules users",
        "A comment or an attachment belongs to one item; the column of that kind has its id, the "
        "others are empty.",
    ),
    _area(
        "run_history",
        "Special resources: run history and change history",
        "previous_runs previous_run_environments field_changes sprint_moves",
        "runs tests builds releases milestones environments work_items users",
        "The history outlives the runs, tests and builds that it names: such a reference can lead "
        "nowhere, which is no fault.",
    ),
)


def areas_of(tables: Collection[str]) -> list[Area]:
    """The areas that some tables belong to."""
    return [area for area in AREAS if set(area.tables) & set(tables)]
