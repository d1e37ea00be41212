"""One workspace: metadata, pages, entities, writes, attachments and CI reports.

Names and queries in, checked JSON rows out; `octane_client` makes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from octane_flows.client.connection import Connection
from octane_flows.client.envelope import Page, PageBytes
from octane_flows.client.metadata import Metadata, entity_names, parse_metadata
from octane_flows.client.multipart import multipart_form
from octane_flows.client.query import Query, encode, encode_names, encode_query, field
from octane_flows.client.response import capitalized
from octane_flows.client.transport import Response
from octane_flows.errors import AnswerError, PartialError, RequestError

__all__ = ["Workspace"]

METADATA_BATCH: Final = 20  # entity types per request: one answer stays around a megabyte
WRITE_BATCH: Final = 200  # the vendor's CI client writes no more at once


class Workspace:
    """One workspace of a shared space."""

    def __init__(self, connection: Connection, id: str) -> None:
        self.id = id
        self._connection = connection
        space = f"/api/shared_spaces/{encode(connection.shared_space)}"
        self._base = f"{space}/workspaces/{encode(id)}"

    def __repr__(self) -> str:
        return f"Workspace({self.id!r})"

    def metadata(self) -> Metadata:
        """The entity types and fields that the server has now."""
        entities = self._metadata("entities", None)
        names = entity_names(entities)
        fields: list[Any] = []
        for start in range(0, len(names), METADATA_BATCH):
            batch = names[start : start + METADATA_BATCH]
            fields.extend(self._metadata("fields", field("entity_name").in_(batch)))
        return parse_metadata(entities, fields)

    def _metadata(self, part: str, query: Query | None) -> list[Any]:
        action = f"reading metadata/{part} of workspace {self.id}"
        path = f"{self._base}/metadata/{part}"

        def send(text: str | None, _: int) -> Any:
            parameters = [("query", encode_query(text))] if text is not None else []
            return self._connection.call("GET", path, parameters, action=action)

        body = self._connection.dialect.send(query, 1, send, path)
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list) or (part == "entities" and not rows):
            raise AnswerError(
                f"{capitalized(action)} gave no list of {part}, so the extract cannot "
                "tell what to read; check OCTANE_URL and the server's version."
            )
        total = body.get("total_count", len(rows))
        if isinstance(total, int) and total > len(rows):
            raise AnswerError(
                f"{capitalized(action)} gave {len(rows)} of {total} {part}; try again."
            )
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
        """One page; `limit` None: the page size of the settings. Raises ServerError."""
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
        return self._connection.read_page(
            self._path(collection),
            fields=fields,
            query=query,
            order_by=order_by,
            limit=self._connection.page_size if limit is None else limit,
            offset=offset,
            action=f"reading {collection} of workspace {self.id}",
        )

    def probe(
        self, collection: str, query: str | None, *, fields: Sequence[str] = ("id",), limit: int
    ) -> Page:
        """One page for a query as it is written: nothing is learned from a refusal."""
        return self._connection.read_page(
            self._path(collection),
            fields=fields,
            query=query,
            order_by="id",
            limit=limit,
            offset=0,
            action=f"trying {query or 'a page'} on {collection} of workspace {self.id}",
            is_optional=True,
        ).parse()

    def history_page(
        self, collection: str, *, query: Query, order_by: str, limit: int, offset: int = 0
    ) -> PageBytes:
        """One page of the change history, whose records come whole and have no id."""
        return self.page_bytes(
            collection, fields=(), query=query, order_by=order_by, limit=limit, offset=offset
        )

    def count(self, collection: str, query: Query | str | None = None) -> int:
        """How many entities match. Raises AnswerError when the server stops counting."""
        page = self.page(collection, fields=["id"], query=query, limit=1)
        if page.exceeds_total_count:
            raise AnswerError(
                f"Counting {collection} of workspace {self.id} gave more than {page.total_count}, "
                "which is as far as the server counts; count narrower ranges of ids."
            )
        return page.total_count

    def entity(self, collection: str, id: str | int, *, fields: Sequence[str]) -> dict[str, Any]:
        """One entity by id. Raises NotFoundError."""
        parameters = [("fields", encode_names(fields))] if fields else []
        action = f"reading {collection}/{id} of workspace {self.id}"
        body = self._connection.call(
            "GET", self._path(collection, str(id)), parameters, action=action
        )
        if not isinstance(body, dict) or str(body.get("id")) != str(id):
            raise AnswerError(f"{capitalized(action)} did not give that entity; try again.")
        return body

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The JSON of any path below the workspace; values are encoded here."""
        pairs = [(key, encode(value)) for key, value in (parameters or {}).items()]
        target = f"{self._base}/{'/'.join(encode(part) for part in path.strip('/').split('/'))}"
        action = f"reading {path} of workspace {self.id}"
        return self._connection.call("GET", target, pairs, action=action)

    def create(
        self,
        collection: str,
        rows: Sequence[Mapping[str, Any]],
        fields: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        """Create entities and give the id, type and `fields` of each. Raises PartialError."""
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
        parameters = [("fields", encode_names(fields))] if fields else []
        action = f"{verb} {collection} in workspace {self.id}"
        written: list[dict[str, Any]] = []
        for start in range(0, len(rows), WRITE_BATCH):
            batch = [dict(row) for row in rows[start : start + WRITE_BATCH]]
            try:
                body = self._connection.call(
                    method,
                    self._path(collection),
                    parameters,
                    action=action,
                    body=_json({"data": batch}),
                )
            except RequestError as error:
                raise _refusal_after(written, error, start) from None
            data = body.get("data") if isinstance(body, dict) else None
            if not isinstance(data, list) or len(data) != len(batch):
                raise AnswerError(
                    f"{capitalized(action)} did not confirm all {len(batch)} rows; compare "
                    "with the server before writing again."
                )
            written.extend(data)
        return written

    def update_one(
        self, collection: str, id: str | int, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Update one entity."""
        action = f"updating {collection}/{id} in workspace {self.id}"
        target = self._path(collection, str(id))
        body = self._connection.call("PUT", target, action=action, body=_json(dict(values)))
        if not isinstance(body, dict):
            raise AnswerError(f"{capitalized(action)} was not confirmed; read it again.")
        return body

    def delete(self, collection: str, id: str | int) -> None:
        """Delete one entity."""
        action = f"deleting {collection}/{id} in workspace {self.id}"
        self._connection.call("DELETE", self._path(collection, str(id)), action=action)

    def post_test_results(self, xml: bytes, skip_errors: bool = False) -> str:
        """Post test results as a CI server does, and give the id of the server's task.

        Raises QueueFullError, after which nothing was taken and the same may be sent again.
        """
        action = f"posting test results to workspace {self.id}"
        body = self._connection.call(
            "POST",
            f"{self._base}/test-results",
            [("skip-errors", "true" if skip_errors else "false")],
            action=action,
            body=xml,
            content_type="application/xml",
        )
        if not isinstance(body, dict) or body.get("id") in (None, ""):
            raise AnswerError(f"{capitalized(action)} gave no task id; try again.")
        return str(body["id"])

    def test_results_status(self, task_id: str) -> str:
        """The state of a task of test results: queued, running, success, warning or failed."""
        body = self.get(f"test-results/{task_id}")
        status = body.get("status") if isinstance(body, dict) else None
        if not isinstance(status, str):
            raise AnswerError(f"The task {task_id} of test results has no status; try again.")
        return status

    def report_build(self, build: Mapping[str, Any]) -> None:
        """Report a CI build as a CI server does; a second report changes the same build."""
        action = f"reporting a build to workspace {self.id}"
        target = f"{self._base}/analytics/ci/builds"
        self._confirm(
            self._connection.send("PUT", target, action=action, body=_json(dict(build))), action
        )

    def attach(self, entity: Mapping[str, Any], content: bytes) -> str:
        """Upload a file and give its id; `entity` has its `name` and one `owner_...` field."""
        action = f"attaching {entity['name']} in workspace {self.id}"
        form, content_type = multipart_form(entity, str(entity["name"]), content)
        body = self._connection.call(
            "POST", self._path("attachments"), action=action, body=form, content_type=content_type
        )
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list) or len(rows) != 1:
            raise AnswerError(
                f"{capitalized(action)} was not confirmed; look at the attachments of its "
                "owner before you attach it again."
            )
        return str(rows[0]["id"])

    def download(self, attachment_id: str) -> bytes:
        """The bytes of an attachment. Raises NotFoundError."""
        action = f"downloading attachment {attachment_id} of workspace {self.id}"
        response = self._connection.send(
            "GET",
            self._path("attachments", attachment_id),
            action=action,
            accept="application/octet-stream",
        )
        kind = (response.header("content-type") or "").lower()
        if response.status != 200 or "html" in kind:  # a sign-in page comes as HTML
            self._connection.check(response, action)
        return response.body

    def script(self, test_id: str) -> dict[str, Any]:
        """The script of a manual or Gherkin test: its text, author and time."""
        script = self.get(f"tests/{test_id}/script")
        if not isinstance(script, dict) or not isinstance(script.get("script"), str | None):
            raise AnswerError(f"The script of test {test_id} came without its text; try again.")
        return script

    def write_script(self, test_id: str, script: str, *, comment: str) -> None:
        """Write a minor revision of a script. Raises RequestError when somebody else locked it."""
        action = f"writing the script of test {test_id} in workspace {self.id}"
        body = _json({"script": script, "comment": comment, "revision_type": "Minor"})
        target = f"{self._path('tests', test_id)}/script"
        self._confirm(self._connection.send("PUT", target, action=action, body=body), action)

    def ask_private(
        self,
        method: str,
        collection: str,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The JSON of a resource that only the vendor's own tools use; values are encoded here."""
        return self._connection.call(
            method,
            self._path(collection),
            [(key, encode(value)) for key, value in (parameters or {}).items()],
            action=f"asking for {collection} of workspace {self.id}",
            body=None if body is None else _json(dict(body)),
            is_private=True,
        )

    def _confirm(self, response: Response, action: str) -> None:
        """Raise unless the write succeeded; the response to some writes has no body."""
        if not 200 <= response.status < 300 or response.body.strip():
            self._connection.check(response, action)

    def _path(self, collection: str, id: str | None = None) -> str:
        path = f"{self._base}/{encode(collection)}"
        return path if id is None else f"{path}/{encode(id)}"


def _refusal_after(written: list[dict[str, Any]], error: RequestError, start: int) -> RequestError:
    """The refusal of a batch, with the rows that the batches before it wrote."""
    if start == 0:
        return error
    rows, errors = (error.rows, error.errors) if isinstance(error, PartialError) else ([], [])
    return PartialError(
        f"{error} Before it, {start} rows were written.",
        error_code=error.error_code,
        rows=written + rows,
        errors=[
            {**row_error, "index": row_error["index"] + start}
            if isinstance(row_error.get("index"), int)
            else row_error
            for row_error in errors
        ],
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
