"""How fast the simulator answers keyset pages of 1,000 out of 1,000,000 generated runs.

In process that is the reader's time alone; over HTTP it is all that a client waits for, with and
without gzip, beside the smallest request. The aim is 20 ms at the median for 25 fields.
"""

from __future__ import annotations

import http.client
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from octane_simulator import Running, Simulator, serve
from octane_simulator.query.reader import Caller
from tests.benchmarks._timing import median_ms

RUNS = 1_000_000
LIMIT = 1_000
FIELDS = (
    "id", "name", "test", "test_name", "status", "native_status", "started", "duration",
    "creation_time", "last_modified", "release", "build", "pipeline", "taxonomies",
    "product_areas", "user_tags", "defect", "error_type", "error_message", "component", "package",
    "class_name", "failed_build_age", "author", "version_stamp",
)  # fmt: skip


def measure() -> Iterator[str]:
    """Load, then pages of automated runs and of tests with their last runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.db"
        start = time.perf_counter()
        simulator = Simulator(dataset="generated", runs=RUNS, path=path)
        seconds = time.perf_counter() - start
        yield f"{RUNS:,} runs loaded in {seconds:.0f} s, {path.stat().st_size / 1e6:.0f} MB"
        yield from _pages(simulator)
        simulator.close()


def _pages(simulator: Simulator) -> Iterator[str]:
    every = [n for n, f in simulator.schema.entities["run"].fields.items() if not f.filter_only]
    cases: list[tuple[str, tuple[str, ...]]] = [
        ("automated_runs", FIELDS),
        ("runs", FIELDS),
        ("runs", tuple(every)),
        ("tests", ("id", "name", "last_runs", "product_areas", "user_tags")),
    ]
    with serve(simulator) as running:
        for collection, fields in cases:
            inside = median_ms(_inside(simulator, collection, fields))
            work = median_ms(_inside(simulator, collection, fields), clock=time.process_time)
            plain = median_ms(_outside(running, collection, fields, "identity"))
            packed = median_ms(_outside(running, collection, fields, "gzip"))
            yield (
                f"{collection}, {len(fields)} fields: {inside:.1f} ms in process "
                f"({work:.1f} ms of processor time), "
                f"{plain:.1f} ms over HTTP, {packed:.1f} ms with gzip"
            )
        smallest = median_ms(_outside(running, "releases", ("id",), "identity"))
        yield f"smallest request: {smallest:.1f} ms over HTTP"


def _positions(simulator: Simulator, collection: str) -> Iterator[int]:
    """Ids to go on from, a page apart, from the middle of a collection on."""
    family = simulator.schema.family(simulator.schema.by_collection[collection].name)
    low, high = simulator.store.read(f'SELECT min(id), max(id) FROM "{family}"')[0]
    return itertools.count(low + (high - low) // 3, LIMIT if high - low > 30 * LIMIT else 1)


def _parameters(fields: tuple[str, ...], after: int) -> dict[str, str]:
    return {
        "query": f'"id GT {after}"',
        "fields": ",".join(fields),
        "order_by": "id",
        "limit": str(LIMIT),
    }


def _inside(simulator: Simulator, collection: str, fields: tuple[str, ...]) -> Callable[[], object]:
    entity, after = simulator.schema.by_collection[collection], _positions(simulator, collection)
    return lambda: simulator.reader.page(entity, _parameters(fields, next(after)), Caller()).text()


def _outside(
    running: Running, collection: str, fields: tuple[str, ...], encoding: str
) -> Callable[[], object]:
    address = urlsplit(running.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    headers = {
        "Content-Type": "application/json",
        "Accept-Encoding": encoding,
        "ALM-OCTANE-TECH-PREVIEW": "true",
    }
    secret = {"client_id": running.client_id, "client_secret": running.client_secret}
    connection.request("POST", "/authentication/sign_in", json.dumps(secret), headers)
    answer = connection.getresponse()
    answer.read()
    headers["Cookie"] = str(answer.headers["Set-Cookie"]).partition(";")[0]
    after = _positions(running.simulator, collection)
    base = f"/api/shared_spaces/{running.shared_space}/workspaces/{running.workspace}/{collection}?"

    def call() -> bytes:
        connection.request("GET", base + _query(_parameters(fields, next(after))), headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(f"The benchmark was answered {reply.status}: {body[:200]!r}")
        return body

    return call


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
