"""Which forms of queries the server takes: a handful of rows, asked for in each form.

The client, the plan and the counts of all types come in, one diagnosis goes out; `examination`
calls it. The answers are compared with the rows, and at most MAX_REQUESTS are sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any, Final

from octane_flows.client import Octane, Page, Query
from octane_flows.client import field as column
from octane_flows.client.query import Phrase
from octane_flows.client.query_dialect import DOCUMENTED, TEXT, TIME
from octane_flows.doctor.diagnosis import Diagnosis
from octane_flows.doctor.estimate import Counts
from octane_flows.errors import AccessError, NotFoundError, RequestError, ServerError
from octane_flows.extract import EntityPlan, Plan
from octane_flows.extract.extract_plan import CHANGED

TITLE: Final = "queries"
MAX_REQUESTS: Final = 14
DATES: Final = "texts of dates"
OF_EXTRACTS: Final = ("GE", "LE", "GT", "LT", "BTW", "IN", DATES)
FEW_ROWS: Final = 3  # of these the answers are compared
SLOW_S: Final = 1.0  # a filter over a relation that takes so much longer than a page is told
PREFERRED: Final = ("owner", "author", "phase")  # references that most entity types have

Matches = Callable[[int, datetime], bool]


@dataclass(frozen=True)
class Probe:
    """A comparison, and whether a row with an id and a time is in its answer."""

    feature: str
    query: Query
    matches: Matches


@dataclass
class Answers:
    """What the server said so far."""

    taken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    instead: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _NoRequestsLeft(Exception):  # noqa: N818
    """So many requests were sent that no more follow."""


class _Prober:
    """Sends the probes on one collection and counts them."""

    def __init__(self, octane: Octane, entity: EntityPlan, deadline: float) -> None:
        self._workspace = octane.workspace(entity.workspace)
        self._collection = entity.collection
        self._deadline = deadline
        self.requests = 0

    def page(self, query: str | None, *, fields: Sequence[str], limit: int) -> Page | None:
        """A page; None where the server does not take the request."""
        if self.requests == MAX_REQUESTS or time.monotonic() > self._deadline:
            raise _NoRequestsLeft
        self.requests += 1
        try:
            return self._workspace.probe(self._collection, query, fields=fields, limit=limit)
        except RequestError:
            return None
        except (AccessError, NotFoundError):
            raise
        except ServerError as error:
            if type(error) is not ServerError:  # it answered, though with a failure of its own
                raise
            return None

    def ids(self, query: str) -> list[str] | None:
        """The first ids of an answer; None where the server does not take the query."""
        page = self.page(query, fields=("id",), limit=FEW_ROWS)
        return None if page is None else [str(row["id"]) for row in page.rows]


def examine_queries(
    octane: Octane, plan: Plan, counts: Counts, page_size: int, deadline: float
) -> Diagnosis:
    """Which forms the server takes, and what extracts write in place of the others."""
    entity = _entity(plan, counts)
    if entity is None:
        return Diagnosis(TITLE, "ok", "not tried, because there are no rows to try them on")
    prober, answers = _Prober(octane, entity, deadline), Answers()
    try:
        _examine(prober, answers, entity, page_size)
    except _NoRequestsLeft:
        answers.left.append("the rest")
    if counts.at_least:
        answers.notes.append(
            f"{len(counts.at_least)} entity types have more rows than it counts, and are counted "
            "in ranges of ids"
        )
    return _diagnosis(answers, prober.requests, entity)


def _entity(plan: Plan, counts: Counts) -> EntityPlan | None:
    """The type with the fewest rows that are enough, one that has owners and phases if any has."""
    candidates = [
        entity
        for entity in plan.entities
        if entity.has_last_modified and counts.rows.get(entity.key, 0) > 0
    ]

    def rank(entity: EntityPlan) -> tuple[bool, bool, int, str]:
        rows = counts.rows[entity.key]
        return rows < FEW_ROWS, not {"owner", "phase"} <= set(entity.fields), rows, entity.name

    return min(candidates, key=rank, default=None)


def _examine(prober: _Prober, answers: Answers, entity: EntityPlan, page_size: int) -> None:
    fields = ("id", CHANGED)
    started = time.monotonic()
    page = prober.page(None, fields=fields, limit=page_size)
    plain_s = time.monotonic() - started
    if page is None:
        answers.notes.append(
            f"pages of {page_size:,} rows are refused, so extracts ask for the largest that is "
            "taken (OCTANE_PAGE_SIZE)"
        )
        page = prober.page(None, fields=fields, limit=FEW_ROWS)
    rows = _rows(page.rows if page is not None else [])
    if rows:
        _examine_words(prober, answers, rows)
        _examine_symbols(prober, answers, rows)
    _examine_references(prober, answers, entity, plain_s)


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[int, datetime]:
    """The times of the rows by id; rows whose id or time cannot be used are left out."""
    times: dict[int, datetime] = {}
    for row in rows:
        try:
            changed = datetime.fromisoformat(str(row.get(CHANGED)))
            times[int(str(row["id"]))] = changed if changed.tzinfo else changed.replace(tzinfo=UTC)
        except ValueError:
            continue
    return times


def _examine_words(prober: _Prober, answers: Answers, rows: Mapping[int, datetime]) -> None:
    """All that extracts write at once, and each alone where that is refused."""
    probes = _probes(rows)
    whole = reduce(and_, (probe.query for probe in probes))

    def all_match(id: int, changed: datetime) -> bool:
        return all(probe.matches(id, changed) for probe in probes)

    features = [probe.feature for probe in probes]
    if _agrees(prober.ids(whole.text), rows, all_match):
        answers.taken += features
        return
    for probe in probes:
        ids = prober.ids(probe.query.text)
        if ids is None:
            answers.refused.append(probe.feature)
        elif _agrees(ids, rows, probe.matches):
            answers.taken.append(probe.feature)
        else:
            answers.wrong.append(probe.feature)
    for probe in probes:
        if probe.feature in answers.refused:
            _find_substitute(prober, answers, probe, rows)


def _probes(rows: Mapping[int, datetime]) -> list[Probe]:
    ids = sorted(rows)[:FEW_ROWS]
    low, middle, high = ids[0], ids[len(ids) // 2], ids[-1]
    id, moment = column("id"), min(rows.values()) - timedelta(seconds=1)
    return [
        Probe("GE", id.ge(middle), lambda id, _: id >= middle),
        Probe("LE", id.le(high), lambda id, _: id <= high),
        Probe("GT", id.gt(low - 1), lambda id, _: id > low - 1),
        Probe("LT", id.lt(high + 1), lambda id, _: id < high + 1),
        Probe("BTW", id.between(low, high), lambda id, _: low <= id <= high),
        Probe("IN", id.in_([low, middle, high]), lambda id, _: id in (low, middle, high)),
        Probe(DATES, column(CHANGED).gt(moment), lambda _, time: time > moment),
    ]


def _agrees(ids: list[str] | None, rows: Mapping[int, datetime], matches: Matches) -> bool:
    """Whether an answer has the rows that match, and others only behind the last row that is read.

    None is no answer.
    """
    if ids is None:
        return False
    expected = [str(id) for id in sorted(rows) if matches(id, rows[id])][:FEW_ROWS]
    others = ids[len(expected) :]
    return ids[: len(expected)] == expected and all(
        id.isdecimal() and int(id) > max(rows) for id in others
    )


def _find_substitute(
    prober: _Prober, answers: Answers, probe: Probe, rows: Mapping[int, datetime]
) -> None:
    """The first other form that brings the same rows."""
    assert isinstance(probe.query, Phrase)
    features = (TEXT, TIME) if probe.feature == DATES else probe.query.features()
    for dialect in DOCUMENTED.others(features):
        if _agrees(prober.ids(probe.query.write(dialect)[0]), rows, probe.matches):
            changed = [dialect.form(feature).name for feature in dialect.forms]
            answers.instead[probe.feature] = " and ".join(changed)
            return


def _examine_symbols(prober: _Prober, answers: Answers, rows: Mapping[int, datetime]) -> None:
    """`>=` and `!=`, which extracts write only where the words are refused."""
    ids = sorted(rows)[:FEW_ROWS]
    symbols = {">=": f"id>={ids[0]}", "!=": f"id!={ids[-1] + 1}"}
    if prober.ids(";".join(symbols.values())) is not None:
        answers.taken += symbols
        return
    for symbol, query in symbols.items():
        is_taken = prober.ids(query) is not None
        (answers.taken if is_taken else answers.refused).append(symbol)
    words = {">=": "GE", "!=": "!(field EQ value)"}
    others = [f"{words[symbol]} for {symbol}" for symbol in symbols if symbol in answers.refused]
    if others:
        answers.notes.append(f"extracts do not write these, and you can write {', '.join(others)}")


def _examine_references(
    prober: _Prober, answers: Answers, entity: EntityPlan, plain_s: float
) -> None:
    names = {entry.name for entry in entity.scalars if entry.is_reference and entry.filterable}
    name = next((name for name in PREFERRED if name in names), min(names, default=None))
    if name is None:
        return
    if prober.ids(f"{name} EQ {{null}}") is None:
        answers.refused.append("{null}")
        answers.notes.append("extracts read all rows again when a type gets a new reference field")
    else:
        answers.taken.append("{null}")
        if {"owner", "phase"} <= names and prober.ids("owner EQ {null};!(phase EQ {null})") is None:
            answers.notes.append(
                "{null} beside a filter by phase is refused; extracts do not send both, except for "
                "new fields, and then read all rows"
            )
    started = time.monotonic()
    nobody = "'0'" if name == "phase" else "0"  # the ids of phases are names
    if prober.ids(f"{name} EQ {{id EQ {nobody}}}") is None:
        answers.refused.append("cross filters")
        answers.notes.append("verify and some plans need cross filters, extracts do not")
    else:
        answers.taken.append("cross filters")
        seconds = time.monotonic() - started
        if seconds > plain_s + SLOW_S:
            answers.notes.append(f"a cross filter took {seconds:.1f} s; extracts send none")


def _diagnosis(answers: Answers, requests: int, entity: EntityPlan) -> Diagnosis:
    if not requests:
        return Diagnosis(TITLE, "ok", "not tried, because the time was up")
    facts: dict[str, Any] = {
        "requests": requests,
        "taken": answers.taken,
        "refused": answers.refused,
        "instead": answers.instead,
        "entity_type": entity.name,
    }
    parts = [f"taken: {', '.join(answers.taken) or 'none'}"]
    if answers.refused:
        parts.append(f"refused: {', '.join(answers.refused)}")
    parts += [
        f"extracts write {form} in place of {feature}" for feature, form in answers.instead.items()
    ]
    parts += answers.notes
    if answers.left:
        parts.append(f"after {requests} requests the rest was not tried")
    text = "; ".join(parts)
    if answers.wrong:
        return Diagnosis(
            TITLE,
            "failed",
            f"{text}; wrong rows for {', '.join(answers.wrong)}",
            "rows changed meanwhile or the server selects others than it is asked for, so run "
            "doctor again, and tell the administrator if it stays",
            facts,
        )
    missing = [
        feature
        for feature in OF_EXTRACTS
        if feature in answers.refused and feature not in answers.instead
    ]
    if missing:
        return Diagnosis(
            TITLE,
            "warning",
            f"{text}; no other form of {', '.join(missing)} was found",
            "extracts try more forms than doctor; if one fails, tell the administrator",
            facts,
        )
    return Diagnosis(TITLE, "ok", text, facts=facts)
