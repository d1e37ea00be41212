"""OData v4 over HTTP: service document, `$metadata`, rows in pages, one row by its key, counts.

Requests in, responses out; `web_application` has the routes. A page that is not the last one ends
with `@odata.nextLink`, which names its generation: a publish meanwhile does not tear a sequence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from octane_flows.config import ServePlace
from octane_flows.questions import given_values, parse_parameters, question_relation
from octane_flows.serve.bounded_answers import (
    Deadline,
    Limits,
    bounded_table,
    joined_rows,
    json_rows,
)
from octane_flows.serve.odata_addresses import (
    RowsRequest,
    cache_key,
    odata_root,
    page_link,
    read_rows_request,
    values_in_brackets,
)
from octane_flows.serve.odata_metadata import NAMESPACE, metadata_xml, row_type, service_document
from octane_flows.serve.odata_model import ODataModel, ServedRows, read_model
from octane_flows.serve.odata_page_cache import PageCache
from octane_flows.serve.odata_queries import ServedQuery, served_query
from octane_flows.serve.odata_sql import SqlParameters
from octane_flows.serve.question_answers import refusals
from octane_flows.serve.refused_requests import RefusalError, not_there, wrong_request
from octane_flows.serve.served_generations import ServedGeneration, ServedGenerations
from octane_flows.serve.served_queue import ServedQueue
from octane_flows.serve.warehouse_reader import WarehouseReader

PAGES_AHEAD: Final = 5
VERSION: Final = {"odata-version": "4.0"}


@dataclass(frozen=True)
class ODataAnswers:
    """The responses of OData."""

    generations: ServedGenerations
    queue: ServedQueue
    place: ServePlace
    ahead: PageCache = field(default_factory=PageCache)

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
        rows_request = read_rows_request(request, self.place)
        body = await self.queue.run(request, lambda deadline: self._answer(rows_request, deadline))
        if rows_request.resource.is_count:
            return Response(body, media_type="text/plain", headers=VERSION)
        return _json(body)

    def _answer(self, request: RowsRequest, deadline: Deadline) -> bytes:
        generation = (
            self.generations.newest()
            if request.generation is None
            else self.generations.named(request.generation)
        )
        page = self.ahead.take(cache_key(request, generation, request.offset))
        if page is not None and request.generation is not None:
            return page
        model = self._model(generation)
        name = request.resource.name
        rows = model.tables.get(name) or model.functions.get(name)
        if rows is None:
            raise not_there(
                f"There is no {name} in OData; the service document {request.address}/ "
                "has all names."
            )
        with (
            generation.reader() as reader,
            deadline.interrupting(reader),
            refusals(self.limits, name),
        ):
            if rows.question is None and request.resource.inside is not None:
                return self._row_of_key(reader, rows, request)
            return self._page(reader, rows, request, generation)

    def _page(
        self,
        reader: WarehouseReader,
        rows: ServedRows,
        request: RowsRequest,
        generation: ServedGeneration,
    ) -> bytes:
        parameters = SqlParameters()
        source = rows.source
        if rows.question is not None:
            source = _called(reader, rows, request, parameters)
        query = served_query(
            source,
            rows.columns,
            rows.key,
            request.options,
            parameters,
            is_ordered=rows.question is not None,
        )
        if request.resource.is_count:
            return str(self._count(reader, query)).encode()
        head: dict[str, object] = {"@odata.context": _context(request, rows, query)}
        if query.with_count:
            head["@odata.count"] = self._count(reader, query)
        page_rows, wanted, texts = self._texts(reader, rows, request, query)
        bodies: list[bytes] = []
        for start in range(0, max(1, min(texts.num_rows, wanted)), page_rows):
            end = min(start + page_rows, wanted)
            is_last = texts.num_rows <= end or request.offset + end == query.top
            link = "" if is_last else page_link(request, generation, request.offset + end)
            bodies.append(_body(head, texts[start:end], link))
            self.ahead.put(cache_key(request, generation, request.offset + start), bodies[-1])
        return bodies[0]

    def _texts(
        self,
        reader: WarehouseReader,
        rows: ServedRows,
        request: RowsRequest,
        query: ServedQuery,
    ) -> tuple[int, int, pa.Table]:
        """Rows of a page, rows that are wanted, and these with one more as texts of JSON.

        Who reads on gets several pages at once; where these are too large, a small one.
        """
        ahead = 1 if request.generation is None else PAGES_AHEAD
        sizes = [
            (request.page_rows, ahead),
            (request.page_rows, 1),
            (request.page_rows // 50 + 1, 1),
        ]
        for page_rows, pages in sizes:
            wanted = page_rows * pages
            if query.top is not None:
                wanted = min(wanted, max(0, query.top - request.offset))
            sql = query.page(request.offset, wanted + 1)
            relation = json_rows(reader.sql(sql, params=query.parameters.values or None))
            limits = replace(self.limits, rows=wanted + 1)
            try:
                return page_rows, wanted, bounded_table(relation, limits, rows.name)
            except RefusalError as error:
                if error.status != 413 or (page_rows, pages) == sizes[-1]:
                    raise
        raise AssertionError("the last size was tried")

    def _count(self, reader: WarehouseReader, query: ServedQuery) -> int:
        values = query.parameters.values
        [(count,)] = reader.sql(query.count, params=values or None).fetchall()
        return int(count)

    def _row_of_key(self, reader: WarehouseReader, rows: ServedRows, request: RowsRequest) -> bytes:
        given = values_in_brackets(request.resource.inside or "", request.options)
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
        options = {name: text for name, text in request.options.items() if name != "$filter"}
        source = f"(select * from {rows.source} as rows where {conditions})"
        query = served_query(source, rows.columns, rows.key, options, parameters, is_ordered=False)
        relation = json_rows(reader.sql(query.page(0, 1), params=parameters.values))
        page = bounded_table(relation, self.limits, rows.name)
        if not page.num_rows:
            raise not_there(f"{rows.name} has no row with this key.")
        context = json.dumps({"@odata.context": f"{_context(request, rows, query)}/$entity"})
        return context[:-1].encode() + b", " + joined_rows(page)[1:] + b"\n"

    def _model(self, generation: ServedGeneration) -> ODataModel:
        model = generation.facts.get("odata")
        if not isinstance(model, ODataModel):
            with generation.reader() as reader:
                model = read_model(reader)
            generation.facts["odata"] = model
        return model


def _body(head: Mapping[str, object], rows: pa.Table, link: str) -> bytes:
    opening = json.dumps(head, ensure_ascii=False)[:-1].encode()
    end = f', "@odata.nextLink": {json.dumps(link)}' if link else ""
    return opening + b', "value": [\n' + joined_rows(rows) + f"\n]{end}}}\n".encode()


def _called(
    reader: WarehouseReader, rows: ServedRows, request: RowsRequest, parameters: SqlParameters
) -> str:
    """The macro with its inputs, as what stands behind `from`."""
    question = rows.question
    assert question is not None
    given = values_in_brackets(request.resource.inside or "", request.options)
    defaults = question.defaults
    chosen = {
        name: value
        for name, value in given.items()
        if not (value is None and defaults.get(name) is not None)
    }  # a program that knows no optional parameters sends null for each one that is left open
    parse_parameters(question, chosen)
    values, unknown = given_values(reader.connection, question, chosen)
    for value in unknown:
        if value.is_ambiguous:  # rows have no place for a remark
            raise wrong_request(value.sentence)
    parsed = parse_parameters(question, values)
    question_relation(reader.connection, question, parsed)  # says what is wrong with the question
    inputs = ", ".join(f"{name} := {parameters.add(value)}" for name, value in parsed.items())
    return f"{rows.source}({inputs})"


def _context(request: RowsRequest, rows: ServedRows, query: ServedQuery) -> str:
    names = query.selected or (tuple(query.columns) if query.is_applied else ())
    selected = f"({','.join(names)})" if names else ""
    if rows.question is not None:
        kind = "Edm.ComplexType" if query.is_applied else f"{NAMESPACE}.{row_type(rows)}"
        return f"{request.address}/$metadata#Collection({kind})"
    return f"{request.address}/$metadata#{rows.name}{selected}"


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json;odata.metadata=minimal", headers=VERSION)
