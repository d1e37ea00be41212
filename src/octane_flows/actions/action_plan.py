"""A plan: the requests that a writing flow would send, as records and as a file to review.

A warehouse, a slug and parameters in, or a file; a `Plan` out. `apply_plan`, the command line,
agents and Dagster use it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import duckdb

from octane_flows.actions.empty_plan import require_parameters, why_no_requests
from octane_flows.actions.plan_shape import check_plan, check_request
from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import UsageError
from octane_flows.questions import (
    UnknownValue,
    Value,
    given_values,
    parse_parameters,
    question_named,
    run_question,
)
from octane_flows.warehouse.file_replacement import replace_file

FROM_QUERY: Final = "from_query"  # the slug of a plan that comes from a query
FORMAT = 1  # of the file; another number is another meaning of its keys


@dataclass(frozen=True)
class PlannedRequest:
    """One request, and what must hold before it is sent.

    `expected` may hold `fields` (values of the item), `some` and `none` (queries that must match
    something or nothing) and `file` (path, sha256 and bytes of a local file that is uploaded). In
    queries and `body`, `step:1` stands for the id that step 1 gave.
    """

    workspace_id: str
    step: int
    operation: Literal["create", "update"]
    entity_type: str
    entity_id: str | None
    entity_name: str | None
    expected: Mapping[str, Any]
    body: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Plan:
    """The requests of one flow for one server; `generation` is the extract that they rest on."""

    slug: str
    parameters: Mapping[str, str | None]
    server_url: str
    shared_space: str
    generation: int
    requests: tuple[PlannedRequest, ...]

    @property
    def digest(self) -> str:
        """A name for exactly this plan, the same for the same plan made again."""
        record = {name: value for name, value in asdict(self).items() if name != "generation"}
        text = json.dumps(record, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class MadePlan:
    """A plan that was made from a warehouse, and what its reader must know beside it.

    `reason` says why it has no requests, and is None where it has some. `warnings` name the values
    that no row of the warehouse has.
    """

    plan: Plan
    reason: str | None
    warnings: tuple[str, ...] = ()


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    slug: str,
    parameters: Mapping[str, Value] | None = None,
) -> MadePlan:
    """The plan of a flow from a warehouse; labels and names are taken for codes and ids, too.

    Raises UsageError.
    """
    question = question_named("plan", slug)
    values, unknown = given_values(connection, question, parameters or {})
    require_parameters(question, parse_parameters(question, values))
    rows = [_with_json(row) for row in run_question(connection, question, values).to_pylist()]
    if rows:
        _require_values_of_rows(unknown)
    generation, server_url, shared_space = connection.execute(
        "select generation.generation, generation.server_url, generation.shared_space "
        "from meta.generation as generation"
    ).fetchall()[0]
    try:
        requests = tuple(_request(row) for row in rows)
    except ValueError as error:  # what was asked for makes no request, as an empty name does
        raise UsageError(
            f"The plan {slug} would hold a request that cannot be sent ({_fault(error)}); give a "
            f"value to the parameters that are empty, see 'octane-flows plan {slug} --help'."
        ) from error
    texts = {name: None if value is None else str(value) for name, value in values.items()}
    return MadePlan(
        Plan(slug, texts, server_url, shared_space, generation, requests),
        None if requests else why_no_requests(connection, question, texts),
        tuple(
            value.sentence_that("so that it finds nothing, unless it names something new")
            for value in unknown
        ),
    )


def _require_values_of_rows(unknown: Iterable[UnknownValue]) -> None:
    """Raise UsageError for a code or an id that no row has; a name may be that of a new suite."""
    for value in unknown:
        if not value.parameter.endswith("_name"):
            sentence = value.sentence_that("but the plan would send requests")
            raise UsageError(f"{sentence} Correct it; no plan was made.")


def write_plan(plan: Plan, path: Path) -> None:
    """Write the plan as JSON that a person can read and edit."""
    text = json.dumps({"octane_flows_plan": FORMAT, **asdict(plan)}, indent=1, ensure_ascii=False)
    replace_file(path, f"{text}\n".encode())


def read_plan(path: Path) -> Plan:
    """Read a plan that was written, and perhaps shortened by hand. Raises UsageError."""
    try:
        record = json.loads(regular_bytes(path).decode("utf-8"))
        if record.pop("octane_flows_plan") != FORMAT:
            raise ValueError("of another format")
        rows = record.pop("requests")
        if not isinstance(rows, list):
            raise TypeError("requests is no list")
        requests = tuple(_request(row) for row in rows)
        check_plan(record)
        plan = Plan(requests=requests, **record)
        if plan.slug != FROM_QUERY:  # `apply_plan` knows what a query may write
            check_scope(plan)
        return plan
    except OSError as error:
        raise UsageError(
            f"The plan {path} could not be read ({error.strerror}); write one with "
            "'octane-flows plan SLUG --output FILE'."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no plan ({_fault(error)}); write one with 'octane-flows plan SLUG "
            "--output FILE'."
        ) from error


def _with_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a plan with its two JSON texts parsed."""
    expected = _with_file(json.loads(row["expected"]))
    return {**row, "expected": expected, "body": json.loads(row["body"])}


def _with_file(expected: dict[str, Any]) -> dict[str, Any]:
    """Conditions with the digest of the local file, so that a later change of it is noticed."""
    if "file" not in expected:
        return expected
    path = Path(expected["file"]["path"]).expanduser()
    try:
        content = regular_bytes(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); name the file to attach."
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    file = {"path": str(path.absolute()), "sha256": digest, "bytes": len(content)}
    return {**expected, "file": file}


def check_scope(plan: Plan) -> None:
    """A plan writes what its flow writes and no more, and files that its parameters name.

    Raises UsageError. `apply_plan` checks it too, for plans that come from elsewhere.
    """
    question = question_named("plan", plan.slug)
    parameters = parse_parameters(question, plan.parameters)
    values = {**question.defaults, **parameters}
    writes = {
        str(values.get(name[1:])) if name.startswith("$") else name for name in question.writes
    }
    named_files = {
        str(Path(value).expanduser().absolute())
        for name, value in plan.parameters.items()
        if name.endswith("_path") and value
    }
    for request in plan.requests:
        if request.entity_type not in writes:
            raise UsageError(
                f"Step {request.step} writes a {request.entity_type}, and {plan.slug} writes "
                f"{', '.join(sorted(writes))}; nothing was sent. Plan again with "
                f"'octane-flows plan {plan.slug} --output FILE'."
            )
        file = request.expected.get("file")
        if file is not None and file["path"] not in named_files:
            raise UsageError(
                f"Step {request.step} uploads {file['path']}, which the plan's parameters do not "
                f"name; nothing was sent. Plan again with 'octane-flows plan {plan.slug} "
                "--output FILE --param file_path=...'."
            )


def _fault(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)


def _request(row: Mapping[str, Any]) -> PlannedRequest:
    request = PlannedRequest(**row)
    check_request(vars(request))
    return request
