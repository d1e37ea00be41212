"""Does the warehouse tell what Octane tells? Each flow's documented REST query, asked live.

A workspace client and a warehouse connection in, the ids on both sides out; `verify` and the tests
call it. The query texts are those of the vendor's flow pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import duckdb

from octane_flows.errors import AnswerError, UsageError
from octane_flows.flows.catalogue import flow_named
from octane_flows.flows.run import Value, parse_parameters, run_flow

PAGE_SIZE = 1000  # the largest page that the server gives


class RestPage(Protocol):
    """What is used of a page of the client."""

    @property
    def rows(self) -> list[dict[str, Any]]: ...  # noqa: D102
    @property
    def total_count(self) -> int: ...  # noqa: D102


class RestWorkspace(Protocol):
    """What is used of a workspace of the client."""

    @property
    def id(self) -> str: ...  # noqa: D102

    def page(  # noqa: D102
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: str | None = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> RestPage: ...


@dataclass(frozen=True)
class RestQuery:
    """A documented request: the collection, and the query text for given parameters."""

    collection: str
    key: str
    text: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Parity:
    """Ids on both sides; `missing` are in Octane only, `extra` in the warehouse only."""

    slug: str
    workspace_id: str
    query: str
    rest_ids: frozenset[str]
    sql_ids: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """Ids that Octane gives and the warehouse does not."""
        return self.rest_ids - self.sql_ids

    @property
    def extra(self) -> frozenset[str]:
        """Ids that the warehouse gives and Octane does not."""
        return self.sql_ids - self.rest_ids

    @property
    def is_equal(self) -> bool:
        """Whether both sides tell the same."""
        return self.rest_ids == self.sql_ids


def compare(
    workspace: RestWorkspace,
    connection: duckdb.DuckDBPyConnection,
    slug: str,
    params: Mapping[str, Value] | None = None,
) -> Parity:
    """Ask both sides the same question; `as_of` is the warehouse's where it is not given."""
    documented = rest_query(slug)
    given = dict(params or {})
    text = documented.text(effective_parameters(connection, slug, given))
    answer = run_flow(connection, slug, given)
    sql_ids = frozenset(
        str(row[documented.key])
        for row in answer.select(["workspace_id", documented.key]).to_pylist()
        if row["workspace_id"] == workspace.id
    )
    rest_ids = _rest_ids(workspace, documented.collection, text)
    return Parity(slug, workspace.id, text, rest_ids, sql_ids)


def rest_query(slug: str) -> RestQuery:
    """The documented request of a flow."""
    flow_named(slug)
    return REST_QUERIES[slug]


def effective_parameters(
    connection: duckdb.DuckDBPyConnection, slug: str, params: Mapping[str, Value]
) -> dict[str, Any]:
    """Every parameter with its typed value: the given one or the default."""
    flow = flow_named(slug)
    defaults: dict[str, Value] = {item.name: item.default for item in flow.parameters}
    values: dict[str, Any] = parse_parameters(flow, {**defaults, **params})
    if "as_of" in values and values["as_of"] is None:
        with connection.cursor() as cursor:
            values["as_of"] = cursor.execute(
                "select generation.as_of from meta.generation as generation"
            ).fetchall()[0][0]
    return values


def _rest_ids(workspace: RestWorkspace, collection: str, query: str) -> frozenset[str]:
    ids: list[str] = []
    while True:
        page = workspace.page(
            collection,
            fields=["id"],
            query=query,
            order_by="id",
            limit=PAGE_SIZE,
            offset=len(ids),
        )
        ids += [str(row["id"]) for row in page.rows]
        if not page.rows or len(ids) >= page.total_count:
            break
    if len(set(ids)) != page.total_count:
        raise AnswerError(
            f"Asking {collection} for {query} gave {len(set(ids))} ids where the server counts "
            f"{page.total_count}; rows changed meanwhile, so ask again."
        )
    return frozenset(ids)


def _text(value: str) -> str:
    """A text in the query language; a star would be a wildcard there and is none in SQL."""
    if "*" in value:
        raise UsageError(
            f"'{value}' holds a star, which Octane takes for a wildcard; leave it out."
        )
    escaped = value.replace("\\", "\\\\").replace("^", "\\^")
    return f"^{escaped}^"


def _moment(value: datetime) -> str:
    """A moment in UTC as the query language writes it: whole seconds unless it has more."""
    if value.microsecond:
        return f"^{value.isoformat(timespec='milliseconds')}Z^"
    return f"^{value.isoformat(timespec='seconds')}Z^"


def _number(value: str) -> str:
    return value if value.isdigit() else _text(value)


def _since(params: Mapping[str, Any]) -> str:
    return _moment(params["as_of"] - timedelta(hours=params["hours"]))


def _codes(value: str) -> str:
    codes = [code.strip() for code in value.split(",") if code.strip()]
    if len(codes) == 1:
        return f"logical_name EQ {_text(codes[0])}"
    return f"logical_name IN {','.join(_text(code) for code in codes)}"


def _planned_runs(params: Mapping[str, Any]) -> str:
    phrases = [
        "status EQ {logical_name EQ 'list_node.run_status.planned'}",
        "test EQ {subtype EQ 'test_manual'||subtype EQ 'gherkin_test' || subtype EQ 'test_suite'}",
    ]
    if params["release_name"] is not None:
        phrases.append(f"release EQ {{name EQ {_text(params['release_name'])}}}")
    if params["run_by"] is not None:
        phrases.append(f"run_by EQ {{id EQ {_number(params['run_by'])}}}")
    if params["exclude_runs_inside_suites"]:
        phrases.append("parent_suite EQ {null}")
    return ";".join(phrases)


def _recent_failed_automated_tests(params: Mapping[str, Any]) -> str:
    phrases = [
        f"(status EQ {{logical_name EQ {_text(params['status_code'])}}})",
        f"(creation_time GT {_since(params)})",
    ]
    if params["release_name"] is not None:
        phrases.insert(0, f"(release EQ {{name EQ {_text(params['release_name'])}}})")
    return f"last_runs EQ {{{';'.join(phrases)}}}"


def _modules_with_recent_failures(params: Mapping[str, Any]) -> str:
    last_run = (
        f"last_runs EQ {{status EQ {{logical_name EQ {_text(params['status_code'])}}};"
        f"creation_time GT {_since(params)}}}"
    )
    kind = "subtype EQ ^test_automated^;" if params["only_automated"] else ""
    return f"test EQ {{{kind}{last_run}}}"


def _open_high_severity_defects(params: Mapping[str, Any]) -> str:
    return (
        f"product_areas EQ {{name EQ ^*^}};phase EQ {{{_codes(params['phase_codes'])}}};"
        f"severity EQ {{{_codes(params['severity_codes'])}}}"
    )


def _failed_previous_runs(params: Mapping[str, Any]) -> str:
    phrases = [f"run_native_status EQ {{logical_name EQ {_text(params['status_code'])}}}"]
    if params["build_id"] is not None:
        phrases.insert(0, f"build_id EQ {params['build_id']}")
    if params["run_id"] is not None:
        phrases.insert(0, f"run_id EQ {params['run_id']}")
    if params["since"] is not None:
        phrases.append(f"run_started GT {_moment(params['since'])}")
    if params["days"] is not None:
        phrases.append(
            f"run_started GT {_moment(params['as_of'] - timedelta(days=params['days']))}"
        )
    return ";".join(phrases)


REST_QUERIES = {
    "planned_runs": RestQuery("runs", "run_id", _planned_runs),
    "recent_failed_automated_tests": RestQuery(
        "automated_tests", "test_id", _recent_failed_automated_tests
    ),
    "modules_with_recent_failures": RestQuery(
        "product_areas", "application_module_id", _modules_with_recent_failures
    ),
    "open_high_severity_defects": RestQuery("defects", "defect_id", _open_high_severity_defects),
    "failed_previous_runs": RestQuery("previous_runs", "previous_run_id", _failed_previous_runs),
}
