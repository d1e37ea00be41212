"""What a flow's documented requests are made of, and the phrases of the query language.

Typed values of parameters in, `Request` records out; nothing is sent here. A flow is a generator:
it yields a request, is given the rows of the answer, and returns the ids that the flow names, or
these with what the requests count for each, by the flow's column.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from octane_flows.errors import UsageError

#: Every parameter of the flow, typed; `as_of` and `user_id` are filled in, and `signed_in_user_id`
#: (None: nobody of this workspace) is added.
Params = Mapping[str, Any]
#: One row of an answer, as JSON gives it.
Row = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One `GET` of all rows of a collection that match; `id` always comes back."""

    collection: str
    query: str | None = None
    fields: tuple[str, ...] = ("id",)


IDS_PER_REQUEST = 100  # as the vendor's clients do it
APOSTROPHE = "'"  # the pages write kinds of tests between them, names between carets

Steps = Generator[Request, list[Row], Iterable[str]]
#: Requests on the way to the ids, which lead to rows.
RowSteps = Generator[Request, list[Row], list[Row]]


@dataclass(frozen=True)
class Reading:
    """A place where the page leaves a choice: what is taken, and which parameters read otherwise.

    `parameters` are names of the flow; without any, the other reading is not offered.
    """

    unclear: str
    taken: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentedRequests:
    """A flow's documented requests.

    `collection` is where the ids can be looked up, `key` the column of the flow that holds them.
    `wording` says how sure the text is: all of it stands on the page, or its end is reconstructed
    from the page's entities and steps, or the page was not seen. `depends_on` are collections whose
    changes move the answer without touching the rows that it names; `example` holds values of
    parameters that the page itself uses.
    """

    collection: str
    key: str
    steps: Callable[[Params], Steps]
    wording: Literal["page", "partly", "reconstructed"]
    readings: tuple[Reading, ...] = ()
    depends_on: tuple[str, ...] = ()
    example: tuple[tuple[str, str], ...] = ()


def single(
    collection: str, query: Callable[[Params], str | None], fields: tuple[str, ...] = ("id",)
) -> Callable[[Params], Steps]:
    """Steps of one request whose rows are the flow's.

    A `query` that gives None sends nothing, because no user is meant; an empty one reads all rows.
    """

    def steps(params: Params) -> Steps:
        text = query(params)
        if text is None:
            return []
        rows = yield Request(collection, text or None, fields)
        return [str(row["id"]) for row in rows]

    return steps


def text(value: str) -> str:
    """An exact text; a star would be a wildcard in Octane, so it is refused."""
    if "*" in value:
        raise UsageError(
            f"'{value}' holds a star, which Octane takes for a wildcard; leave it out."
        )
    return pattern(value)


def pattern(value: str) -> str:
    """A text in which a star stands for any characters."""
    # Between carets nothing can be escaped; the apostrophe form escapes with a backslash.
    if not any(mark in value for mark in '^"\\'):
        return f"^{value}^"
    escaped = "".join(f"\\{mark}" if mark in "\\\"'()" else mark for mark in value)
    return f"'{escaped}'"


def identifier(value: str) -> str:
    """An id: a number bare, a name as text."""
    return value if value.isdigit() else text(value)


def portions(ids: Iterable[str]) -> Iterator[str]:
    """Ids as the query language lists them, in parts that keep the address of a request short."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), IDS_PER_REQUEST):
        yield ",".join(identifier(id) for id in ordered[start : start + IDS_PER_REQUEST])


def moment(value: datetime) -> str:
    """A moment in UTC: whole seconds unless it has more."""
    if value.microsecond:
        return f"^{value.isoformat(timespec='milliseconds')}Z^"
    return f"^{value.isoformat(timespec='seconds')}Z^"


def window(field: str, params: Params, length: timedelta | None) -> list[str]:
    """Phrases for the window of that length before `as_of`; without one only its end counts.

    The documented requests go up to now; an end that was asked for is a phrase more.
    """
    phrases = []
    if length is not None:
        phrases.append(f"{field} GT {moment(params['as_of'] - length)}")
    if params.get("is_as_of_given"):
        phrases.append(f"{field} LE {moment(params['as_of'])}")
    return phrases


def hours(params: Params) -> timedelta | None:
    """The length of a window in hours; None: it has no beginning."""
    return None if params["hours"] is None else timedelta(hours=params["hours"])


def words(value: str) -> list[str]:
    """The entries of a list that is written with commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


def logical_names(value: str) -> str:
    """A phrase over `logical_name` for one or several names with commas between them."""
    codes = [text(code) for code in words(value)]
    if len(codes) == 1:
        return f"logical_name EQ {codes[0]}"
    return f"logical_name IN {','.join(codes)}"


def subtypes(value: str) -> str:
    """A phrase over `subtype` for one or several types with commas between them."""
    return "||".join(f"subtype EQ {text(kind).replace('^', APOSTROPHE)}" for kind in words(value))


def named(field: str, value: str | None) -> list[str]:
    """No phrase for None, else that the referenced item's name is like a pattern."""
    return [] if value is None else [f"{field} EQ {{name EQ {pattern(value)}}}"]


def module_phrase(params: Params) -> Generator[Request, list[Row], str | None]:
    """A phrase for a test of an application module; None: not asked for, empty: there is none.

    With `subtree` the modules of that name are asked for their paths first.
    """
    name = params["application_module_name"]
    if name is None:
        return None
    module = f"name EQ {pattern(name)}"
    if params["subtree"]:
        rows = yield Request("product_areas", module, ("path",))
        module = "||".join(f"path EQ {pattern(row['path'] + '*')}" for row in rows)
    return f"product_areas EQ {{{module}}}" if module else ""


#: How far the documentation of a page that was not seen can be trusted.
NOT_SEEN = Reading(
    "The page itself was not seen; its title and the field model of a server are known.",
    "The request is built from the fields that the title asks for.",
)
