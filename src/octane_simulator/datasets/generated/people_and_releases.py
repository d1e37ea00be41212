"""People, releases, sprints, milestones, modules, tags and environments of a generated workspace.

In: a World. Out: the rows that everything else refers to. Called first.
"""

from __future__ import annotations

from datetime import timedelta

from octane_simulator.datasets.dataset_references import node_of
from octane_simulator.datasets.generated.generated_world import Ref, Release, Row, World
from octane_simulator.store.simulated_clock import iso

__all__ = ["add"]

_FIRST = ("Ada", "Bjørn", "Chloé", "Darko", "Eszter", "Femi", "Grażyna", "Hiro", "Ines", "Jörg")
_LAST = ("Ahmed", "Brown", "Čapek", "Díaz", "Eriksen", "Fischer", "García", "Haddad")
_AREAS = ("Messaging", "Billing", "Search", "Reports", "Sign-in", "Import & export", "Calendar")
_PARTS = ("Screen", "Service", "Storage", "Mail", "Rules")
_TAGS = ("security", "smoke", "regression", "performance", "customer", "Größe", "needs data")
_SYSTEMS = ("Windows 11", "Ubuntu 24.04", "macOS 15")
_BROWSERS = ("Firefox", "Chrome")


def add(world: World) -> None:
    """Fill users, releases, teams, areas, tags and environments."""
    _users(world)
    _releases(world)
    _teams(world)
    _areas(world)
    dice = world.dice("tags")
    world.tags = world.add(
        "user_tag", [{"name": name, **world.stamps(world.start)} for name in _TAGS]
    )
    dice.shuffle(world.tags)
    _environments(world)


def _users(world: World) -> None:
    dice = world.dice("users")
    rows = []
    for number in range(4 + 2 * min(world.scale, 100)):
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        address = f"user{number}@example.invalid"
        rows.append(
            {
                "first_name": first, "last_name": last, "full_name": f"{first} {last}",
                "name": address, "email": address, "uid": f"uid-g{number}",
                "phone1": "+00 000", "language": "lang.en", **world.stamps(world.start),
            }
        )  # fmt: skip
    world.users += world.add("workspace_user", rows)


def _releases(world: World) -> None:
    (world.program,) = world.add("program", [{"name": "Platform", **world.stamps(world.start)}])
    count = 4 if world.runs < 5_000 else 12
    length = timedelta(days=365 * 3 // count)
    for number in range(count):
        start = (world.start + number * length).replace(hour=0)
        # The last release is not over: exactly one release and one sprint are current.
        end = start + length if number < count - 1 else world.end + timedelta(days=30)
        (ref,) = world.add(
            "release",
            [
                {
                    "name": f"{start:%Y}.{number + 1}",
                    "start_date": iso(start),
                    "end_date": iso(end - timedelta(seconds=1)),
                    "is_default": number == count - 1,
                    "agile_type": node_of("release_agile_type", "scrum"),
                    "programs": [world.program] if number % 2 else [],
                    "description": "<html><body><p>Generated.</p></body></html>",
                    **world.stamps(start - timedelta(days=30)),
                }
            ],
        )
        starts = [start + (end - start) * part / 4 for part in range(5)]
        sprints = world.add(
            "sprint",
            [
                {
                    "name": f"Sprint {part + 1}",
                    "release": ref,
                    "start_date": iso(starts[part]),
                    "end_date": iso(starts[part + 1] - timedelta(seconds=1)),
                    **world.stamps(start - timedelta(days=20)),
                }
                for part in range(4)
            ],
        )
        (milestone,) = world.add(
            "milestone",
            [{"name": f"Freeze {start:%Y}.{number + 1}", "date": iso(starts[3]), "release": ref,
              **world.stamps(start)}],
        )  # fmt: skip
        world.releases.append(
            Release(ref, start, end, tuple(zip(sprints, starts[:4], strict=True)), milestone)
        )


def _teams(world: World) -> None:
    dice = world.dice("teams")
    world.teams = world.add(
        "team",
        [
            {
                "name": f"Team {name}",
                "team_lead": dice.choice(world.users),
                "members": world.some(dice, 5, world.users),
                "releases": [release.ref for release in world.releases[-2:]],
                **world.stamps(world.start),
            }
            for name in ("Alpha", "Bravo", "Charlie")
        ],
    )


def _areas(world: World) -> None:
    dice = world.dice("areas")
    impacts = ("no_impact", "low", "medium", "high", "critical")

    def row(name: str, parent: Ref) -> Row:
        impact = node_of("business_impact", dice.choice(impacts))
        return {
            "name": name,
            "parent": parent,
            "business_impact": impact,
            **world.stamps(world.start),
        }

    root = world.root["product_area"]
    tops = world.add("product_area", [row(name, root) for name in _AREAS])
    world.areas += tops
    parts = [
        row(f"{_AREAS[at]} {part}", top)
        for at, top in enumerate(tops)
        for part in _PARTS[: (at + 2) % 4]
    ]
    world.areas += world.add("product_area", parts)
    if world.scale > 10:
        deep = [row(f"Component {n}", dice.choice(world.areas)) for n in range(world.scale * 4)]
        world.areas += world.add("product_area", deep)


def _environments(world: World) -> None:
    categories = world.add(
        "taxonomy_category_node",
        [{"name": name, **world.stamps(world.start)} for name in ("Operating system", "Browser")],
    )
    items = [
        world.add(
            "taxonomy_item_node",
            [{"name": name, "category": category, **world.stamps(world.start)} for name in names],
        )
        for category, names in zip(categories, (_SYSTEMS, _BROWSERS), strict=True)
    ]
    pairs = [[system, browser] for system in items[0] for browser in items[1]]
    world.environments = pairs[:2] if world.runs < 5_000 else pairs
