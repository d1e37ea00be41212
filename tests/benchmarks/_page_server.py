"""A page server that is not the limit: automated runs from bytes that are rendered once and kept.

Run as a process of its own (`serving`), so that its work is no part of what is measured. It speaks
as much of the protocol as an extract and other loaders ask for: sign-in, version, metadata of one
entity type, pages by id and by offset, gzip. Ids are dense; the latency is slept before each page.
Pages of more than `KEPT` runs are put together when asked for and not compressed, and every
`DISTINCT` runs differ in their ids alone. Asked for what changed, it gives the newest `CHANGED`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

FIRST_ID: Final = 1001
KEPT: Final = 200_000
DISTINCT: Final = 20_000
CHANGED: Final = 10_000
SPACE, WORKSPACE = "1001", "1002"
COLLECTION, ENTITY = "automated_runs", "run_automated"
BASE = f"/api/shared_spaces/{SPACE}/workspaces/{WORKSPACE}"
#: 25 fields beside id and type: scalars, references, and four link fields.
TYPES: Final = {
    "name": "string",
    "description": "memo",
    "native_status_text": "string",
    "external_report_url": "string",
    "error_message": "memo",
    "assigned_machine": "string",
    "framework_name": "string",
    "version_stamp": "integer",
    "duration": "integer",
    "steps_num": "integer",
    "pass_ratio": "float",
    "is_draft": "boolean",
    "creation_time": "date_time",
    "last_modified": "date_time",
    "started": "date_time",
    "status": "reference",
    "native_status": "reference",
    "test": "reference",
    "author": "reference",
    "release": "reference",
    "build": "reference",
}
LINKS: Final = ("product_areas", "user_tags", "environments", "covered_content")

BEFORE_ID: Final = f'{{"type": "run", "subtype": "{ENTITY}", "id": "'


def row(number: int) -> dict[str, Any]:
    """One run; about 1.5 KB of JSON."""
    dice = random.Random(number)

    def reference(kind: str, id: str) -> dict[str, str]:
        return {"type": kind, "id": id, "name": f"{kind} {id}"}

    def links(kind: str, most: int) -> dict[str, Any]:
        ids = dice.sample(range(1001, 1200), dice.randint(0, most))
        return {"total_count": len(ids), "data": [{"type": kind, "id": str(id)} for id in ids]}

    when = f"2021-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:20:30Z"
    status = dice.choice(["passed", "failed", "skipped"])
    return {
        "type": "run",
        "subtype": ENTITY,
        "id": str(FIRST_ID + number),
        "name": f"test_case_{dice.randint(1, 5000)}",
        "description": f"<html><body><p>Run {number} of the nightly suite</p></body></html>",
        "native_status_text": status,
        "external_report_url": f"https://ci.example.com/job/nightly/{number // 200}/report",
        "error_message": None
        if status == "passed"
        else "AssertionError: expected 200, found 503\n" * 3,
        "assigned_machine": f"agent-{dice.randint(1, 40)}",
        "framework_name": "JUnit",
        "version_stamp": 1,
        "duration": dice.randint(1, 900_000),
        "steps_num": dice.randint(0, 40),
        "pass_ratio": dice.random(),
        "is_draft": False,
        "creation_time": when,
        "last_modified": when,
        "started": when,
        "status": reference("list_node", f"list_node.run_status.{status}"),
        "native_status": reference("list_node", f"list_node.run_native_status.{status}"),
        "test": reference("test_automated", str(dice.randint(1001, 6000))),
        "author": reference("workspace_user", str(dice.randint(1001, 1050))),
        "release": reference("release", str(dice.randint(1001, 1010))),
        "build": reference("pipeline_run", str(number // 200)),
        "product_areas": links("product_area", 3),
        "user_tags": links("user_tag", 2),
        "environments": links("taxonomy_node", 2),
        "covered_content": links("work_item", 1),
    }


def _after_id(number: int) -> str:
    before, after = json.dumps(row(number)).split(str(FIRST_ID + number), 1)
    assert before == BEFORE_ID
    return after


def metadata(part: str) -> dict[str, Any]:
    """The answers of metadata/entities and metadata/fields."""
    rest = {"name": "rest", "url": f"/{COLLECTION}", "methods": ["GET"], "access_level": "PUBLIC"}
    entities = [{"type": "entity_metadata", "name": ENTITY, "label": "Run", "features": [rest]}]
    multiple = dict.fromkeys(LINKS, ("reference", True))
    fields = [
        {
            "type": "field_metadata",
            "entity_name": ENTITY,
            "name": name,
            "label": name,
            "field_type": kind,
            "field_type_data": {"multiple": many, "targets": [{"type": ENTITY}]},
            "filterable": True,
            "sortable": True,
            "selectable": True,
        }
        for name, (kind, many) in ({n: (k, False) for n, k in TYPES.items()} | multiple).items()
    ]
    data = entities if part == "entities" else fields
    return {"total_count": len(data), "data": data}


class Pages:
    """Bodies of pages, compressed once."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.is_compressed = runs <= KEPT
        self._distinct = runs if self.is_compressed else DISTINCT
        self.page = lru_cache(maxsize=None)(self._page) if self.is_compressed else self._page
        self._after_id = lru_cache(maxsize=None)(_after_id)

    def answer(self, params: dict[str, str]) -> bytes:
        """The page that a request asks for."""
        low, high = FIRST_ID, FIRST_ID + self.runs - 1
        query = params.get("query", "")
        if "last_modified" in query:
            low = max(low, high - CHANGED + 1)
        for word, first, second in re.findall(r"id (BTW|GT|GE|LE) (\d+)(?:\.\.\.(\d+))?", query):
            number = int(first)
            if word == "BTW":
                low, high = max(low, number), min(high, int(second))
            elif word == "LE":
                high = min(high, number)
            else:
                low = max(low, number + (word == "GT"))
        limit, total = int(params.get("limit", "1000")), max(0, high - low + 1)
        start = low - FIRST_ID + int(params.get("offset", "0"))
        count = min(limit, max(0, high - FIRST_ID + 1 - start))
        if params.get("order_by") == "-id":
            start = high - FIRST_ID
        return self.page(start, count, total)

    def _page(self, start: int, count: int, total: int) -> bytes:
        rows = ",".join(
            f"{BEFORE_ID}{FIRST_ID + number}{self._after_id(number % self._distinct)}"
            for number in range(start, start + count)
        )
        body = f'{{"total_count":{total},"data":[{rows}],"exceeds_total_count":false}}'.encode()
        return gzip.compress(body, 6) if self.is_compressed else body


def handler(pages: Pages, latency_s: float) -> type[BaseHTTPRequestHandler]:
    """The request handler for these pages."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._send(b"{}", ("Set-Cookie", "LWSSO_COOKIE_KEY=benchmark"))

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = {key: values[0] for key, values in parse_qs(parts.query).items()}
            if parts.path == f"{BASE}/{COLLECTION}":
                body = pages.answer(params)
                time.sleep(latency_s)
                encoding = [("Content-Encoding", "gzip")] if pages.is_compressed else []
                self._send(body, *encoding)
            elif parts.path.startswith(f"{BASE}/metadata/"):
                self._send(json.dumps(metadata(parts.path.rpartition("/")[2])).encode())
            elif parts.path == "/admin/server/version":
                self._send(b'{"version":"25.1.4"}')
            else:
                self._send(b'{"total_count":0,"data":[],"exceeds_total_count":false}')

        def _send(self, body: bytes, *extra: tuple[str, str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in extra:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(runs: int, latency_ms: int) -> Iterator[str]:
    """A page server in a process of its own; gives its address."""
    command = [sys.executable, "-m", __name__, str(runs), str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Serve until terminated; prints the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int)
    parser.add_argument("latency_ms", type=int)
    given = parser.parse_args()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), handler(Pages(given.runs), given.latency_ms / 1000)
    )
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
