"""OData v4 over HTTP: service document, `$metadata`, rows in pages, one row by its key, counts.

Requests in, responses out; `web_application` has the routes. A page that is not the last one ends
with `@odata.nextLink`, which names its generation: a publish meanwhile does not tear a sequence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from octane_flows.config import ServePlace
from octane_flows.questions import Value, given_values, parse_parameters, question_relation
from octane_flows.serve.bounded_answers import (
    Deadline,
    Limits,
    bounded_table,
    joined_rows,
    json_rows,
)
from octane_flows.serve.odata_expressions import Tokens, literal_value
from octane_flows.serve.odata_metadata import NAMESPACE, metadata_xml, row_type, service_document
from octane_flows.serve.odata_model import ODataModel, ServedRows, read_model
from octane_flows.serve.odata_queries import ServedQuery, served_query
from octane_flows.serve.odata_sql import SqlParameters
from octane_flows.serve.question_answers import refusals, texts_of_pairs
from octane_flows.serve.question_pages import root
from octane_flows.serve.refused_requests import RefusalError, not_there, wrong_request
from octane_flows.serve.served_generations import ServedGeneration, ServedGenerations
from octane_flows.serve.served_queue import ServedQueue
from octane_flows.serve.warehouse_reader import WarehouseReader

PAGE_ROWS: Final = 20_000
VERSION: Final = {"odata-version": "4.0"}
_PREFERRED: Final = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,9})")
_TOKEN: Final = re.compile(r"(\d+-[0-9a-f]{12})\.(\d{1,15})")


@dataclass(frozen=True)
class Resource:
    """What an address names: a set or function, its inputs or key, and whether it is counted."""

    name: str
    inside: str | None
    is_count: bool


@dataclass(frozen=True)
class Asked:
    """A request for rows, read before there is a reader."""

    resource: Resource
    options: Mapping[str, str]
    generation: str | None
    offset: int
    page_rows: int
    address: str


@dataclass(frozen=True)
class ODataAnswers:
    """The responses of OData."""

    generations: ServedGenerations
    queue: ServedQueue
    place: ServePlace

    @property
    def limits(self) -> Limits:
        """The limits of one request."""
        return Limits(self.place.seconds, self.place.rows, self.place.memory_mb)

    async def service(self, request: Request) -> Response:
        """The list of all sets and functions."""
        address = odata_root(request, self.place)
        body = await self.queue.run(
            request,
            lambda deadline: service_document(self._model(self.generations.newest()), address),
        )
        return _json(json.dumps(body, ensure_ascii=False).encode())

    async def metadata(self, request: Request) -> Response:
        """The description of all types."""
        if "json" in request.query_params.get("$format", ""):
            raise RefusalError(406, "$metadata is XML alone; leave $format out.")

        def work(deadline: Deadline) -> bytes:
            generation = self.generations.newest()
            model = self._model(generation)
            text = generation.facts.setdefault("metadata", metadata_xml(model))
            assert isinstance(text, bytes)
            return text

        body = await self.queue.run(request, work)
        return Response(body, media_type="application/xml", headers=VERSION)

    async def rows(self, request: Request) -> Response:
        """Rows of a set or function, one row by its key, or their count."""
        asked = self._asked(request)
        body = await self.queue.run(request, lambda deadline: self._answer(asked, deadline))
        if asked.resource.is_count:
            return Response(body, media_type="text/plain", headers=VERSION)
        return _json(body)

    def _asked(self, request: Request) -> Asked:
        options = texts_of_pairs(request.query_params.multi_items())
        generation, offset = None, 0
        if token := options.get("$skiptoken"):
            match = _TOKEN.fullmatch(token)
            if match is None:
                raise wrong_request("$skiptoken is none of this server's; read page one again.")
            generation, offset = match[1], int(match[2])
        preferred = _PREFERRED.search(request.headers.get("prefer", ""))
        wanted = int(preferred[1]) if preferred else PAGE_ROWS
        return Asked(
            _resource(request.path_params["path"]),
            options,
            generation,
            offset,
            max(1, min(wanted, PAGE_ROWS, self.place.rows)),
            odata_root(request, self.place),
        )

    def _answer(self, asked: Asked, deadline: Deadline) -> bytes:
        generation = (
            self.generations.newest()
            if asked.generation is None
            else self.generations.named(asked.generation)
        )
        model = self._model(generation)
        name = asked.resource.name
        rows = model.tables.get(name) or model.functions.get(name)
        if rows is None:
            raise not_there(
                f"There is no {name} in OData; the service document {asked.address}/ has all names."
            )
        with (
            generation.reader() as reader,
            deadline.interrupting(reader),
            refusals(self.limits, name),
        ):
            if rows.question is None and asked.resource.inside is not None:
                return self._one(reader, rows, asked)
            return self._page(reader, rows, asked, generation)

    def _page(
        self, reader: WarehouseReader, rows: ServedRows, asked: Asked, generation: ServedGeneration
    ) -> bytes:
        parameters = SqlParameters()
        source = rows.source
        if rows.question is not None:
            source = _called(reader, rows, asked, parameters)
        query = served_query(
            source,
            rows.columns,
            rows.key,
            asked.options,
            parameters,
            is_ordered=rows.question is not None,
        )
        if asked.resource.is_count:
            return str(self._count(reader, query)).encode()
        left = asked.page_rows
        if query.top is not None:
            left = min(left, max(0, query.top - asked.offset))
        sql = query.page(asked.offset, left + 1)
        relation = json_rows(reader.sql(sql, params=parameters.values or None))
        page = bounded_table(relation, self.limits, rows.name)
        has_more = page.num_rows > left and left == asked.page_rows
        if query.top is not None and asked.offset + left >= query.top:
            has_more = False
        head: dict[str, object] = {"@odata.context": _context(asked, rows, query)}
        if query.with_count:
            head["@odata.count"] = self._count(reader, query)
        text = json.dumps(head, ensure_ascii=False)[:-1].encode()
        body = text + b', "value": [\n' + joined_rows(page[:left]) + b"\n]"
        if has_more:
            token = f"{generation.token}.{asked.offset + left}"
            options = {**asked.options, "$skiptoken": token}
            path = quote(asked.resource.name + _brackets(asked.resource), safe="()=,'@")
            link = f"{asked.address}/{path}?{urlencode(options, safe='$', quote_via=quote)}"
            body += b', "@odata.nextLink": ' + json.dumps(link).encode()
        return body + b"}\n"

    def _count(self, reader: WarehouseReader, query: ServedQuery) -> int:
        values = query.parameters.values
        [(count,)] = reader.sql(query.count, params=values or None).fetchall()
        return int(count)

    def _one(self, reader: WarehouseReader, rows: ServedRows, asked: Asked) -> bytes:
        given = _pairs(asked.resource.inside or "", asked.options)
        if list(given) == [""] and len(rows.key) == 1:
            given = {rows.key[0]: given[""]}
        if set(given) != set(rows.key):
            raise wrong_request(
                f"A row of {rows.name} is named by {', '.join(rows.key)}; write them as in "
                f"{rows.name}({','.join(f'{name}=...' for name in rows.key)})."
            )
        parameters = SqlParameters()
        conditions = " and ".join(
            f'cast("{name}" as varchar) = cast({parameters.add(value)} as varchar)'
            for name, value in given.items()
        )
        options = {name: text for name, text in asked.options.items() if name != "$filter"}
        source = f"(select * from {rows.source} as rows where {conditions})"
        query = served_query(source, rows.columns, rows.key, options, parameters, is_ordered=False)
        relation = json_rows(reader.sql(query.page(0, 1), params=parameters.values))
        page = bounded_table(relation, self.limits, rows.name)
        if not page.num_rows:
            raise not_there(f"{rows.name} has no row with this key.")
        context = json.dumps({"@odata.context": f"{_context(asked, rows, query)}/$entity"})
        return context[:-1].encode() + b", " + joined_rows(page)[1:] + b"\n"

    def _model(self, generation: ServedGeneration) -> ODataModel:
        model = generation.facts.get("odata")
        if not isinstance(model, ODataModel):
            with generation.reader() as reader:
                model = read_model(reader)
            generation.facts["odata"] = model
        return model


def odata_root(request: Request, place: ServePlace) -> str:
    """The address of the service document without a slash at the end."""
    return f"{root(request, place)}/odata"


def _resource(path: str) -> Resource:
    """`name`, `name(inside)` and each with `/$count`. Raises RefusalError."""
    is_count = path.endswith("/$count")
    path = path.removesuffix("/$count").removesuffix("/")
    name, bracket, rest = path.partition("(")
    if bracket and not rest.endswith(")"):
        raise not_there("There is nothing at this address; brackets are not closed.")
    inside = rest[:-1] if bracket else None
    return Resource(name, inside, is_count)


def _brackets(resource: Resource) -> str:
    return "" if resource.inside is None else f"({resource.inside})"


def _pairs(text: str, options: Mapping[str, str]) -> dict[str, Value]:
    """The inputs or the key in brackets: `name=value, ...`; a value may be `@alias`."""
    values: dict[str, Value] = {}
    for part in re.findall(r"(?:[^,']|'(?:[^']|'')*')+", text):
        name, equals, value = part.partition("=")
        if not equals or name.strip().startswith("'"):
            name, value = "", part
        value = value.strip()
        if value.startswith("@"):
            if value not in options:
                raise wrong_request(f"The address names {value}, and no value is given for it.")
            value = options[value]
        if name.strip() in values:
            raise wrong_request(f"The address gives {name.strip()} twice; give it once.")
        tokens = Tokens(value, "A value in brackets")
        values[name.strip()] = literal_value(tokens)
        tokens.end()
    return values


def _called(
    reader: WarehouseReader, rows: ServedRows, asked: Asked, parameters: SqlParameters
) -> str:
    """The macro with its inputs, as what stands behind `from`."""
    question = rows.question
    assert question is not None
    given = _pairs(asked.resource.inside or "", asked.options)
    defaults = question.defaults
    chosen = {
        name: value
        for name, value in given.items()
        if not (value is None and defaults.get(name) is not None)
    }  # a program that knows no optional parameters sends null for each one that is left open
    parse_parameters(question, chosen)
    values, _ = given_values(reader.connection, question, chosen)
    parsed = parse_parameters(question, values)
    question_relation(reader.connection, question, parsed)  # says what is wrong with the question
    inputs = ", ".join(f"{name} := {parameters.add(value)}" for name, value in parsed.items())
    return f"{rows.source}({inputs})"


def _context(asked: Asked, rows: ServedRows, query: ServedQuery) -> str:
    names = query.selected or (tuple(query.columns) if query.is_applied else ())
    selected = f"({','.join(names)})" if names else ""
    if rows.question is not None:
        kind = "Edm.ComplexType" if query.is_applied else f"{NAMESPACE}.{row_type(rows)}"
        return f"{asked.address}/$metadata#Collection({kind})"
    return f"{asked.address}/$metadata#{rows.name}{selected}"


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json;odata.metadata=minimal", headers=VERSION)
