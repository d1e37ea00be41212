"""Rules of letters: they are read from a file, and told once until they recover."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path

import duckdb
import pytest

from octane_flows.errors import UsageError
from octane_flows.gate.gate_scope import Scope
from octane_flows.letters import (
    RuleEvent,
    judged_rules,
    letter_of,
    letter_rules,
    read_rules,
)
from tests.unit.test_changes import change, listed

RULES = """
[[rule]]
name = "pass ratio of R1 is low"
release = "R1"
when = "pass_ratio < 95%"

[[rule]]
name = "a defect was opened"
changes = ["defect_new", "defect_reopened"]
"""


def test_rules_are_read_and_wrong_ones_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES, encoding="utf-8-sig")  # as Windows' Notepad may write it
    assert [rule.name for rule in read_rules(file)] == [
        "pass ratio of R1 is low",
        "a defect was opened",
    ]
    for wrong, sentence in (
        (RULES.replace("when", "wehn"), "the nearest is when"),
        (RULES.replace("pass_ratio", "pass_rate"), "nearest is pass_ratio"),
        (RULES.replace("defect_new", "defect_nwe"), "the nearest is defect_new"),
        (RULES.replace('"defect_new"', "3"), "changes is a list such as"),
        (f'{RULES}release = "R1"', "release means nothing there"),
        (f"{RULES}at_least = true", "whole number"),
        (RULES.replace('release = "R1"', ""), "needs one of release"),
        ("rule = 3", "must have"),
        ("[[rule", "not valid TOML"),
    ):
        file.write_text(wrong)
        with pytest.raises(UsageError, match=sentence):
            read_rules(file)


def test_a_rule_is_told_once_until_it_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    rules = read_rules(file)
    ratio: list[float | None] = [None]

    def scope(_: object, kind: str, name: str, workspace: str | None) -> Scope:
        return Scope(kind, name, workspace, {"pass_ratio": ratio[0]}, {})

    monkeypatch.setattr(letter_rules, "scope_named", scope)
    before: dict[str, bool] = {}
    events = []
    opened = listed(change("defect_new"), change("defect_reopened"))
    for value in (1.0, 0.95, 0.9499, 0.94, None, 0.5, 0.95, 0.949):
        ratio[0] = value
        changes = opened if value == 0.94 else listed()
        happened, before = judged_rules(duckdb.connect(), rules, changes, before)
        events.append([(event.kind, event.details) for event in happened])

    assert events == [
        [],
        [],  # at the border, 95 % is not below 95 %
        [("began", "pass_ratio = 0.9499")],
        [("happened", "2 since the last letter")],
        [],  # an unknown value changes nothing
        [],
        [("recovered", "pass_ratio = 0.95")],
        [("began", "pass_ratio = 0.949")],
    ]


def test_events_of_rules_stand_first() -> None:
    event = RuleEvent("pass ratio of R1 is low", "recovered", "pass_ratio = 0.96")
    letter = letter_of(listed(change()), [event], "flows@octane.test", ["qa@octane.test"])

    assert letter.subject == "Recovered: pass ratio of R1 is low (pass_ratio = 0.96)"
    body = letter.mail.get_body(preferencelist=("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().startswith("Recovered: pass ratio of R1 is low")
    page = letter.mail.get_body(preferencelist=("html",))
    assert isinstance(page, EmailMessage)
    assert "<strong>Recovered: pass ratio of R1 is low" in page.get_content()
    assert json.loads(letter.webhook)["rules"] == [
        {
            "rule": "pass ratio of R1 is low",
            "kind": "recovered",
            "details": "pass_ratio = 0.96",
        }
    ]
