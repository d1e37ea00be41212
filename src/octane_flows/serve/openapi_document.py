"""The OpenAPI description of all questions: addresses, parameters, types.

The address of the server in, a JSON object out; `question_pages` answers it and shows it as a page.
"""

from __future__ import annotations

from typing import Final

from octane_flows import __version__
from octane_flows.models.macro_parameters import Parameter
from octane_flows.questions import Question, list_questions

WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: The types of a header's `param` line as JSON schemas.
SCHEMAS: dict[str, dict[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
}
REFUSALS = {
    "400": "A parameter is wrong; the message says what to write.",
    "401": "The sign-in is wrong or missing.",
    "413": "The answer has too many rows, or its query needs too much memory.",
    "503": "Too many requests at once, or there is no warehouse yet.",
    "504": "The query did not end in time.",
}


def openapi_document(address: str) -> dict[str, object]:
    """The description of every flow and metric as JSON, CSV and Excel workbook."""
    paths: dict[str, object] = {}
    for kind in ("flow", "metric"):
        for question in list_questions("flow" if kind == "flow" else "metric"):
            for suffix in ("json", "csv", "xlsx"):
                paths[f"/{kind}/{question.slug}.{suffix}"] = {"get": _operation(question, suffix)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "octane-flows",
            "version": __version__,
            "description": "Flows and metrics of the published warehouse, read-only. The same "
            "questions and the tables are served over OData v4 at /odata/.",
        },
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "login": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            }
        },
        "security": [{}, {"login": []}, {"token": []}],
    }


def _operation(question: Question, suffix: str) -> dict[str, object]:
    content: dict[str, object] = {"text/csv": {"schema": {"type": "string"}}}
    if suffix == "xlsx":
        content = {WORKBOOK: {"schema": {"type": "string", "format": "binary"}}}
    if suffix == "json":
        columns = {column.name: {"description": column.meaning} for column in question.columns}
        row = {"type": "object", "properties": columns}
        content = {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "question": {"type": "string"},
                        "generation": {"type": "integer"},
                        "as_of": {"type": "string", "format": "date-time"},
                        "workspaces": {
                            "type": "object",
                            "description": "names by id",
                            "additionalProperties": {"type": ["string", "null"]},
                        },
                        "remarks": {"type": "array", "items": {"type": "string"}},
                        "row_count": {"type": "integer"},
                        "rows": {"type": "array", "items": row},
                    },
                }
            }
        }
    return {
        "operationId": f"{question.kind}_{question.slug}_{suffix}",
        "summary": question.text,
        "description": f"One row is {question.grain}.",
        "tags": [question.kind],
        "parameters": [_parameter(parameter) for parameter in question.parameters],
        "responses": {
            "200": {"description": "The rows", "content": content},
            **{status: {"description": meaning} for status, meaning in REFUSALS.items()},
        },
    }


def _parameter(parameter: Parameter) -> dict[str, object]:
    schema: dict[str, object] = dict(SCHEMAS[parameter.type])
    if parameter.default is not None:
        schema["default"] = _default(parameter)
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.meaning,
        "schema": schema,
    }


def _default(parameter: Parameter) -> object:
    assert parameter.default is not None
    if parameter.type == "integer":
        return int(parameter.default)
    if parameter.type == "number":
        return float(parameter.default)
    return parameter.default == "true" if parameter.type == "boolean" else parameter.default
