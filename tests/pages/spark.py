"""docs/spark.md: what runs on Apache Spark, how, and what is refused, asked of the translation."""

from __future__ import annotations

from octane_flows.spark import NotCarriedOver, translate
from octane_flows.spark.rewrites import REWRITES
from octane_flows.warehouse import Model, load_models
from tests.pages.markdown import table

HEAD = """# On Apache Spark

Most sites do not need Spark: DuckDB answers from one file on one machine. If you have a Spark
cluster, and a lake that is too large for one machine, the same SQL files run there:

```sh
pip install 'octane-flows[spark]'       # brings PySpark; Java 17 or newer must be there
octane-flows build --engine spark --master spark://host:7077
octane-flows flow planned_runs --param only_mine=true --engine spark --master spark://host:7077
octane-flows metric flaky_tests --engine spark --master 'local[2]'   # Spark on this machine alone
```

`--master` is any address that Spark accepts. Spark's driver runs in the process of the command,
so the machines of the cluster must be able to connect to this machine. Spark's other settings
(memory, executors, queues) come from its own `spark-defaults.conf` (`SPARK_CONF_DIR`). Spark's
messages are written to `spark/spark.log` in the data folder.

## What it reads and writes

- It reads the Parquet files of the lake's current generation and uses the newest version of each
  row, as DuckDB does. `--workspace ID` leaves out the other workspaces, and later builds use the
  same choice. All workers must see the data folder under the same path. A lake in a bucket is
  read through copies on this machine, so it needs a local master.
- It writes Parquet: `spark/generation-N/octane/defect/`, `er/runs/`, `flow/planned_runs/`,
  `metric/flaky_tests/`, and `published.json` with the number of rows and the state of each. The
  file of a flow or metric is its answer with the default parameters, in order.
  `spark/current.json` names the current folder. It is replaced in one rename at the end, so
  readers see either the previous build or the new one. The previous build is kept for its
  readers; older ones are deleted.
- If a key of any model is repeated or empty, the build stops and publishes nothing. Only
  DuckDB's build runs the other checks, and plans of requests need its warehouse.
- Each build reads the whole lake. There is no incremental update.
- Times are UTC without a zone (`TIMESTAMP_NTZ`), as in DuckDB.

## Why the answers are equal

sqlglot translates the files of `sql/`; there is no second version of them. The translation
accepts only a closed list of constructs. Each of them occurs in a golden case, and the golden
cases of all flows and metrics give the same rows on both engines. ANSI mode is on: an overflow
or an impossible cast stops the build, and nothing is published.

Three things may differ. The last digit of a quantile (`p95_duration_ms`) may be rounded
differently on each machine. If two results have exactly the same time, the name of the test may
come from either of them. Letters that came to Unicode after version 15 (of scripts such as
Garay) have lower-case forms in Spark but not in DuckDB.
"""

DIFFERENCES = """
Where the engines understand the same words differently, the translation writes what DuckDB
means:
"""

REFUSED = """
## What is refused

A model that uses another construct is refused. The message names the model and the reason.
Models that read it are refused too, and all others are built. If a user-defined field holds
fractions, `flow.user_defined_field_values` is refused, because the two engines write fractions
differently as text.
"""


def spark_page() -> str:
    """The whole page."""
    carried = [model for model in load_models() if model.schema in ("er", "flow", "metric")]
    refused = [(f"`{model.name}`", reason) for model in carried if (reason := refusal_of(model))]
    counts = ", ".join(
        f"{sum(model.schema == schema for model in carried)} `{schema}`"
        for schema in ("er", "flow", "metric")
    )
    differences = [(f"`{rewrite.__name__}`", rewrite.__doc__ or "") for rewrite in REWRITES]
    summary = f"Models of this project ({counts}) that are refused: {len(refused) or 'none'}."
    return "\n".join(
        [
            HEAD,
            DIFFERENCES.strip(),
            "",
            *table(("rewrite", "what it does"), differences),
            REFUSED,
            summary,
            *(["", *table(("model", "reason"), refused)] if refused else []),
            "",
        ]
    )


def refusal_of(model: Model) -> str | None:
    """Why a model is refused; None for one that is carried over."""
    try:
        translate(model, "")
    except NotCarriedOver as error:
        return error.reason
    return None
