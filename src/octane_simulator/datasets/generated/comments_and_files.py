"""Comments, attachments and followed items of a generated workspace.

In: a World with everything else. Out: notes on tests, items, runs and tasks; the owners' flags
`has_comments` and `has_attachments` follow.
"""

from __future__ import annotations

from octane_simulator.datasets.generated.generated_world import Ref, World

__all__ = ["add"]

_WORDS = ("Fails on my machine too.", "See the log.", "Überarbeitet & geprüft", "Please retest.")
_NAMES = ("screen.png", "server.log", "crash dump.zip")


def add(world: World) -> None:
    """Write the notes."""
    dice = world.dice("notes")
    tests = [test.ref for test in world.by_hand]
    owners: list[tuple[str, list[Ref]]] = [
        ("owner_test", tests),
        ("owner_work_item", world.defects + world.stories + world.features),
        ("owner_run", world.manual_runs),
        ("owner_task", world.tasks),
        ("owner_requirement", world.requirements),
    ]
    for field, refs in owners:
        chosen = [ref for ref in refs for _ in range(dice.choice((0, 0, 0, 1, 2)))][:20_000]
        rows = [
            {
                field: ref,
                "author": dice.choice(world.users),
                "text": f"<html><body><p>{dice.choice(_WORDS)}</p></body></html>",
                **world.stamps(world.moment(dice)),
            }
            for ref in chosen
        ]
        world.add("comment", rows)
    for field, refs in (*owners[:2], ("owner_run", world.manual_runs[:1000])):
        chosen = [ref for ref in refs if dice.random() < 0.15]
        attachments = world.add(
            "attachment",
            [
                {field: ref, "name": dice.choice(_NAMES), "size": 12,
                 "author": dice.choice(world.users), **world.stamps(world.moment(dice))}
                for ref in chosen
            ],
        )  # fmt: skip
        world.store.connection.executemany(
            "INSERT INTO attachment_content VALUES (?, ?)",
            [(int(ref["id"]), b"made up data") for ref in attachments],
        )
    _followed(world, tests)


def _followed(world: World, tests: list[Ref]) -> None:
    dice = world.dice("followed")
    runs = [ref for ref in world.manual_runs if dice.random() < 0.05]
    rows = []
    for field, refs in (
        ("my_follow_items_test", tests),
        ("my_follow_items_run", runs),
        ("my_follow_items_task", [t for t in world.tasks if dice.random() < 0.1]),
        ("my_follow_items_work_item", [d for d in world.defects if dice.random() < 0.2]),
    ):
        rows += [
            {
                "user": dice.choice((world.me, dice.choice(world.users))),
                "entity_type": field.removeprefix("my_follow_items_"),
                "reason": "owner",
                field: ref,
                **world.stamps(world.end),
            }
            for ref in refs
        ]
    world.add("user_item", rows)
