"""Reading by offset, where there is no key: until a second reading has confirmed the ids.

A row that is deleted or added between two pages moves all later rows by one, and one of them is
lost or comes twice. A function that requests a page comes in, pages that are proven stable go out.
The list of workspaces, collections with named ids and parity checks are read so.
"""

from __future__ import annotations

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
    pages = _pages(first, page_at, ids_of)
    if pages is not None and len(pages) == 1:
        return pages  # one answer does not change while it is read
    for reading in range(MAX_READINGS):
        if reading:
            pages = _pages(page_at(0), page_at, ids_of)
        if pages is None:
            continue
        id_pages = _pages(id_page_at(0), id_page_at, ids_of_id_page)
        if id_pages is None:
            continue
        ids = {id for page in pages for id in ids_of(page)}
        if ids == {id for page in id_pages for id in ids_of_id_page(page)}:
            return pages
    raise unstable(f"changed during each of {MAX_READINGS} readings")


def _pages(
    first: T, page_at: Callable[[int], T], ids_of: Callable[[T], Sequence[str]]
) -> list[T] | None:
    """The pages of one reading; None when rows repeat or do not add up."""
    pages, seen = [first], set(ids_of(first))
    if len(seen) != len(ids_of(first)):
        return None
    most = MAX_GROWTH * max(first.total_count, len(seen))
    while len(seen) < pages[-1].total_count:
        if len(seen) > most:
            return None
        page = page_at(len(seen))
        ids = set(ids_of(page))
        if not ids or len(ids) != len(ids_of(page)) or seen & ids:
            return None
        seen |= ids
        pages.append(page)
    return pages if len(seen) == pages[-1].total_count else None
