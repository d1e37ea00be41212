"""The tools themselves: a name and arguments in, one answer as JSON values out.

`mcp_server` calls them, one at a time. Each call opens the published warehouse, so that it answers
from the newest one and from no other, restricts the connection, and closes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb

from octane_flows import warehouse
from octane_flows.actions import make_plan
from octane_flows.agents.agent_answers import (
    FirstRows,
    Record,
    for_agents,
    json_value,
    records_of,
    rows_of,
    utc_text,
)
from octane_flows.agents.item_history import version_changes
from octane_flows.agents.tool_texts import (
    DEFAULT_ROWS,
    MOST_ROWS,
    Tool,
    list_tools,
    plans_without_files,
)
from octane_flows.agents.what_there_is import description_of, overview
from octane_flows.agents.what_was_read import completeness, generation_of, named_workspaces
from octane_flows.errors import UsageError
from octane_flows.lake import Lake
from octane_flows.questions import (
    Question,
    Value,
    given_values,
    parse_parameters,
    partial_answer,
    past_limit,
    question_relation,
)
from octane_flows.questions.catalogue import nearest
from octane_flows.warehouse.duckdb_file import first_line

SECONDS = 30  # of one statement; an agent that waits longer asks again
QUERY_MEMORY = "2GB"  # for one select of an agent, which may join everything with everything
TIME_IS_UP = "maximum execution time"
LINK_SIGN = "__"  # in names of link tables, whose versions are sets of rows
CERTIFICATE = (
    "select * from meta.certificate where ($entity_type is null or entity = $entity_type) "
    "and ($workspace_id is null or workspace_id = $workspace_id) order by workspace_id, entity"
)

Arguments = Mapping[str, Any]


class AgentTools:
    """The tools over the warehouse and the lake of one data folder."""

    def __init__(self, home: Path, open_lake: Callable[[], Lake]) -> None:
        self._home = home
        self._open_lake = open_lake
        self._tools = {tool.name: tool for tool in list_tools()}

    def call(self, name: str, arguments: Arguments | None = None) -> Record:
        """Answer one call. Raises OctaneFlowsError with a sentence for the agent."""
        tool = self._tools.get(name)
        if tool is None:
            near = get_close_matches(name, self._tools, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else "describe lists all questions."
            raise UsageError(f"There is no tool '{name}'; {remedy}")
        given = dict(arguments or {})
        _check_names(tool, given)
        answers: dict[str, Callable[[Arguments], Record]] = {
            "describe": self._describe,
            "query": self._query,
            "history": self._history,
            "certificate": self._certificate,
            "plan": self._plan,
        }
        try:
            if tool.question is not None:
                return self._answer(tool.question, given)
            return answers[name](given)
        except UsageError as error:
            if TIME_IS_UP not in str(error):
                raise
            raise UsageError(
                f"The answer took longer than {SECONDS} seconds and was stopped; ask for less: a "
                "shorter window, one workspace, conditions, fewer joins."
            ) from error

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = warehouse.connect(self._home)
        connection.execute(f"set global max_execution_time = {SECONDS * 1_000}")
        return connection

    def _answer(self, question: Question, given: dict[str, Any]) -> Record:
        declared = {parameter.name for parameter in question.parameters}
        limit = _limit({} if "limit" in declared else given)
        columns = () if "columns" in declared else _columns(question, given.get("columns"))
        parameters = {name: _scalar(name, given[name]) for name in given if name in declared}
        reading = FirstRows(limit)
        with self._connect() as connection:
            warehouse.restrict(connection)
            values, unknown = given_values(connection, question, parameters)
            relation = question_relation(connection, question, values, columns=columns)
            try:
                rows = reading(relation)
            except (duckdb.Error, OSError) as error:  # Arrow passes on DuckDB's as OSError
                raise UsageError(
                    f"The {question.kind} {question.slug} could not be answered "
                    f"({first_line(error)}); correct the parameters, or ask for less."
                ) from error
            findings = [text for text in [partial_answer(connection, question)] if text]
            of_now = past_limit(connection, question, values)
            head = _head(connection, question.name, findings)
        answer = rows_of(records_of(rows), reading.row_count, is_counted=reading.is_counted)
        answer["notes"] += [value.sentence for value in unknown]
        answer["notes"] += [of_now] if of_now else []
        return {**head, "parameters": _all_values(question, values), **answer}

    def _query(self, given: Arguments) -> Record:
        sql, limit = _text("sql", given), _limit(given)
        reading = FirstRows(limit)
        with self._connect() as connection:
            connection.execute(f"set memory_limit = '{QUERY_MEMORY}'")
            connection.execute("set temp_directory = ''")
            past = warehouse.history_named_in(sql)
            lake = self._open_lake() if past else None
            files = warehouse.attach_history(connection, lake, past) if lake else []
            rows = warehouse.restricted_rows(connection, sql, files, reading=reading)
            head = _head(connection)
        return {
            **head,
            **rows_of(records_of(rows), reading.row_count, is_counted=reading.is_counted),
        }

    def _history(self, given: Arguments) -> Record:
        entity_type, id, limit = _text("entity_type", given), _text("id", given), _limit(given)
        lake = self._open_lake()
        versions = warehouse.history(self._home, entity_type, id, lake=lake)
        records = records_of(versions)
        changes = records if LINK_SIGN in entity_type else version_changes(records)
        manifest = lake.current()
        with self._connect() as connection:
            head = _head(connection, f"octane.{entity_type}")
        if manifest is not None:  # the lake may be ahead of the warehouse
            head["generation"] = manifest.generation
            head["as_of"] = utc_text(manifest.as_of)
        return {**head, **rows_of(changes[:limit], len(changes))}

    def _certificate(self, given: Arguments) -> Record:
        reading = FirstRows(_limit(given))
        asked_for = {name: _optional(name, given) for name in ("entity_type", "workspace_id")}
        with self._connect() as connection:
            warehouse.restrict(connection)
            if (workspace := asked_for["workspace_id"]) is not None:
                asked_for["workspace_id"] = warehouse.workspace_id_of(connection, workspace)
            rows = reading(connection.sql(CERTIFICATE, params=asked_for))
            head = _head(connection)
        return {**head, **rows_of(records_of(rows), reading.row_count)}

    def _describe(self, given: Arguments) -> Record:
        name = _optional("name", given)
        with self._connect() as connection:
            warehouse.restrict(connection)
            content = overview(connection) if name is None else description_of(connection, name)
            return {**_head(connection), **content}

    def _plan(self, given: Arguments) -> Record:
        slug, limit = _text("slug", given), _limit(given)
        plans = {plan.slug: plan for plan in plans_without_files()}
        if slug not in plans:
            raise UsageError(f"There is no plan '{slug}' here; {nearest(slug, list(plans))}")
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise UsageError('parameters is no object; write it as {"name": value}.')
        texts = {str(name): _scalar(str(name), value) for name, value in parameters.items()}
        with self._connect() as connection:
            warehouse.restrict(connection)
            made = make_plan(connection, slug, texts)
            findings = [text for text in [partial_answer(connection, plans[slug])] if text]
            head = _head(connection, f"plan.{slug}", findings)
        requests = [asdict(request) for request in made.plan.requests]
        answer = rows_of(requests[:limit], len(requests))
        answer["notes"] += made.warnings
        answer["notes"] += [for_agents(f"0 requests: {made.reason}.")] if made.reason else []
        answer["notes"].append(
            f"Nothing was sent. A person reviews and sends it: octane-flows plan {slug} "
            "--output plan.json with the same parameters, then "
            f"octane-flows apply plan.json --digest {made.plan.digest} --yes."
        )
        return {**head, "slug": slug, "digest": made.plan.digest, "is_sent": False, **answer}


def _head(
    connection: duckdb.DuckDBPyConnection,
    name: str | None = None,
    findings: list[str] | None = None,
) -> Record:
    """What stands in every answer: the state that it speaks of, and whether that is all."""
    return {
        **generation_of(connection),
        "workspaces": named_workspaces(connection),
        "completeness": completeness(connection, name, findings or []),
    }


def _all_values(question: Question, values: Mapping[str, Value]) -> Record:
    """The values of all parameters, those that were given and the defaults."""
    given = parse_parameters(question, {**question.defaults, **values})
    return {name: json_value(value) for name, value in given.items()}


def _check_names(tool: Tool, given: Arguments) -> None:
    properties = tool.input_schema["properties"]
    for name in given:
        if name not in properties:
            raise UsageError(
                f"The tool {tool.name} has no argument '{name}'; {nearest(name, list(properties))}"
            )


def _limit(given: Arguments) -> int:
    limit = given.get("limit")
    if limit is None:
        return DEFAULT_ROWS
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_ROWS:
        raise UsageError(f"The limit is '{limit}'; write a whole number from 1 to {MOST_ROWS:,}.")
    return limit


def _columns(question: Question, columns: Any) -> tuple[str, ...]:
    if columns is None:
        return ()
    names = [column.name for column in question.columns]
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise UsageError('columns is no list of texts; write it as ["name", "name"].')
    for name in columns:
        if name not in names:
            raise UsageError(f"{question.slug} has no column '{name}'; {nearest(name, names)}")
    return tuple(dict.fromkeys(columns))


def _scalar(name: str, value: Any) -> Value:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise UsageError(f"The argument {name} takes one value; write several with commas in a text.")


def _text(name: str, given: Arguments) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"The argument {name} is missing; write it as a text.")
    return value


def _optional(name: str, given: Arguments) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"The argument {name} is no text; write it as a text, or leave it out.")
    return value or None
