"""Manual and Gherkin tests, suites and their links of a generated workspace.

In: a World with its backlog. Out: tests with modules, tags and coverage, and suites of them. The
automated tests come with their runs, in automated_runs.py.
"""

from __future__ import annotations

import random
from typing import Any

from octane_simulator.datasets.dataset_references import node_of, phase_of
from octane_simulator.datasets.generated.generated_world import Row, Test, World
from octane_simulator.store.simulated_clock import iso

__all__ = ["add", "links_of_test"]

_PHASES = ("new", "indesign", "awaitingreview", "ready", "ready", "obsolete")
_AUTOMATION = ("not_automated", "ready_for_automation", "ready_for_automation", "automated",
               "requires_update", "requires_approval")  # fmt: skip
_TYPES = ("acceptance", "end_to_end", "regression", "sanity", "security", "performance")
_SCRIPT = "- Open the page\n- ?The page is there\n- Close it\n"
_FEATURE = "Feature: made up\n  Scenario: the usual way\n    Given a page\n    Then it is shown\n"


def links_of_test(world: World, dice: random.Random) -> Row:
    """Modules, tags, coverage and types of a test; any may be empty."""
    coverable = dice.choice((world.features, world.stories, world.defects))
    items = [item for item in world.some(dice, 2, coverable) if item["type"] != "quality_story"]
    return {
        "product_areas": world.some(dice, 3, world.areas),
        "user_tags": world.some(dice, 3, world.tags),
        "covered_content": items,
        "covered_requirement": world.some(dice, 1, world.requirements)
        if dice.random() < 0.3
        else [],
        "test_type": [
            node_of("test_type", word) for word in dice.sample(_TYPES, dice.randint(0, 2))
        ],
        "owner": world.owner(dice),
        "designer": dice.choice(world.users),
    }


def add(world: World) -> None:
    """Fill tests that are run by hand, and suites."""
    dice = world.dice("tests")
    for kind, count in (("test_manual", 8), ("gherkin_test", 8)):
        rows = []
        for number in range(count * world.scale):
            created_at = world.moment(dice, world.start, world.releases[1].start)
            changed_at = world.moment(dice, created_at)
            rows.append(
                {
                    "name": f"{kind.replace('_', ' ')} {number}",
                    "phase": phase_of(kind, dice.choice(_PHASES)),
                    "automation_status": node_of("automation_status", dice.choice(_AUTOMATION))
                    if dice.random() < 0.9
                    else None,
                    "steps_num": dice.randint(1, 12),
                    **links_of_test(world, dice),
                    **world.stamps(created_at, changed_at),
                }
            )
        refs = world.add(kind, rows)
        script = _SCRIPT if kind == "test_manual" else _FEATURE
        world.store.connection.executemany(
            "INSERT INTO test_script VALUES (?, ?, ?)",
            [(int(ref["id"]), script, iso(world.start)) for ref in refs],
        )
        for ref, row in zip(refs, rows, strict=True):
            area = (row["product_areas"] or world.areas)[0]
            world.by_hand.append(Test(ref, row["name"], area))
    _suites(world, dice)


def _suites(world: World, dice: random.Random) -> None:
    count = 2 * world.scale
    suites = world.add(
        "test_suite",
        [
            {
                "name": f"Suite {number}",
                "owner": world.owner(dice),
                "user_tags": world.some(dice, 1, world.tags),
                **world.stamps(world.start),
            }
            for number in range(count)
        ],
    )
    links: dict[str, list[dict[str, Any]]] = {"manual": [], "gherkin": []}
    for number, ref in enumerate(suites):
        members = dice.sample(world.by_hand, min(len(world.by_hand), dice.randint(2, 6)))
        planned = []
        for order, test in enumerate(members):
            word = "manual" if test.ref["type"] == "test_manual" else "gherkin"
            included = order == 0 or dice.random() < 0.8
            if included:
                planned.append(test)
            links[word].append(
                {"test_suite": ref, "test": test.ref, "order": order,
                 "include_in_next_run": included, **world.stamps(world.start)}
            )  # fmt: skip
        world.suites.append((Test(ref, f"Suite {number}", world.areas[0]), planned))
    for word, rows in links.items():
        world.add(f"test_suite_link_to_{word}", rows)
