"""All addresses of `serve` as one ASGI application.

A data folder and the settings in, the application out; `run_server` serves it, tests call it. An
application of its own, such as one for agents, is mounted by `mounted`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from octane_flows.config import ServePlace
from octane_flows.serve.odata_answers import ODataAnswers
from octane_flows.serve.question_pages import QuestionPages, page_templates
from octane_flows.serve.refused_requests import RefusalError
from octane_flows.serve.request_guard import RequestGuard
from octane_flows.serve.served_generations import ServedGenerations
from octane_flows.serve.served_queue import ServedQueue

ONLY_READS = {"allow": "GET, HEAD, OPTIONS"}


@dataclass(frozen=True)
class MountedApplication:
    """Another ASGI application under a path of its own, behind the same sign-in and log.

    `lifespan` is entered when the server starts and left when it ends.
    """

    path: str
    application: ASGIApp
    lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None


def web_application(
    home: Path,
    place: ServePlace,
    log: Callable[[str], None],
    mounted: Sequence[MountedApplication] = (),
) -> ASGIApp:
    """The application over the published warehouse of a data folder."""
    generations = ServedGenerations(home, place)
    queue = ServedQueue(place.requests, place.seconds)
    pages = QuestionPages(generations, queue, place, page_templates())
    odata = ODataAnswers(generations, queue, place)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for entry in mounted:
                if entry.lifespan is not None:
                    await stack.enter_async_context(entry.lifespan())
            yield
        queue.close()
        generations.close()

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=ONLY_READS)
            response = refusal_response(pages, request, _refusal_of(error))
            response.headers.update(ONLY_READS)
            return response
        refusal = error if isinstance(error, RefusalError) else _refusal_of(error)
        return refusal_response(pages, request, refusal)

    routes: list[BaseRoute] = [
        Route("/", pages.index),
        Route("/serve.css", pages.style),
        Route("/openapi.json", pages.openapi),
        Route("/api", pages.api_page),
        Route("/odata", odata.service),
        Route("/odata/", odata.service),
        Route("/odata/$metadata", odata.metadata),
        Route("/odata/{path:path}", odata.rows),
        Route("/{kind:str}/{name:str}", pages.question),
        *(
            route
            for entry in mounted
            for route in (  # the path itself, too: a mount alone answers it with a redirect
                Route(entry.path, entry.application),
                Mount(entry.path, entry.application),
            )
        ),
    ]
    application = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            RefusalError: refused,
            HTTPException: refused,
            Exception: refused,
        },
    )
    return RequestGuard(application, place, log)


def refusal_response(pages: QuestionPages, request: Request, refusal: RefusalError) -> Response:
    """A refusal as a page for a browser, and as JSON for everybody else."""
    headers = {}
    if refusal.retry_after_s is not None:
        headers["retry-after"] = str(refusal.retry_after_s)
    if "text/html" in request.headers.get("accept", ""):
        response = pages.page("refused.html.j2", request, status=refusal.status, refusal=refusal)
        response.headers.update(headers)
        return response
    body = {"error": {"code": str(refusal.status), "message": refusal.sentence}}
    return Response(
        json.dumps(body, ensure_ascii=False),
        refusal.status,
        headers,
        media_type="application/json",
    )


def _refusal_of(error: Exception) -> RefusalError:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentences = {
        500: "A fault of the program kept this request from an answer; the server's log names a "
        "file with the details.",
        404: "There is nothing at this address; the list of all questions is at /.",
        405: "This server only reads: send GET.",
    }
    return RefusalError(status, sentences.get(status, "The request cannot be answered."))
