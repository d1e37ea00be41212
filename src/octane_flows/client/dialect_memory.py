"""Which forms of queries the server takes: learned when it refuses one, then kept.

A query and a function that sends it come in, its answer goes out; `connection` sends every query of
pages through it, from several threads. The extract brings what earlier extracts learned, and keeps
what this one did.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from octane_flows.client.query import Phrase, Query
from octane_flows.client.query_dialect import DOCUMENTED, FORMS, Dialect, form_named
from octane_flows.errors import AccessError, AddressError, NotFoundError, RequestError

__all__ = ["COUNT_LIMIT_ERROR", "DialectMemory", "ServerAnswer"]

COUNT_LIMIT_ERROR: Final = "platform.exceeds_max_total_count"  # more match than the server counts
COUNT: Final = "count"
PAGE: Final = "rows of a page"
IN_RANGES: Final = "counts of ranges of ids"
SMALLER_PAGES: Final = (1000, 500, 250, 200, 100, 50, 25, 10)  # usual maximums of page sizes
MAX_LESSONS: Final = 4  # of one request; a query has few features, and a server answers alike

T = TypeVar("T")
#: Sends the text of a query (None: no query) for so many rows. Raises RequestError.
Send = Callable[[str | None, int], T]


@dataclass(frozen=True)
class ServerAnswer:
    """What the server said to one feature, and the form that is used for it.

    `is_taken`: it took the feature as it was first asked for.
    """

    feature: str
    is_taken: bool
    form: str


class DialectMemory:
    """The dialect of one server; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows; learning holds it while it asks
        self._learning = threading.Lock()
        self._dialect = DOCUMENTED
        self._taken: set[str] = set()
        self._refused: set[str] = set()
        self._stops_counting = False
        self._hopeless: set[tuple[str, str]] = set()  # no other form is taken there
        self._broken: set[str] = set()  # refuse everything

    @property
    def dialect(self) -> Dialect:
        """The forms that are used now."""
        return self._dialect

    def recall(self, answers: Mapping[str, str]) -> None:
        """Begin with what was learned before: feature -> form; unknown ones are left out."""
        forms = {feature: form_named(feature, name) for feature, name in answers.items()}
        limit = answers.get(PAGE, "")
        with self._lock:
            self._dialect = Dialect(
                {feature: form for feature, form in forms.items() if form is not None},
                int(limit) if limit.isascii() and limit.isdecimal() and int(limit) else None,
            )

    def answers(self) -> list[ServerAnswer]:
        """What the server said to each feature that it was asked for, in a fixed order."""
        with self._lock:
            used = self._taken | set(self._dialect.forms)
            answers = [
                ServerAnswer(
                    feature, self._dialect.is_documented(feature), self._dialect.form(feature).name
                )
                for feature in FORMS
                if feature in used
            ]
            answers += [
                ServerAnswer(feature, is_taken=False, form="")
                for feature in FORMS
                if feature in self._refused - used
            ]
            if self._stops_counting:
                answers.append(ServerAnswer(COUNT, is_taken=False, form=IN_RANGES))
            if self._dialect.page_limit is not None:
                answers.append(ServerAnswer(PAGE, False, str(self._dialect.page_limit)))
            return answers

    def send(
        self,
        query: Query | str | None,
        limit: int,
        send: Send[T],
        place: str,
        *,
        has_own_limit: bool = False,
    ) -> T:
        """Send a query in the server's dialect; `place` is the collection that it asks.

        With `has_own_limit` the collection takes another number of rows a page than others do.

        After a refusal each comparison is asked alone, for one row, and in its other forms where
        the server refuses it. Raises the refusal when no other form is taken.
        """
        lessons = 0
        while True:
            dialect = self._dialect
            most = limit if has_own_limit else min(limit, dialect.page_limit or limit)
            try:
                answer = send(_text(query, dialect), most)
            except AddressError:
                raise
            except RequestError as error:
                if error.error_code == COUNT_LIMIT_ERROR:
                    self._stops_counting = True
                    raise
                lessons += 1
                if lessons > MAX_LESSONS or not self._learn(
                    dialect, query, None if has_own_limit else most, send, place
                ):
                    raise
            else:
                if isinstance(query, Query):
                    self._note_taken(query)
                return answer

    def _note_taken(self, query: Query) -> None:
        features = {feature for phrase in query.phrases() for feature in phrase.features()}
        if not features <= self._taken:
            with self._lock:
                self._taken |= features

    def _learn(
        self,
        used: Dialect,
        query: Query | str | None,
        limit: int | None,
        send: Send[T],
        place: str,
    ) -> bool:
        """Whether the dialect is another one now, so that the request may succeed."""
        with self._learning:
            if self._dialect != used:
                return True  # another thread has learned meanwhile
            if place in self._broken:
                return False
            if not _takes(None, 1, send):  # neither the query nor the number of rows is refused
                self._broken.add(place)
                return False
            phrases = query.phrases() if isinstance(query, Query) else ()
            kinds = {tuple(phrase.features()): phrase for phrase in phrases}
            learned = [self._learn_phrase(phrase, send, place) for phrase in kinds.values()]
            if any(learned):
                return True
            return limit is not None and self._learn_page_limit(limit, send, place)

    def _learn_phrase(self, phrase: Phrase, send: Send[T], place: str) -> bool:
        features = tuple(dict.fromkeys(phrase.features()))
        key = (place, " ".join((phrase.name, *features)))
        if key in self._hopeless or _is_answered(phrase, self._dialect, send):
            return False
        for dialect in self._dialect.others(features):
            if _is_answered(phrase, dialect, send):
                self._set(dialect)
                return True
        self._hopeless.add(key)
        if len(features) == 1 and len(FORMS[features[0]]) == 1:
            self._refused.add(features[0])
        return False

    def _learn_page_limit(self, limit: int, send: Send[T], place: str) -> bool:
        """Whether the server takes fewer rows a page than `limit`."""
        key = (place, PAGE)
        if limit == 1 or key in self._hopeless:
            return False
        for smaller in SMALLER_PAGES:
            if smaller < limit and _takes(None, smaller, send):
                self._set(replace(self._dialect, page_limit=smaller))
                return True
        self._hopeless.add(key)
        return False

    def _set(self, dialect: Dialect) -> None:
        with self._lock:
            self._dialect = dialect


def _text(query: Query | str | None, dialect: Dialect) -> str | None:
    return query.write(dialect)[0] if isinstance(query, Query) else query


def _is_answered(phrase: Phrase, dialect: Dialect, send: Send[T]) -> bool:
    return _takes(phrase.write(dialect)[0], 1, send)


def _takes(text: str | None, limit: int, send: Send[T]) -> bool:
    """Whether the server takes a request; one that the role may not send says nothing."""
    try:
        send(text, limit)
    except (AccessError, NotFoundError):
        return True
    except RequestError as error:
        return error.error_code == COUNT_LIMIT_ERROR
    return True
