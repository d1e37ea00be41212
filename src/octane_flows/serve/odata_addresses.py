"""Addresses of OData: what a request names and asks for, and the link to a further page.

A request in, a `RowsRequest` out; `odata_answers` calls it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request

from octane_flows.config import ServePlace
from octane_flows.questions import Value
from octane_flows.serve.odata_expressions import Tokens, literal_value
from octane_flows.serve.question_answers import texts_of_pairs
from octane_flows.serve.question_pages import root
from octane_flows.serve.refused_requests import not_there, wrong_request
from octane_flows.serve.served_generations import ServedGeneration

PAGE_ROWS: Final = 20_000
_PREFERRED: Final = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,9})")
_TOKEN: Final = re.compile(r"(\d+-[0-9a-f]{12})\.(\d{1,15})")


@dataclass(frozen=True)
class Resource:
    """What an address names: a set or function, its inputs or key, and whether it is counted."""

    name: str
    inside: str | None
    is_count: bool


@dataclass(frozen=True)
class RowsRequest:
    """A request for rows, read before there is a reader."""

    resource: Resource
    options: Mapping[str, str]
    generation: str | None
    offset: int
    page_rows: int
    address: str


def read_rows_request(request: Request, place: ServePlace) -> RowsRequest:
    """What a request asks for. Raises RefusalError."""
    options = texts_of_pairs(request.query_params.multi_items())
    generation, offset = None, 0
    if token := options.get("$skiptoken"):
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise wrong_request("$skiptoken is none of this server's; read page one again.")
        generation, offset = match[1], int(match[2])
    preferred = _PREFERRED.search(request.headers.get("prefer", ""))
    wanted = int(preferred[1]) if preferred else PAGE_ROWS
    return RowsRequest(
        _resource(request.path_params["path"]),
        options,
        generation,
        offset,
        max(1, min(wanted, PAGE_ROWS, place.rows)),
        odata_root(request, place),
    )


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


def values_in_brackets(text: str, options: Mapping[str, str]) -> dict[str, Value]:
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


def page_link(request: RowsRequest, generation: ServedGeneration, offset: int) -> str:
    """The address of the page that begins behind so many rows of a generation."""
    options = {**request.options, "$skiptoken": f"{generation.token}.{offset}"}
    path = quote(request.resource.name + _brackets(request.resource), safe="()=,'@")
    return f"{request.address}/{path}?{urlencode(options, safe='$', quote_via=quote)}"


def cache_key(request: RowsRequest, generation: ServedGeneration, offset: int) -> Hashable:
    """What a page answers, whoever asks for it."""
    options = frozenset(
        (name, text) for name, text in request.options.items() if name != "$skiptoken"
    )
    where = (request.address, request.resource, request.page_rows)
    return (generation.token, offset, options, *where)
