"""What a team must look at in its quarantine: expired and recovered entries, and new candidates.

Entries and the states of tests in, a `Review` out; states come from `metric.test_states`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from octane_flows.quarantine.quarantine_file import Entry
from octane_flows.questions import Value, question_named, run_question

NOBODY = "nobody"  # stands where a test has no owner; the review says so


@dataclass(frozen=True)
class TestState:
    """A test over all of its environments and pipelines."""

    __test__ = False  # pytest takes classes of that name for tests

    workspace: str
    test_id: str
    name: str
    package: str
    class_name: str
    owner: str
    states: Mapping[str, str]  # environment and pipeline -> state
    evidence: str

    @property
    def key(self) -> tuple[str, str]:
        """Workspace and test."""
        return self.workspace, self.test_id


@dataclass(frozen=True)
class Review:
    """Entries by what becomes of them; `active` ones are in the exclusion lists."""

    active: tuple[Entry, ...]
    expired: tuple[Entry, ...]
    recovered: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    without_owner: tuple[Entry, ...]
    candidates: tuple[Entry, ...]


def states_of_tests(
    connection: duckdb.DuckDBPyConnection,
    wanted: Sequence[str],
    parameters: Mapping[str, Value],
) -> list[TestState]:
    """Every test with its states; the evidence is of the first wanted state in order of cost."""
    question = question_named("metric", "test_states")
    rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in run_question(connection, question, parameters).to_pylist():
        texts = {name: "" if value is None else str(value) for name, value in row.items()}
        rows[texts["workspace_id"], texts["test_id"]].append(texts)
    return [_test_state(listed, wanted) for listed in rows.values()]


def _test_state(rows: Sequence[Mapping[str, str]], wanted: Sequence[str]) -> TestState:
    chosen = [row for row in rows if row["state_code"] in wanted]
    first = (chosen or rows)[0]
    places = ", ".join(
        dict.fromkeys(row["environment_label"] or "no environment" for row in chosen)
    )
    return TestState(
        workspace=first["workspace_id"],
        test_id=first["test_id"],
        name=first["test_name"],
        package=first["package_name"],
        class_name=first["class_name"],
        owner=first["owner_name"],
        states={
            f"{row['environment_label']} / {row['pipeline_name']}": row["state_code"]
            for row in rows
        },
        evidence=f"{first['state_code']} since {first['state_since_at'][:10]} in {places}; "
        f"{first['evidence_text']}",
    )


def review_entries(
    entries: Sequence[Entry],
    tests: Iterable[TestState],
    *,
    wanted: Sequence[str],
    today: date,
    days: int,
    owner: str | None = None,
) -> Review:
    """Compare the file with the states of today; an entry is recovered when no state is wanted."""
    by_key = {test.key: test for test in tests}
    expired = [entry for entry in entries if entry.expires < today]
    gone = [entry for entry in entries if entry.key not in by_key]
    recovered = [
        entry
        for entry in entries
        if entry.key in by_key and not _is_wanted(by_key[entry.key], wanted)
    ]
    listed = {entry.key for entry in entries}
    candidates = [
        Entry(
            workspace=test.workspace,
            test_id=test.test_id,
            name=test.name or f"test {test.test_id}",
            package=test.package,
            class_name=test.class_name,
            reason=test.evidence,
            owner=test.owner or owner or NOBODY,
            expires=today + timedelta(days=days),
        )
        for test in by_key.values()
        if test.key not in listed and _is_wanted(test, wanted)
    ]
    return Review(
        active=tuple(entry for entry in entries if entry.expires >= today),
        expired=tuple(expired),
        recovered=tuple(recovered),
        gone=tuple(gone),
        without_owner=tuple(entry for entry in entries if entry.owner == NOBODY),
        candidates=tuple(candidates),
    )


def _is_wanted(test: TestState, wanted: Sequence[str]) -> bool:
    return not set(wanted).isdisjoint(test.states.values())
