"""Which relation stands behind each multi-reference field, as data.

In: nothing. Out: two-sided links (one table, readable from both ends) and inverses of single
references (no table: a query on the child). Read by entity_schema.py and entity_store.py.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INVERSES", "LINKS", "Inverse", "Link", "Side"]


@dataclass(frozen=True)
class Side:
    """One end of a link: the family, its field names (twins), and whether only queries see it."""

    family: str
    fields: tuple[str, ...]
    filter_only: bool = False


@dataclass(frozen=True)
class Link:
    """A many-to-many relation that is stored once; `right.fields` may be empty."""

    name: str
    left: Side
    right: Side


@dataclass(frozen=True)
class Inverse:
    """The rows of `child` whose single reference `reference` points at the owner."""

    family: str
    field: str
    child: str
    reference: str
    filter_only: bool = False


_AREAS = ("product_areas", "application_modules")

LINKS: tuple[Link, ...] = (
    Link("defect_run", Side("work_item", ("run",)), Side("run", ("defect",))),
    Link(
        "covered_content",
        Side("work_item", ("test",)),
        Side("test", ("covered_content", "backlog_coverage")),
    ),
    Link("linked_run", Side("work_item", ("linked_runs",)), Side("run", ("quality_stories",))),
    Link("linked_test", Side("work_item", ("linked_tests",)), Side("test", ("quality_stories",))),
    Link("requirement_feature", Side("requirement", ("features",)),
         Side("work_item", ("requirements",))),
    Link("defect_run_step", Side("work_item", ("run_step",)), Side("run_step", ("defect",))),
    Link("work_item_commit", Side("work_item", ("commits",)),
         Side("scm_commit", ("work_items",), True)),
    Link("build_commit", Side("ci_build", ("commits",)), Side("scm_commit", ("ci_build",))),
    Link("build_node", Side("ci_build", ("pipeline_node",)),
         Side("pipeline_node", ("ci_builds",))),
    Link("build_pipeline_run", Side("ci_build", ("pipeline_run",)),
         Side("pipeline_run", ("ci_builds",))),
    Link("dependency", Side("work_item", ("depends_on",)), Side("work_item", ("dependence",))),
    Link("linked_item", Side("work_item", ("linked_items1",)),
         Side("work_item", ("linked_items2",))),
    Link("related_requirement", Side("requirement", ("related_to_requirement",)),
         Side("requirement", ("related_from_requirements",))),
    Link("covered_requirement", Side("test", ("covered_requirement",)),
         Side("requirement", ("test",))),
    Link("test_product_area", Side("test", _AREAS), Side("product_area", ("test",), True)),
    Link("work_item_product_area", Side("work_item", _AREAS),
         Side("product_area", ("work_item",), True)),
    Link("run_product_area", Side("run", ("product_areas",)),
         Side("product_area", ("run",), True)),
    Link("test_user_tag", Side("test", ("user_tags",)), Side("user_tag", ("test",), True)),
    Link("work_item_user_tag", Side("work_item", ("user_tags",)),
         Side("user_tag", ("work_item",), True)),
    Link("run_user_tag", Side("run", ("user_tags",)), Side("user_tag", ("run",))),
    Link("run_taxonomy", Side("run", ("taxonomies",)), Side("taxonomy_node", ("run",), True)),
    Link("release_program", Side("release", ("programs",)), Side("program", ("releases",), True)),
    Link("team_release", Side("team", ("releases",)), Side("release", ("teams",), True)),
    Link("team_user", Side("team", ("members",)), Side("workspace_user", ("teams",), True)),
    Link("requirement_release", Side("requirement", ("release",)),
         Side("release", ("requirement",), True)),
)  # fmt: skip


def _owned(child: str, families: tuple[str, ...]) -> tuple[Inverse, ...]:
    return tuple(Inverse(family, f"{child}s", child, f"owner_{family}") for family in families)


INVERSES: tuple[Inverse, ...] = (
    Inverse("product_area", "children", "product_area", "parent"),
    Inverse("work_item", "children", "work_item", "parent", True),
    Inverse("requirement", "children", "requirement", "parent", True),
    Inverse("work_item", "child_task", "task", "story", True),
    Inverse("test", "run", "run", "test"),
    *(
        Inverse(family, "user_item", "user_item", f"my_follow_items_{family}", True)
        for family in ("work_item", "test", "run", "requirement", "task")
    ),
    Inverse("pipeline", "run", "run", "pipeline"),
    Inverse("test", "covered_manual_test", "test", "covering_automated_test"),
    Inverse("test", "last_runs", "run", "test_of_last_run"),
    Inverse("run", "run_steps", "run_step", "run"),
    Inverse("run", "runs_in_suite", "run", "parent_suite"),
    Inverse("test", "link_to_test", "test_suite_link_to_test", "test"),
    Inverse("test", "link_to_test_suite", "test_suite_link_to_test", "test_suite"),
    Inverse("list_node", "list_nodes", "list_node", "list_root"),
    Inverse("metaphase", "phase", "phase", "metaphase"),
    Inverse("phase", "sub_phases", "phase", "master_phase"),
    Inverse("ci_server", "pipeline", "pipeline", "ci_server"),
    Inverse("pipeline", "nodes", "pipeline_node", "pipeline"),
    Inverse("pipeline", "pipeline_run", "pipeline_run", "pipeline"),
    Inverse("team", "team_members", "team_member", "team"),
    Inverse("team", "team_sprint_relation", "team_sprint", "team"),
    Inverse("release", "run", "run", "release", True),
    Inverse("release", "sprints", "sprint", "release", True),
    Inverse("release", "milestones", "milestone", "release", True),
    Inverse("release", "work_items", "work_item", "release", True),
    Inverse("sprint", "run", "run", "sprint", True),
    Inverse("sprint", "work_items", "work_item", "sprint", True),
    Inverse("milestone", "run", "run", "milestone", True),
    Inverse("ci_build", "run", "run", "build", True),
    *_owned(
        "comment",
        ("work_item", "test", "run", "requirement", "task", "pipeline", "planning_info"),
    ),
    *_owned(
        "attachment",
        (
            "work_item", "test", "run", "requirement", "task", "planning_info", "product_area",
            "release", "milestone", "run_step",
        ),
    ),
)  # fmt: skip
