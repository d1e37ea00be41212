"""Faults as text, their queue, and their chances, without a server."""

from __future__ import annotations

import pytest

from octane_simulator import parse_fault
from octane_simulator.faults.active_faults import Faults


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rotate", {"kind": "rotate"}),
        ("latency:seconds=0.2,spread=0.5", {"kind": "latency", "seconds": "0.2", "spread": "0.5"}),
        (
            "unavailable:times=always,path=/defects",
            {"kind": "unavailable", "times": None, "path": "/defects"},
        ),
        ("refuse:entity=defect", {"kind": "refuse", "entity": "defect"}),
    ],
)
def test_a_fault_is_read_from_text(text: str, expected: dict[str, object]) -> None:
    assert parse_fault(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("earthquake", "There is no fault 'earthquake'; choose one of add_field"),
        ("latency:0.2", "'0.2' of the fault 'latency:0.2' is not option=value"),
        ("latency:second=1", "has no option 'second'; it takes: seconds, spread, times"),
        ("latency:seconds=soon", "is a number up to 100000000, not 'soon'"),
        ("unavailable:times=1.5", "is a whole number up to 100000000, not '1.5'"),
        ("too_many_requests:as_date=1", "is true or false, not '1'"),
        ("count_cap", "The fault 'count_cap' needs max"),
        ("count_cap:max=5,times=2", "has no option 'times'; it takes: max"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("(", r"\(")):
        parse_fault(text)


def test_faults_are_counted_down_after_those_let_through() -> None:
    faults = Faults()
    faults.add("error_500", times=2, after=1, path="/a")
    hits = [faults.take("error_500", path) is not None for path in ("/b", "/a", "/a", "/a", "/a")]
    assert hits == [False, False, True, True, False]
    assert faults.served == {"error_500": 2}


def test_chance_follows_the_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("unavailable", times=None, chance=0.25)
        return [faults.take("unavailable", "/") is not None for _ in range(400)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 70 < sum(hits(1)) < 130


def test_a_standing_fault_replaces_its_like_and_is_removed() -> None:
    faults = Faults()
    faults.add("count_cap", max=5)
    faults.add("count_cap", max=9)
    faults.add("refuse", entity="defect")
    faults.add("refuse", entity="story", status=404)
    assert faults.setting("count_cap", "max") == 9
    assert faults.refused == {"defect": 403, "story": 404}
    faults.allow("defect")
    faults.remove("count_cap")
    assert (faults.refused, faults.setting("count_cap", "max")) == ({"story": 404}, None)
    faults.clear()
    assert faults.shown()["in_force"] == []
