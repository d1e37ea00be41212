"""Reading by offset, where there is no key: until a second reading has confirmed the ids.

A row that is deleted or added between two pages moves all later rows by one, and one of them is
lost or comes twice. A function that requests a page comes in, pages that are proven stable go out.
The list of workspaces, collections with named ids and parity checks are read so.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

__all__ = ["read_stable_pages"]

MAX_GROWTH: Final = 10  # times the rows that the first page counted; more means without an end
MAX_READINGS: Final = 5  # a collection that changes during each of so many readings is not read


class CountedPage(Protocol):
    """A page with the server's count of all matching rows."""

    @property
    def total_count(self) -> int: ...


T = TypeVar("T", bound=CountedPage)
IdPage = TypeVar("IdPage", bound=CountedPage)


def read_stable_pages(
    first: T,
    page_at: Callable[[int], T],
    ids_of: Callable[[T], Sequence[str]],
    id_page_at: Callable[[int], IdPage],
    ids_of_id_page: Callable[[IdPage], Sequence[str]],
    unstable: Callable[[str], Exception],
) -> list[T]:
    """All pages of a collection; the ids were the same in a second reading after the last page.

    `first` is its first page, `page_at` requests the page at an offset, and `id_page_at` one with
    ids alone. Raises `unstable` when no reading is confirmed by the one after it.
    """
    pages: list[T] = []
    ids = _read(first, page_at, ids_of, pages.append)
    if ids is not None and len(pages) == 1:
        return pages  # one answer does not change while it is read
    for reading in range(MAX_READINGS):
        if reading:
            pages.clear()
            ids = _read(page_at(0), page_at, ids_of, pages.append)
        if ids is None:
            continue
        again = _read(id_page_at(0), id_page_at, ids_of_id_page, _forget)
        if again is not None and ids == again:
            return pages
    raise unstable(f"changed during each of {MAX_READINGS} readings")


def _read(
    page: T,
    page_at: Callable[[int], T],
    ids_of: Callable[[T], Sequence[str]],
    keep: Callable[[T], None],
) -> bytes | None:
    """The ids of one reading in a form to compare; None when rows repeat or do not add up.

    Of each id it keeps 64 bits of a hash: a million ids are 8 MB, and a row is overlooked once in
    10,000,000,000,000 readings. `page` is the first one; `keep` gets all.
    """
    hashes = array("q")
    most = MAX_GROWTH * max(page.total_count, len(ids_of(page)))
    previous: set[str] = set()
    while True:
        ids = ids_of(page)
        distinct = set(ids)
        if len(distinct) != len(ids) or distinct & previous:
            return None
        keep(page)
        hashes.extend(map(hash, ids))
        if len(hashes) >= page.total_count:
            return _in_order(hashes) if len(hashes) == page.total_count else None
        if len(hashes) > most:
            return None
        previous = distinct
        page = page_at(len(hashes))
        if not ids_of(page):
            return None


def _in_order(hashes: array[int]) -> bytes | None:
    """The hashes in their order; None when one is there twice."""
    import numpy as np

    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64)) if hashes else np.array([], np.int64)
    return None if (ordered[1:] == ordered[:-1]).any() else ordered.tobytes()


def _forget(_: object) -> None:
    """Pages that only confirm the ids of others are not kept."""
