"""Golden cases in one warehouse: each in workspaces of its own, so that a query answers many cases.

Cases in, answers and what is wrong with them out; the golden tests and the mutants call it. The
workspaces of different cases hold the same ids, so a join that forgets the workspace mixes rows.
Each case also has a twin: workspaces with its rows but without those of one table.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any

import duckdb

from octane_flows.errors import OctaneFlowsError
from octane_flows.models import Model, load_models
from octane_flows.models.macros import macro_sql
from octane_flows.questions import question_relation
from octane_flows.warehouse.duckdb_file import first_line
from tests.golden import kit
from tests.golden.cases import Case, all_cases, questions
from tests.golden.pages import Row, Tables

Answer = list[dict[str, str | None]]


@dataclass(frozen=True)
class Failure:
    """A case whose answer differs from the expected one, and how."""

    case: Case
    difference: str


def mark_of(case: Case) -> str:
    """What stands before the ids of a case's workspaces."""
    return f"{case.id}|"


def twin_mark_of(case: Case) -> str:
    """What stands before the ids of the workspaces of a case's twin."""
    return f"{case.id}-twin|"


def shown(value: Any) -> str | None:
    """The text of a value, as it stands on a page."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


class CaseWarehouse:
    """Cases and their twins, or with `only_twins` the twins alone, in one warehouse in memory."""

    def __init__(self, cases: Iterable[Case] | None = None, *, only_twins: bool = False) -> None:
        self.cases = list(all_cases() if cases is None else cases)
        marks = [(twin_mark_of(case), _twin(case)) for case in self.cases]
        if not only_twins:
            marks += [(mark_of(case), case.given) for case in self.cases]
        given = _united(marks)
        workspaces = [mark + workspace for mark, _ in marks for workspace in kit.WORKSPACES]
        self._connection = kit.open_filled(given, workspaces)
        self._models = {model.name: model for model in load_models()}
        self._answers: dict[tuple[str, tuple[tuple[str, str], ...]], list[dict[str, Any]]] = {}

    def __enter__(self) -> CaseWarehouse:
        """The warehouse itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self._connection.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The warehouse of all cases, which closes it."""
        return self._connection

    def answer(self, case: Case, *, workspace: str | None = None) -> Answer:
        """The answer in the workspaces of a case, asked for all workspaces or for one of them."""
        return self._answer(case, mark_of(case), workspace)

    def twin_answer(self, case: Case, *, workspace: str | None = None) -> Answer:
        """The answer in the workspaces of a case's twin."""
        return self._answer(case, twin_mark_of(case), workspace)

    def difference(self, case: Case) -> str:
        """How the answer differs from the expected rows, with their reasons; nothing when equal."""
        return explain_difference(case.expected, self.answer(case), self._models[case.model])

    def _difference_of_one(self, case: Case) -> str:
        """How the answer for one workspace alone differs from the expected rows of it."""
        if case.model not in questions() or not case.expected:
            return ""
        workspace = case.parameters.get("workspace_id") or case.expected[0].values["workspace_id"]
        marked = f"{mark_of(case)}{workspace}"
        rows = self._rows(case.model, {**case.parameters, "workspace_id": marked})
        if any(row["workspace_id"] != marked for row in rows):
            return f"rows of other workspaces are answered when {workspace} is asked for"
        expected = [row for row in case.expected if row.values["workspace_id"] == workspace]
        answer = self.answer(case, workspace=workspace)
        return explain_difference(expected, answer, self._models[case.model])

    def rows_of_all(self, model: str) -> list[dict[str, Any]]:
        """The answer of a model with its default parameters, in all workspaces."""
        return self._rows(model, {})

    def failures(
        self, model: str, sql: str, *, only_first: bool = False, seconds: float | None = None
    ) -> list[Failure]:
        """The cases that fail when a model, as `flow.planned_runs`, has this SQL for its own.

        All cases run whose answer depends on the model, with `only_first` until one fails; each
        asks for all workspaces and for one of its own. SQL that does not run, or takes longer than
        `seconds`, fails all of them. The model is as before afterwards.
        """
        timer = threading.Timer(seconds, self._connection.interrupt) if seconds else None
        if timer is not None:
            timer.start()
        try:
            return list(self._failures(model, sql, only_first=only_first))
        finally:
            if timer is not None:
                timer.cancel()

    def _failures(self, name: str, sql: str, *, only_first: bool) -> Iterator[Failure]:
        dependent = self._dependent(name)
        names = {model.name for model in dependent}
        cases = [case for case in self.cases if case.model in names]
        answers, self._answers = self._answers, {}
        try:
            text = sql.strip().removesuffix(";")
            self._create([dataclasses.replace(self._models[name], sql=text), *dependent[1:]])
            for case in cases:
                try:
                    difference = self.difference(case) or self._difference_of_one(case)
                except (duckdb.Error, OctaneFlowsError) as error:
                    difference = f"the query fails: {error}"
                if difference:
                    yield Failure(case, difference)
                    if only_first:
                        return
        except duckdb.Error as error:
            for case in cases:
                yield Failure(case, f"the SQL does not run: {first_line(error)}")
        finally:
            self._create(dependent)
            self._answers = answers

    def _dependent(self, name: str) -> list[Model]:
        """The model, then those that read it, directly or through others, in their order."""
        names = {name}
        for model in self._models.values():
            if names.intersection(model.sources):
                names.add(model.name)
        return [model for model in self._models.values() if model.name in names]

    def _create(self, models: Iterable[Model]) -> None:
        for model in models:
            if model.schema == "er":
                self._connection.execute(f"create or replace table {model.name} as {model.sql}")
            elif model.schema in ("flow", "metric", "plan"):
                sql = macro_sql(model).replace("create macro", "create or replace macro", 1)
                self._connection.execute(sql)

    def _answer(self, case: Case, mark: str, workspace: str | None) -> Answer:
        parameters = dict(case.parameters)
        if workspace is not None:
            parameters["workspace_id"] = workspace
        if parameters.get("workspace_id"):
            parameters["workspace_id"] = mark + parameters["workspace_id"]
        return [
            {name: without_mark(shown(value), mark) for name, value in row.items()}
            for row in self._rows(case.model, parameters)
            if str(row["workspace_id"]).startswith(mark)
        ]

    def _rows(self, model: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        key = (model, tuple(parameters.items()))
        if key not in self._answers:
            self._answers[key] = self._query(model, parameters)
        return self._answers[key]

    def _query(self, name: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        if name in questions():
            relation = question_relation(self._connection, questions()[name], parameters)
        else:
            order = ", ".join(self._models[name].header.key)
            relation = self._connection.sql(f"select * from {name} order by {order}")
        rows: list[dict[str, Any]] = relation.to_arrow_table().to_pylist()
        return rows


def explain_difference(expected: Iterable[Row], answer: Answer, model: Model) -> str:
    """One line for each row that differs, with the reason of the expected one."""
    expected_rows = [(dict(row.values), row.why) for row in expected]
    if [row for row, _ in expected_rows] == answer:
        return _columns_difference(answer, model)
    missing = [(row, why) for row, why in expected_rows if row not in answer]
    added = [row for row in answer if row not in [row for row, _ in expected_rows]]
    lines: list[str] = []
    for row, why in missing:
        same_key = next((other for other in added if _key(other, model) == _key(row, model)), None)
        because = f" ({why})" if why else ""
        if same_key is None:
            lines.append(f"is missing: {_written(row)}{because}")
            continue
        added.remove(same_key)
        cells = [
            f"{name} is {_cell(same_key.get(name))}, expected {_cell(value)}"
            for name, value in row.items()
            if same_key.get(name) != value
        ]
        lines.append(f"differs: {_written(_key(row, model))}: {'; '.join(cells)}{because}")
    lines += [f"is not expected: {_written(row)}" for row in added]
    if not lines:
        order = "\n".join(_written(_key(row, model)) for row in answer)
        lines.append(f"the rows come in another order or number:\n{order}")
    return "\n".join(lines)


def _columns_difference(answer: Answer, model: Model) -> str:
    columns = [column.name for column in model.columns]
    if answer and list(answer[0]) != columns:
        return f"the columns are {', '.join(answer[0])}, expected {', '.join(columns)}"
    return ""


def _key(row: Mapping[str, str | None], model: Model) -> dict[str, str | None]:
    return {name: row.get(name) for name in model.header.key or ("workspace_id",)}


def _written(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {_cell(value)}" for name, value in row.items())


def _cell(value: str | None) -> str:
    return "null" if value is None else repr(value)


def without_mark(text: str | None, mark: str) -> str | None:
    """A text of a marked workspace as it is without the mark."""
    return text.replace(mark, "") if text else text


def _united(marked: Iterable[tuple[str, Tables]]) -> Tables:
    """The rows of all, each in a workspace whose id begins with its mark."""
    united: dict[str, list[Row]] = {}
    for mark, tables in marked:
        for name, rows in tables.items():
            united.setdefault(name, []).extend(in_marked_workspace(row, mark) for row in rows)
    return {name: tuple(rows) for name, rows in united.items()}


def in_marked_workspace(row: Row, mark: str) -> Row:
    """The row in a workspace whose id begins with the mark."""
    workspace = f"{mark}{row.values['_workspace_id']}"
    return dataclasses.replace(row, values={**row.values, "_workspace_id": workspace})


def _twin(case: Case) -> Tables:
    """The given rows without those of one table: another one in each case of a model."""
    same_model = [other.id for other in all_cases() if other.model == case.model]
    names = list(case.given)
    if not names:
        return {}
    left_out = names[same_model.index(case.id) % len(names)]
    return {name: rows for name, rows in case.given.items() if name != left_out}
