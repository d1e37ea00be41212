"""Golden cases: each page of this folder with the rows that it takes from the base and other cases.

Pages in, `Case` records out; the golden tests, the Spark tests and the mutants use them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from octane_flows.questions.catalogue import Question, list_questions
from octane_flows.warehouse import load_models
from tests.golden.pages import BaseSet, Page, PageError, Row, Tables, parse_base, parse_page

HERE = Path(__file__).parent
BASE = HERE / "base.md"
WORKSPACE = "1002"
KINDS = ("plan", "er")  # their cases stand in a folder of that name


@dataclass(frozen=True)
class Case:
    """One case of a model: its page and all rows that are given to it."""

    kind: str
    slug: str
    name: str
    path: Path
    page: Page

    @property
    def id(self) -> str:
        """The path within this folder, as in `plan/tests_to_put_into_suite/ordinary`."""
        return self.path.relative_to(HERE).with_suffix("").as_posix()

    @property
    def model(self) -> str:
        """The model that answers, as in `flow.planned_runs`."""
        return f"{self.kind}.{self.slug}"

    @property
    def parameters(self) -> dict[str, str]:
        """The texts of the parameters that are not left at their defaults."""
        rows = [row.values for row in self.page.parameters]
        return {row["name"] or "": row["value"] or "" for row in rows}

    @property
    def expected(self) -> tuple[Row, ...]:
        """The expected rows in their order."""
        return self.page.expected

    @cached_property
    def given(self) -> Tables:
        """All given rows by table; each has its workspace."""
        tables: dict[str, list[Row]] = {}
        for rows in self._sources():
            for name, added in rows.items():
                tables.setdefault(name, []).extend(added)
        return {name: tuple(rows) for name, rows in sorted(tables.items()) if rows}

    def _sources(self) -> list[Tables]:
        inherited = dict(case_at(self._parent()).given) if self.page.rows_of else {}
        for removed in self.page.without:
            _remove(inherited, removed, self.id)
        sets = [_base_set(name, self.id).tables for name in self.page.base]
        return [
            inherited,
            *({name: _in_workspace(rows) for name, rows in tables.items()} for tables in sets),
            {name: _in_workspace(rows) for name, rows in self.page.given.items()},
        ]

    def _parent(self) -> str:
        parent = self.page.rows_of or ""
        return parent if "/" in parent else f"{self.id.rpartition('/')[0]}/{parent}"


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, sorted by its path."""
    return tuple(_read_case(path) for path in sorted(HERE.glob("*/**/*.md")))


def cases_of(model: str) -> list[Case]:
    """The cases of one model, as in `flow.planned_runs`."""
    return [case for case in all_cases() if case.model == model]


def case_at(id: str) -> Case:
    """The case of that path, as in `planned_runs/ordinary`."""
    for case in all_cases():
        if case.id == id:
            return case
    raise PageError(f"There is no golden case '{id}'; write the path of a page in tests/golden.")


@cache
def questions() -> Mapping[str, Question]:
    """Flows, metrics and plans by the name of their models."""
    listed: list[Question] = [
        *list_questions("flow"),
        *list_questions("metric"),
        *list_questions("plan"),
    ]
    return {question.name: question for question in listed}


@cache
def base_sets() -> Mapping[str, BaseSet]:
    """The sets of the base by name."""
    return parse_base(BASE.read_text(encoding="utf-8"), BASE.name)


def _read_case(path: Path) -> Case:
    where = path.relative_to(HERE).as_posix()
    *folder, slug, _ = where.split("/")
    kind = folder[0] if folder else _kind(slug)
    if len(folder) > 1 or (folder and kind not in KINDS):
        raise PageError(f"{where} stands in no folder of a model.")
    return Case(kind, slug, path.stem, path, parse_page(path.read_text(encoding="utf-8"), where))


def _kind(slug: str) -> str:
    schemas = {model.schema for model in load_models() if model.slug == slug}
    for kind in ("flow", "metric"):
        if kind in schemas:
            return kind
    raise PageError(f"There is no flow or metric '{slug}' for the cases in tests/golden/{slug}.")


def _base_set(name: str, where: str) -> BaseSet:
    if name not in base_sets():
        raise PageError(f"{where} takes '{name}', which {BASE.name} lacks.")
    return base_sets()[name]


def _in_workspace(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows, of which those without a workspace are of the usual one."""
    usual = {"_workspace_id": WORKSPACE}
    return tuple(
        row
        if row.values.get("_workspace_id")
        else dataclasses.replace(row, values={**row.values, **usual})
        for row in rows
    )


def _remove(tables: dict[str, tuple[Row, ...]], removed: str, where: str) -> None:
    """Leave out a table, or with `table id` its rows of that id."""
    name, _, id = removed.partition(" ")
    kept = tuple(row for row in tables.get(name, ()) if id and row.values.get("id") != id)
    if len(kept) == len(tables.get(name, ())):
        raise PageError(f"{where} leaves out '{removed}', which is not there; correct 'without'.")
    tables[name] = kept


def count_rows(tables: Tables) -> Counter[tuple[str, frozenset[tuple[str, str]]]]:
    """How often each row is in the tables, without reasons and nulls."""
    return Counter(
        (name, frozenset((column, text) for column, text in row.values.items() if text is not None))
        for name, rows in tables.items()
        for row in rows
    )
