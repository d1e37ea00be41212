"""The rows of one entity type as decoded pages, with their lists of references complete.

An entity plan and its table plans come in, pages that are ready to be written go out. `entity_task`
makes one for each entity type and workspace; `page_reader` reads the pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from octane_flows.client import PageBytes, Query, Workspace
from octane_flows.errors import ExtractError
from octane_flows.extract.absent_fields import require_fields
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.extract_plan import EntityPlan, TablePlan
from octane_flows.extract.field_values import ValueNotes
from octane_flows.extract.page_reader import Reader, read_pages
from octane_flows.extract.page_size import PageSize
from octane_flows.extract.page_to_arrow import DecodedPage, decode_page
from octane_flows.extract.row_to_arrow import Stamp, link_table, short_lists

#: The first pages of all entity types are requested before the first type is written.
WAITING_PAGE_BYTES = 4 << 20


class EntityPages:
    """The pages of one entity type in one workspace, decoded, their link lists whole."""

    def __init__(
        self,
        workspace: Workspace,
        plan: EntityPlan,
        tables: Mapping[str, TablePlan],
        stamp: Stamp,
        pool: ThreadPoolExecutor,
        *,
        size: PageSize,
        windows_in_flight: int,
        of_numbers: bool = False,
    ) -> None:
        self._workspace = workspace
        self._of_numbers = of_numbers
        self._plan = plan
        self._tables = tables
        self._stamp = stamp
        self._pool = pool
        self._size = size
        self._windows_in_flight = windows_in_flight

    def request(self, query: Query | None) -> Future[DecodedPage | None]:
        """Request the first page of the rows that match; `read` takes it as `first_page`.

        It waits for its turn, as those of all entity types do, so a large one is read again then.
        """
        reader = Reader(self._workspace, self._plan, self._decode, self._size, query)

        def first_page() -> DecodedPage | None:
            page = reader.page(None)
            size = sum(table.nbytes for table in page.tables.values())
            return page if size <= WAITING_PAGE_BYTES else None

        return self._pool.submit(first_page)

    def read(
        self,
        query: Query | None,
        count: ReadCount,
        *,
        first_page: Future[DecodedPage | None] | None = None,
    ) -> Iterator[DecodedPage]:
        """Yield the pages of the rows that match; `count` is filled on the way."""
        for page in read_pages(
            self._workspace,
            self._plan,
            self._pool,
            decode=self._decode,
            size=self._size,
            windows_in_flight=self._windows_in_flight,
            count=count,
            query=query,
            first_page=first_page,
        ):
            page = self._complete_lists(page)
            yield page
            del page

    def _decode(self, page: PageBytes) -> DecodedPage:
        require_fields(page, self._plan.name, self._plan.fields)
        return decode_page(page, self._plan, self._tables, self._stamp, of_numbers=self._of_numbers)

    def _complete_lists(self, page: DecodedPage) -> DecodedPage:
        """Read an entity alone where one of its nested lists is shorter than its count."""
        plan = self._plan
        for id, link in page.short_lists:
            row = self._workspace.entity(plan.collection, id, fields=[link.name])
            if any(short is link for _, short in short_lists(plan, [row])):
                raise ExtractError(
                    f"Workspace {plan.workspace}: {plan.name} {id} lists fewer {link.name} than it "
                    "counts, twice. Nothing was published; run it again."
                )
            name = plan.link_table(link)
            notes = ValueNotes()
            links = link_table(self._tables[name], link, [row], self._stamp, notes)
            page = page.with_links(name, id, links, notes)
        return page
