"""Every metric on a large warehouse, beside the same SQL over the raw Parquet.

`BENCH_RUNS` and `BENCH_HOME` as for `flow_speed`. A metric looks at the whole history; the ratio at
the end is of the slowest metric by the slowest flow, which is called as in daily work.
"""

from __future__ import annotations

from collections.abc import Iterator

from octane_flows.questions import list_questions
from tests.benchmarks._calls import arguments
from tests.benchmarks._large import RUNS, connections, home_folder, prepare, timed
from tests.benchmarks._ratios import Ratio

FAST, SLOW = 9, 1


def measure() -> Iterator[str | Ratio]:
    """Milliseconds of each metric; the ratio is Parquet by warehouse."""
    with home_folder() as home:
        yield from prepare(home)
        yield f"{RUNS:,} runs; milliseconds, {FAST} calls, {SLOW} from a second up"
        titles = "".join(f"{title:>9}" for title in ("rows", "median", "p95", "CPU", "Parquet"))
        yield f"{'metric':<36}{titles} ratio"
        with connections(home) as (loaded, raw):
            metrics: dict[str, float] = {}
            for metric in list_questions("metric"):
                call = f"from {metric.name}()"
                rows = len(loaded.sql(call).to_arrow_table())
                own = timed(lambda: loaded.sql(call).to_arrow_table(), FAST, SLOW)  # noqa: B023
                metrics[metric.slug] = own.cpu
                parquet = timed(lambda: raw.sql(call).to_arrow_table(), 3, SLOW)  # noqa: B023
                yield (
                    f"{metric.slug:<36}{rows:>9,}{own.median:>9,.0f}{own.p95:>9,.0f}"
                    f"{own.cpu:>9,.0f}{parquet.median:>9,.0f}{parquet.median / own.median:>6.1f}"
                )
            flows: dict[str, float] = {}
            for flow in list_questions("flow"):
                call = f"from {flow.name}({arguments(flow.slug)})"
                own = timed(lambda: loaded.sql(call).to_arrow_table(), FAST, SLOW)  # noqa: B023
                flows[flow.slug] = own.cpu
        slowest_metric, slowest_flow = (
            max(metrics, key=metrics.__getitem__),
            max(flows, key=flows.__getitem__),
        )
        yield f"slowest: metric {slowest_metric}, flow {slowest_flow}"
        ratio = metrics[slowest_metric] / flows[slowest_flow]
        yield Ratio("slowest metric by slowest flow", f"{RUNS:,} runs", ratio)
