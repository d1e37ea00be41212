"""Every metric on a large warehouse, beside the same SQL over the raw Parquet.

`BENCH_RUNS` and `BENCH_HOME` as for `flow_speed`. A metric looks at the whole history.
"""

from __future__ import annotations

from collections.abc import Iterator

from octane_flows.questions import list_questions
from tests.benchmarks._large import RUNS, connections, home_folder, prepare, timed

FAST, SLOW = 9, 1


def measure() -> Iterator[str]:
    """Milliseconds of each metric; the ratio is Parquet by warehouse."""
    with home_folder() as home:
        yield from prepare(home)
        yield f"{RUNS:,} runs; milliseconds, {FAST} calls, {SLOW} from a second up"
        titles = "".join(f"{title:>9}" for title in ("rows", "median", "p95", "CPU", "Parquet"))
        yield f"{'metric':<36}{titles} ratio"
        with connections(home) as (loaded, raw):
            for metric in list_questions("metric"):
                call = f"from {metric.name}()"
                rows = len(loaded.sql(call).to_arrow_table())
                own = timed(lambda: loaded.sql(call).to_arrow_table(), FAST, SLOW)  # noqa: B023
                parquet = timed(lambda: raw.sql(call).to_arrow_table(), 3, SLOW)  # noqa: B023
                yield (
                    f"{metric.slug:<36}{rows:>9,}{own.median:>9,.0f}{own.p95:>9,.0f}"
                    f"{own.cpu:>9,.0f}{parquet.median:>9,.0f}{parquet.median / own.median:>6.1f}"
                )
