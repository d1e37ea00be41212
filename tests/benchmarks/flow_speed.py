"""Every flow on a large warehouse, beside the same SQL over the raw Parquet and beside pandas.

`BENCH_RUNS` sets the number of runs, `BENCH_HOME` a folder to keep; see `_large`. A flow whose
defaults ask for everything is called as in daily work (`_calls`). pandas starts from frames that
are in memory already and hold nothing but the columns needed; its rows must be those of the SQL.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import duckdb
import pandas as pd

from octane_flows.lake import Lake
from octane_flows.questions import Question, list_questions
from tests.benchmarks._calls import arguments
from tests.benchmarks._large import (
    RUNS,
    THREADS,
    Times,
    connections,
    home_folder,
    memory_gb,
    prepare,
    timed,
)
from tests.benchmarks._pandas_peers import PEERS, read_frames

FAST, SLOW = 20, 5  # calls of what takes less than a second, and longer
PEER_FAST, PEER_SLOW = 5, 3


def measure() -> Iterator[str]:
    """Milliseconds of each flow and of its peers; ratios are peer by flow."""
    with home_folder() as home:
        yield from prepare(home)
        yield (
            f"{RUNS:,} runs, {max(RUNS // 50, 100):,} tests, {THREADS} threads; milliseconds, "
            f"{FAST} calls, {SLOW} from a second up; CPU is that of the median call"
        )
        titles = "".join(f"{title:>9}" for title in ("rows", "median", "p95", "CPU"))
        yield f"{'flow':<36}{titles}{'Parquet':>9} ratio{'pandas':>9} ratio{'read s':>8}"
        with connections(home) as (loaded, raw):
            for flow in list_questions("flow"):
                yield _line(Lake(home / "lake"), loaded, raw, flow)
        yield f"{memory_gb():.1f} GB of memory at the end"


def _line(
    lake: Lake, loaded: duckdb.DuckDBPyConnection, raw: duckdb.DuckDBPyConnection, flow: Question
) -> str:
    call = f"from {flow.name}({arguments(flow.slug)})"
    rows = len(loaded.sql(call).to_arrow_table())
    own = timed(lambda: loaded.sql(call).to_arrow_table(), FAST, SLOW)
    parquet = timed(lambda: raw.sql(call).to_arrow_table(), PEER_FAST, PEER_SLOW)
    line = (
        f"{flow.slug:<36}{rows:>9,}{own.median:>9,.0f}{own.p95:>9,.0f}{own.cpu:>9,.0f}"
        f"{parquet.median:>9,.0f}{parquet.median / own.median:>6.1f}"
    )
    if flow.slug not in PEERS:
        return f"{line}  no pandas peer: no user-defined fields there"
    pandas, read = _pandas(lake, loaded, flow, call)
    return f"{line}{pandas.median:>9,.0f}{pandas.median / own.median:>6.1f}{read:>8.1f}"


def _pandas(
    lake: Lake, loaded: duckdb.DuckDBPyConnection, flow: Question, call: str
) -> tuple[Times, float]:
    """The peer's times and the seconds that reading its frames took."""
    peer = PEERS[flow.slug]
    start = time.perf_counter()
    frames = read_frames(lake, peer.needs)
    read = time.perf_counter() - start
    answer = peer.answer(frames)
    assert set(flow.key) <= {"workspace_id", *answer.columns}, f"{flow.slug} without its key"
    expected = loaded.sql(f"select {', '.join(answer.columns)} {call}").df()
    assert _rows(answer) == _rows(expected), f"pandas answers {flow.slug} otherwise"
    return timed(lambda: peer.answer(frames), PEER_FAST, PEER_SLOW), read


def _rows(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    values = frame.astype(object).where(frame.notna(), None)
    return sorted(values.itertuples(index=False, name=None), key=str)
