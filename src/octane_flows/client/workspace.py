"""One workspace of an Octane: metadata, pages, entities, writes, files and CI reports.

Names and queries in, checked JSON rows out; `client` makes it and sends what it asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from octane_flows.client.envelope import Page, PageBytes, page_params
from octane_flows.client.metadata import Metadata, entity_names, parse_metadata
from octane_flows.client.multipart import upload
from octane_flows.client.query import Query, encode, encode_names, encode_query, field
from octane_flows.client.response import sentence
from octane_flows.client.transport import Answer
from octane_flows.errors import AnswerError, PartialError, RequestError

if TYPE_CHECKING:
    from octane_flows.client.octane_client import Octane

__all__ = ["Workspace", "read_page"]

METADATA_BATCH: Final = 20  # entity types per request: one answer stays around a megabyte
WRITE_BATCH: Final = 200  # the vendor's CI client writes no more at once


class Workspace:
    """One workspace of an Octane."""

    def __init__(self, octane: Octane, id: str) -> None:
        self.id = id
        self._octane = octane
        self._base = f"/api/shared_spaces/{encode(octane.shared_space)}/workspaces/{encode(id)}"

    def __repr__(self) -> str:
        return f"Workspace({self.id!r})"

    def metadata(self) -> Metadata:
        """Entity types and fields as the server tells them now."""
        entities = self._metadata("entities", None)
        names = entity_names(entities)
        fields: list[Any] = []
        for start in range(0, len(names), METADATA_BATCH):
            batch = names[start : start + METADATA_BATCH]
            fields.extend(self._metadata("fields", field("entity_name").in_(batch)))
        return parse_metadata(entities, fields)

    def _metadata(self, part: str, query: Query | None) -> list[Any]:
        params = [("query", encode_query(query))] if query is not None else []
        what = f"reading metadata/{part} of workspace {self.id}"
        body, _ = self._octane.call("GET", f"{self._base}/metadata/{part}", params, what=what)
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list) or (part == "entities" and not rows):
            raise AnswerError(
                f"{sentence(what)} gave no list of {part}, so it cannot be known what "
                "to read; check OCTANE_URL and the server's version."
            )
        total = body.get("total_count", len(rows))
        if isinstance(total, int) and total > len(rows):
            raise AnswerError(f"{sentence(what)} gave {len(rows)} of {total} {part}; try again.")
        return rows

    def page(
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: Query | str | None = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> Page:
        """One page; `limit` None asks for the page size of the settings. Raises ServerError."""
        return self.page_bytes(
            collection, fields=fields, query=query, order_by=order_by, limit=limit, offset=offset
        ).parse()

    def page_bytes(
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: Query | str | None = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> PageBytes:
        """One page as bytes, for callers that parse many rows fast. Raises ServerError."""
        return read_page(
            self._octane,
            self._path(collection),
            fields=fields,
            query=query,
            order_by=order_by,
            limit=self._octane.page_size if limit is None else limit,
            offset=offset,
            what=f"reading {collection} of workspace {self.id}",
        )

    def count(self, collection: str, query: Query | str | None = None) -> int:
        """How many entities match. Raises AnswerError when the server only gives a floor."""
        page = self.page(collection, fields=["id"], query=query, limit=1)
        if page.exceeds_total_count:
            raise AnswerError(
                f"Counting {collection} of workspace {self.id} gave more than {page.total_count}, "
                "which is as far as the server counts; count narrower ranges of ids."
            )
        return page.total_count

    def entity(self, collection: str, id: str | int, *, fields: Sequence[str]) -> dict[str, Any]:
        """One entity by id. Raises NotFoundError."""
        params = [("fields", encode_names(fields))] if fields else []
        what = f"reading {collection}/{id} of workspace {self.id}"
        body, _ = self._octane.call("GET", self._path(collection, str(id)), params, what=what)
        if not isinstance(body, dict) or str(body.get("id")) != str(id):
            raise AnswerError(
                f"{sentence(what)} did not give that entity; try again, and report it if it stays."
            )
        return body

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The JSON of any path below the workspace; values are encoded here."""
        pairs = [(key, encode(value)) for key, value in (params or {}).items()]
        target = f"{self._base}/{'/'.join(encode(one) for one in path.strip('/').split('/'))}"
        what = f"reading {path} of workspace {self.id}"
        return self._octane.call("GET", target, pairs, what=what)[0]

    def create(
        self,
        collection: str,
        rows: Sequence[Mapping[str, Any]],
        fields: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Create entities; gives id, type and `fields` of each. Raises PartialError."""
        return self._write("POST", collection, rows, fields, "creating")

    def update(
        self,
        collection: str,
        rows: Sequence[Mapping[str, Any]],
        fields: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Update entities by the `id` in each row. Raises PartialError."""
        return self._write("PUT", collection, rows, fields, "updating")

    def _write(
        self,
        method: str,
        collection: str,
        rows: Sequence[Mapping[str, Any]],
        fields: Sequence[str],
        verb: str,
    ) -> list[dict[str, Any]]:
        params = [("fields", encode_names(fields))] if fields else []
        what = f"{verb} {collection} in workspace {self.id}"
        written: list[dict[str, Any]] = []
        for start in range(0, len(rows), WRITE_BATCH):
            batch = [dict(row) for row in rows[start : start + WRITE_BATCH]]
            try:
                body, _ = self._octane.call(
                    method, self._path(collection), params, what=what, body=_json({"data": batch})
                )
            except RequestError as error:
                raise _after(written, error, start) from None
            data = body.get("data") if isinstance(body, dict) else None
            if not isinstance(data, list) or len(data) != len(batch):
                raise AnswerError(
                    f"{sentence(what)} did not confirm all {len(batch)} rows; compare "
                    "with the server before writing again."
                )
            written.extend(data)
        return written

    def update_one(
        self, collection: str, id: str | int, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Update one entity."""
        what = f"updating {collection}/{id} in workspace {self.id}"
        target = self._path(collection, str(id))
        body, _ = self._octane.call("PUT", target, what=what, body=_json(dict(values)))
        if not isinstance(body, dict):
            raise AnswerError(f"{sentence(what)} was not confirmed; read it again.")
        return body

    def delete(self, collection: str, id: str | int) -> None:
        """Delete one entity."""
        what = f"deleting {collection}/{id} in workspace {self.id}"
        self._octane.call("DELETE", self._path(collection, str(id)), what=what)

    def post_test_results(self, xml: bytes, skip_errors: bool = False) -> str:
        """Hand in test results as a CI server does; gives the id of the server's task."""
        what = f"posting test results to workspace {self.id}"
        body, _ = self._octane.call(
            "POST",
            f"{self._base}/test-results",
            [("skip-errors", "true" if skip_errors else "false")],
            what=what,
            body=xml,
            content_type="application/xml",
        )
        if not isinstance(body, dict) or body.get("id") in (None, ""):
            raise AnswerError(f"{sentence(what)} gave no task id; try again.")
        return str(body["id"])

    def test_results_status(self, task_id: str) -> str:
        """The state of such a task: queued, running, success, warning or failed."""
        body = self.get(f"test-results/{task_id}")
        status = body.get("status") if isinstance(body, dict) else None
        if not isinstance(status, str):
            raise AnswerError(f"The task {task_id} of test results has no status; try again.")
        return status

    def report_build(self, facts: Mapping[str, Any]) -> None:
        """Report a CI build as a CI server does; the same ids again change the same build."""
        what = f"reporting a build to workspace {self.id}"
        target = f"{self._base}/analytics/ci/builds"
        self._confirm(self._octane.send("PUT", target, what=what, body=_json(dict(facts))), what)

    def attach(self, entity: Mapping[str, Any], content: bytes) -> str:
        """Upload a file; `entity` has its `name` and one `owner_...`; gives the id."""
        what = f"attaching {entity['name']} in workspace {self.id}"
        body, content_type = upload(entity, str(entity["name"]), content)
        answer, _ = self._octane.call(
            "POST", self._path("attachments"), what=what, body=body, content_type=content_type
        )
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) != 1:
            raise AnswerError(
                f"{sentence(what)} was not confirmed; look at the attachments of its "
                "owner before attaching it again."
            )
        return str(rows[0]["id"])

    def download(self, attachment_id: str) -> bytes:
        """The bytes of an attachment. Raises NotFoundError."""
        what = f"downloading attachment {attachment_id} of workspace {self.id}"
        answer = self._octane.send(
            "GET",
            self._path("attachments", attachment_id),
            what=what,
            accept="application/octet-stream",
        )
        kind = (answer.header("content-type") or "").lower()
        if answer.status != 200 or "html" in kind:  # files come as bytes, sign-in pages as HTML
            self._octane.check(answer, what)
        return answer.body

    def script(self, test_id: str) -> dict[str, Any]:
        """The script of a manual or Gherkin test: `script`, and who wrote it when."""
        found = self.get(f"tests/{test_id}/script")
        if not isinstance(found, dict) or not isinstance(found.get("script"), str | None):
            raise AnswerError(f"The script of test {test_id} came without its text; try again.")
        return found

    def write_script(self, test_id: str, script: str, *, comment: str) -> None:
        """A new minor revision of a script; a lock of somebody else is a RequestError."""
        what = f"writing the script of test {test_id} in workspace {self.id}"
        body = _json({"script": script, "comment": comment, "revision_type": "Minor"})
        target = f"{self._path('tests', test_id)}/script"
        self._confirm(self._octane.send("PUT", target, what=what, body=body), what)

    def ask_private(
        self,
        method: str,
        collection: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """JSON of a resource that only the vendor's own tools use; values are encoded here."""
        return self._octane.call(
            method,
            self._path(collection),
            [(key, encode(value)) for key, value in (params or {}).items()],
            what=f"asking for {collection} of workspace {self.id}",
            body=None if body is None else _json(dict(body)),
            is_private=True,
        )[0]

    def _confirm(self, answer: Answer, what: str) -> None:
        """Raise unless it went well; some writes are answered without a body."""
        if not 200 <= answer.status < 300 or answer.body.strip():
            self._octane.check(answer, what)

    def _path(self, collection: str, id: str | None = None) -> str:
        path = f"{self._base}/{encode(collection)}"
        return path if id is None else f"{path}/{encode(id)}"


def read_page(
    octane: Octane,
    path: str,
    *,
    fields: Sequence[str],
    query: Query | str | None,
    order_by: str | None,
    limit: int,
    offset: int,
    what: str,
) -> PageBytes:
    """Ask for one page; the status is checked, the body is not."""
    params = list(page_params(fields, query, order_by, limit, offset))
    answer = octane.send("GET", path, params, what=what)
    octane.check(answer, what)
    return PageBytes(answer.body, limit, answer.wire_bytes, what)


def _after(written: list[dict[str, Any]], error: RequestError, start: int) -> RequestError:
    """The refusal of a batch, with what the batches before it wrote."""
    if start == 0:
        return error
    rows, errors = (error.rows, error.errors) if isinstance(error, PartialError) else ([], [])
    return PartialError(
        f"{error} Before it, {start} rows were written.",
        error_code=error.error_code,
        rows=written + rows,
        errors=[
            {**one, "index": one["index"] + start} if isinstance(one.get("index"), int) else one
            for one in errors
        ],
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
