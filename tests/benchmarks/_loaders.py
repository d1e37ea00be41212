"""Ways to load every run of the page server, each run alone in a process: `python -m ... WAY`.

In: the way, the server's address and a folder. Out: one JSON line with rows, seconds, CPU seconds
and the highest resident memory in megabytes. Imports are done before the clock starts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.benchmarks._page_server import BASE, COLLECTION, ENTITY, LINKS, SPACE, TYPES, WORKSPACE

PAGE = 1000
THREADS = 4
Load = Callable[[], int]


def settings(url: str, home: Path) -> Any:
    from octane_flows.config import load_settings

    return load_settings(
        {
            "OCTANE_URL": url,
            "OCTANE_CLIENT_ID": "benchmark",
            "OCTANE_CLIENT_SECRET": "benchmark",
            "OCTANE_SHARED_SPACE": SPACE,
            "OCTANE_WORKSPACES": WORKSPACE,
            "OCTANE_HOME": str(home),
            "OCTANE_CONCURRENCY": str(THREADS),
        }
    )


def fetch(url: str, home: Path) -> Load:
    """The same pages through the same client, with nothing done to them."""
    from octane_flows.client import Octane, field

    def load() -> int:
        with Octane(settings(url, home)) as octane, ThreadPoolExecutor(THREADS) as pool:
            workspace = octane.workspace(WORKSPACE)
            fields = [*TYPES, *LINKS]
            low = int(workspace.page(COLLECTION, fields=["id"], limit=1).rows[0]["id"])
            total = workspace.count(COLLECTION)
            queries = [
                field("id").between(start, start + PAGE - 1)
                for start in range(low, low + total, PAGE)
            ]
            list(
                pool.map(
                    lambda query: len(
                        workspace.page_bytes(COLLECTION, fields=fields, query=query).body
                    ),
                    queries,
                )
            )
            return total

    return load


def octane_flows(url: str, home: Path) -> Load:
    """A first extract into a lake."""
    from octane_flows import refresh

    def load() -> int:
        return refresh.update_lake(settings(url, home), only=[ENTITY]).rows

    return load


def _dlt_pipeline(home: Path) -> Any:
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    import dlt

    return dlt.pipeline(
        "benchmark",
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.filesystem(str(home / "files")),
        dataset_name="octane",
    )


def dlt_rest_api(url: str, home: Path) -> Load:
    """dlt's `rest_api` source to Parquet, as it comes."""
    pipeline = _dlt_pipeline(home)
    from dlt.sources.rest_api import rest_api_source

    def load() -> int:
        source = rest_api_source(
            {
                "client": {
                    "base_url": f"{url}{BASE}/",
                    "paginator": {"type": "offset", "limit": PAGE, "total_path": "total_count"},
                },
                "resources": [{"name": "runs", "endpoint": {"path": COLLECTION}}],
            }
        )
        pipeline.run(source, loader_file_format="parquet")
        return int(pipeline.last_trace.last_normalize_info.row_counts["runs"])

    return load


def dlt_arrow(url: str, home: Path) -> Load:
    """dlt fed with Arrow tables that a loader made by hand from pages fetched in threads."""
    pipeline = _dlt_pipeline(home)
    import dlt
    import httpx
    import pyarrow as pa

    def flat(item: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {"id": item["id"], "type": item["subtype"]}
        for name, kind in TYPES.items():
            value = item[name]
            if kind == "reference":
                row[f"{name}_id"], row[f"{name}_type"] = value["id"], value["type"]
            else:
                row[name] = value
        return row

    def load() -> int:
        client = httpx.Client(timeout=120)
        seen = 0

        def page(offset: int) -> list[dict[str, Any]]:
            params = {"limit": PAGE, "offset": offset}
            rows: list[dict[str, Any]] = client.get(
                f"{url}{BASE}/{COLLECTION}", params=params
            ).json()["data"]
            return rows

        def runs() -> Iterator[Any]:
            nonlocal seen
            params = {"limit": 1}
            total = client.get(f"{url}{BASE}/{COLLECTION}", params=params).json()["total_count"]
            with ThreadPoolExecutor(THREADS) as pool:
                offsets = list(range(0, total, PAGE))
                for start in range(0, len(offsets), THREADS):
                    for rows in pool.map(page, offsets[start : start + THREADS]):
                        seen += len(rows)
                        yield pa.Table.from_pylist([flat(row) for row in rows])
                        for name in LINKS:
                            pairs = [
                                {"source_id": row["id"], "target_id": to["id"], "type": to["type"]}
                                for row in rows
                                for to in row[name]["data"]
                            ]
                            yield dlt.mark.with_table_name(
                                pa.Table.from_pylist(pairs), f"runs__{name}"
                            )

        pipeline.run(dlt.resource(runs(), name="runs"), loader_file_format="parquet")
        return seen

    return load


WAYS: dict[str, Callable[[str, Path], Load]] = {
    "fetch": fetch,
    "octane_flows": octane_flows,
    "dlt_rest_api": dlt_rest_api,
    "dlt_arrow": dlt_arrow,
}


def run(way: str, url: str, home: Path) -> dict[str, float]:
    """Run one way in a process of its own; gives rows, seconds, cpu_seconds and megabytes."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, way, url, str(home)],
        env={name: text for name, text in os.environ.items() if not name.startswith("OCTANE_")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{way} failed:\n{done.stderr[-3000:]}")
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return facts


def main() -> None:
    """Load once and print the figures."""
    way, url, home = sys.argv[1:]
    load = WAYS[way](url, Path(home))
    before, start = _cpu_seconds(), time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - start
    facts = {
        "rows": rows,
        "seconds": seconds,
        "cpu_seconds": _cpu_seconds() - before,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(facts))


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
