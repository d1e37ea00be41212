"""Rules that a letter tells of: thresholds that begin to hold and cease to, and changes that count.

A TOML file and a warehouse in, events out: a rule that began to hold, or that recovered.

    [[rule]]
    name = "readiness of 2.9 fell below 95 %"
    release = "2.9 winter"
    when = "pass_ratio < 95%"

    [[rule]]
    name = "a defect was opened"
    changes = ["defect_new", "defect_reopened"]
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import duckdb

from octane_flows.changes import ChangeList
from octane_flows.changes.change_list import TITLES
from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import UsageError
from octane_flows.gate import SCOPE_TYPES, Criterion, parse_criteria, scope_named
from octane_flows.gate.gate_scope import FORMULAS

KEYS: Final = ("name", "when", "changes", "at_least", "workspace", *SCOPE_TYPES)


@dataclass(frozen=True)
class Rule:
    """One rule: criteria of a scope, or kinds of change of which there are at least so many."""

    name: str
    scope: tuple[str, str] | None
    when: tuple[Criterion, ...]
    changes: tuple[str, ...]
    at_least: int
    workspace: str | None


@dataclass(frozen=True)
class RuleEvent:
    """What became of a rule since the last letter."""

    rule: str
    kind: Literal["began", "recovered", "happened"]
    details: str

    @property
    def text(self) -> str:
        """As a line of a letter."""
        word = {"began": "Now", "recovered": "Recovered", "happened": "Happened"}[self.kind]
        return f"{word}: {self.rule}" + (f" ({self.details})" if self.details else "")


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file. Raises UsageError."""
    try:
        content = tomllib.loads(regular_bytes(path).decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"The file of rules {path} cannot be read ({error.strerror}); correct its path in "
            "OCTANE_LETTER_RULES, or its rights."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"The file of rules {path} is not UTF-8; save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"The file of rules {path} is not valid TOML: {error}.") from None
    tables = content.get("rule")
    if set(content) != {"rule"} or not isinstance(tables, list):
        raise UsageError(f"The file of rules {path} must have [[rule]] tables and nothing else.")
    rules = [_rule(f"{path}, rule {number}", table) for number, table in enumerate(tables, 1)]
    names = [rule.name for rule in rules]
    if len(set(names)) < len(names):
        raise UsageError(f"The file of rules {path} has two rules of one name; rename one.")
    return rules


def _rule(where: str, table: Any) -> Rule:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is no table; write [[rule]] and lines below it.")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{where} has the key {key}, which no rule has{_nearest(key, KEYS)}.")
    name, when, changes = table.get("name"), table.get("when"), table.get("changes", [])
    scopes = [(kind, str(table[kind])) for kind in SCOPE_TYPES if kind in table]
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"{where} has no name; a letter calls it by that.")
    if (when is None) == (not changes):
        raise UsageError(f"{where} needs either when, or changes.")
    if when is not None and (not isinstance(when, str) or len(scopes) != 1):
        raise UsageError(f"{where} has when, so it needs one of {', '.join(SCOPE_TYPES)}.")
    if not isinstance(changes, list) or not all(isinstance(code, str) for code in changes):
        raise UsageError(f'{where}: changes is a list such as ["defect_new", "defect_reopened"].')
    for code in changes:
        if code not in TITLES:
            raise UsageError(
                f"{where}: there are no changes {code}{_nearest(code, TITLES)}; changes is a list "
                f"of {', '.join(TITLES)}."
            )
    idle = [key for key in ("workspace", *SCOPE_TYPES) if key in table] if changes else []
    idle += ["at_least"] if when is not None and "at_least" in table else []
    if idle:
        kind = "changes, which count everywhere" if changes else "when, which holds or does not"
        raise UsageError(f"{where} has {kind}, so {idle[0]} means nothing there; delete it.")
    at_least = table.get("at_least", 1)
    if not isinstance(at_least, int) or isinstance(at_least, bool) or at_least < 1:
        raise UsageError(f"{where}: at_least is a whole number from 1 on.")
    try:
        criteria = parse_criteria(when, list(FORMULAS)) if when is not None else []
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    workspace = table.get("workspace")
    return Rule(
        name.strip(),
        scopes[0] if scopes else None,
        tuple(criteria),
        tuple(changes),
        at_least,
        str(workspace) if workspace is not None else None,
    )


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f" (the nearest is {near[0]})" if near else ""


def judged_rules(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    changes: ChangeList,
    before: Mapping[str, bool],
) -> tuple[list[RuleEvent], dict[str, bool]]:
    """What became of the rules, and which hold now; `before` says which held at the last letter.

    A rule whose value is unknown stays as it was.
    """
    events: list[RuleEvent] = []
    holding: dict[str, bool] = {}
    for rule in rules:
        if rule.changes:
            count = sum(changes.count(code) for code in rule.changes)
            if count >= rule.at_least:
                events.append(RuleEvent(rule.name, "happened", f"{count:,} since the last letter"))
            continue
        assert rule.scope is not None
        try:
            scope = scope_named(connection, *rule.scope, rule.workspace)
        except UsageError as error:
            raise UsageError(f"The rule '{rule.name}' cannot be judged: {error}") from None
        results = [criterion.tree.holds(scope.values) for criterion in rule.when]
        was = before.get(rule.name, False)
        holds = was if None in results else all(results)
        names = dict.fromkeys(name for criterion in rule.when for name in criterion.tree.names)
        details = ", ".join(
            f"{name} = {scope.values[name]:.4g}" for name in names if scope.values[name] is not None
        )
        holding[rule.name] = holds
        if holds != was:
            events.append(RuleEvent(rule.name, "began" if holds else "recovered", details))
    return events, holding
