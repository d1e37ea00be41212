"""Pages, CSV and JSON of all questions: `/`, `/flow/<slug>`, `/metric/<slug>.csv` and the like.

Requests in, responses out; `web_application` has the routes. A page is a form without scripts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import cast, get_args
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from octane_flows.config import ServePlace, workspace_list
from octane_flows.console import VISIBLE
from octane_flows.errors import UsageError
from octane_flows.models.question_files import slugs
from octane_flows.questions import Kind, Question, list_questions, question_named
from octane_flows.questions.answer_formats import answer_bytes
from octane_flows.questions.excel_sheets import write_workbook
from octane_flows.serve.bounded_answers import Deadline, Limits, joined_rows
from octane_flows.serve.openapi_document import WORKBOOK, openapi_document
from octane_flows.serve.question_answers import (
    Answer,
    answer_question,
    call_of,
    offered_values,
    texts_of_pairs,
)
from octane_flows.serve.refused_requests import RefusalError, not_there, wrong_request
from octane_flows.serve.served_generations import ServedGeneration, ServedGenerations
from octane_flows.serve.served_queue import ServedQueue

ROWS_SHOWN = 500  # of a page; CSV and JSON have all
WORKBOOK_ROWS = 100_000  # some ten seconds of work
KINDS = ("flow", "metric")


@dataclass(frozen=True)
class QuestionPages:
    """The responses about questions."""

    generations: ServedGenerations
    queue: ServedQueue
    place: ServePlace
    templates: jinja2.Environment

    @property
    def limits(self) -> Limits:
        """The limits of one answer."""
        return Limits(self.place.seconds, self.place.rows, self.place.memory_mb)

    async def index(self, request: Request) -> Response:
        """The list of all questions."""
        generation = await self.queue.run(request, lambda deadline: self.generations.newest())
        return self.page(
            "index.html.j2",
            request,
            groups=[(kind, list_questions(cast(Kind, kind))) for kind in KINDS],
            generation=generation,
        )

    async def question(self, request: Request) -> Response:
        """One question as a page, CSV, JSON or workbook, by the suffix of its address."""
        question, suffix = named_question(request)
        texts = texts_of_pairs(request.query_params.multi_items())
        if suffix == "html":
            return await self._form(request, question, texts)
        answer = await self.queue.run(
            request,
            lambda deadline: answer_question(
                self.generations.newest(),
                question,
                texts,
                self.limits,
                deadline,
                as_json=suffix == "json",
            ),
        )
        headers = {
            "x-octane-generation": str(answer.generation),
            "x-octane-as-of": _iso(answer.as_of),
            **({"x-octane-remarks": _header_text(answer.remarks)} if answer.remarks else {}),
        }
        if suffix == "json":
            return Response(_json_body(answer), media_type="application/json", headers=headers)
        headers["content-disposition"] = f'attachment; filename="{question.slug}.{suffix}"'
        if suffix == "xlsx":
            workbook = await self.queue.run(request, lambda deadline: _workbook(answer))
            return Response(workbook, media_type=WORKBOOK, headers=headers)
        body = await self.queue.run(request, lambda deadline: _csv_body(answer))
        return Response(body, media_type="text/csv; charset=utf-8; header=present", headers=headers)

    async def openapi(self, request: Request) -> Response:
        """The description of these addresses for programs."""
        return JSONResponse(openapi_document(root(request, self.place)))

    async def api_page(self, request: Request) -> Response:
        """The description of these addresses for people."""
        return self.page(
            "api.html.j2", request, document=openapi_document(root(request, self.place))
        )

    async def style(self, request: Request) -> Response:
        """The style of the pages."""
        text = (resources.files(__package__) / "templates" / "serve.css").read_text("utf-8")
        return Response(text, media_type="text/css")

    def page(
        self, template: str, request: Request, *, status: int = 200, **facts: object
    ) -> Response:
        """A page of HTML."""
        text = self.templates.get_template(template).render(root=root(request, self.place), **facts)
        return HTMLResponse(text, status_code=status)

    async def _form(
        self, request: Request, question: Question, texts: Mapping[str, str]
    ) -> Response:
        def work(deadline: Deadline) -> tuple[ServedGeneration, dict[str, list[str]], Answer]:
            generation = self.generations.newest()
            offered = offered_values(generation, question, self.limits, deadline)
            return (
                generation,
                offered,
                answer_question(
                    generation, question, texts, self.limits, deadline, first=ROWS_SHOWN
                ),
            )

        refusal: RefusalError | None = None
        offered: dict[str, list[str]] = {}
        answer: Answer | None = None
        try:
            _, offered, answer = await self.queue.run(request, work)
        except RefusalError as error:
            if error.status != 400:
                raise
            refusal = error  # the form stays, with what was written
        changed = {
            parameter.name: texts[parameter.name]
            for parameter in question.parameters
            if texts.get(parameter.name, parameter.default or "") != (parameter.default or "")
        }
        return self.page(
            "question.html.j2",
            request,
            status=200 if refusal is None else refusal.status,
            question=question,
            texts=texts,
            offered=offered,
            answer=answer,
            refusal=refusal,
            call=call_of(question, answer.values) if answer else "",
            query=f"?{urlencode(changed)}" if changed else "",
            shown=ROWS_SHOWN,
        )


def named_question(request: Request) -> tuple[Question, str]:
    """The question of an address, and html, csv, json or xlsx. Raises RefusalError."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    slug, dot, suffix = name.partition(".")
    if dot and suffix not in ("csv", "json", "xlsx"):
        raise not_there(
            f"There is no {name}; end the address with .csv, .json or .xlsx, or nothing."
        )
    is_kind = kind in get_args(Kind)
    if not (is_kind and slug in slugs(kind)):
        for other in ("flow", "metric"):
            if slug in slugs(other):
                what = f"no {kind} {slug}, but a {other}" if is_kind else f"nothing at /{kind}"
                raise not_there(f"There is {what}: {slug} is at /{other}/{name}.")
    if not is_kind:
        raise not_there("There is nothing at this address; the list of all questions is at /.")
    try:
        return question_named(kind, slug), suffix or "html"
    except UsageError as error:
        raise not_there(str(error)) from None


def root(request: Request, place: ServePlace) -> str:
    """The address of these pages without a slash at the end, as clients see it."""
    return place.address or str(request.base_url).rstrip("/")


def page_templates() -> jinja2.Environment:
    """The templates of the pages; texts of the server are escaped in them."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octane_flows.serve"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["iso"] = _iso
    environment.filters["workspaces"] = lambda names: workspace_list(names, names)
    return environment


def _json_body(answer: Answer) -> bytes:
    head = {
        "question": answer.question.name,
        "text": answer.question.text,
        "generation": answer.generation,
        "as_of": _iso(answer.as_of),
        "workspaces": answer.workspace_names,
        "parameters": {**answer.question.defaults, **answer.values},
        "remarks": list(answer.remarks),
        "row_count": answer.rows.num_rows,
    }
    text = json.dumps(head, ensure_ascii=False, default=str)
    return text[:-1].encode() + b', "rows": [\n' + joined_rows(answer.rows) + b"\n]}\n"


def _csv_body(answer: Answer) -> bytes:
    stream = io.BytesIO()
    try:
        answer_bytes(answer.rows, "csv", stream)
    except UsageError as error:
        raise wrong_request(str(error)) from None
    return stream.getvalue()


def _workbook(answer: Answer) -> bytes:
    if answer.rows.num_rows > WORKBOOK_ROWS:
        raise wrong_request(
            f"The answer has {answer.rows.num_rows:,} rows, and a workbook here has at most "
            f"{WORKBOOK_ROWS:,}; ask for less with parameters, take .csv, or let Excel read "
            "/odata/."
        )
    stream = io.BytesIO()
    write_workbook(answer.rows, stream)
    return stream.getvalue()


def _iso(time: datetime) -> str:
    return f"{time.replace(tzinfo=None).isoformat()}Z"


def _header_text(remarks: tuple[str, ...]) -> str:
    """Remarks in a header, which has ASCII alone."""
    return " ".join(remarks).encode("ascii", "replace").decode().replace("\n", " ")[:2000]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    return str(value).translate(VISIBLE)
