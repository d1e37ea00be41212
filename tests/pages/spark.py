"""docs/spark.md: what runs on Apache Spark, how, and what is refused, asked of the translation."""

from __future__ import annotations

from octane_flows.spark import NotCarriedOver, translate
from octane_flows.spark.rewrites import REWRITES
from octane_flows.warehouse import Model, load_models
from tests.pages.markdown import table

HEAD = """# On Apache Spark

Most sites never need it: DuckDB answers from one file on one machine. Where there is a Spark
cluster and a lake that one machine should not hold, the same SQL files run there:

```sh
pip install 'octane-flows[spark]'       # brings PySpark; Java 17 or newer must be there
octane-flows build --engine spark --master spark://host:7077
octane-flows flow planned_runs --param only_mine=true --engine spark --master spark://host:7077
octane-flows metric flaky_tests --engine spark --master 'local[2]'   # Spark on this machine alone
```

`--master` is any address that Spark takes. Its driver is the command's own process, so the
machines of the cluster must reach this one. Other settings of Spark (memory, executors, queues)
come from its own `spark-defaults.conf` (`SPARK_CONF_DIR`). What Spark says goes to
`spark/spark.log` in the data folder.

## What it reads and writes

- It reads the Parquet files that the lake's current generation names, as they are, and keeps the
  newest version of each row, as DuckDB does; `--workspace ID` leaves out other workspaces, and a
  later build keeps to that. The data folder must lie where all workers see it
  under the same path. A lake in a bucket is read through this machine's copies, so with a local
  master alone.
- It writes Parquet: `spark/generation-N/octane/defect/`, `er/runs/`, `flow/planned_runs/`,
  `metric/flaky_tests/`, with `published.json`, which tells rows and state of each; a flow's or
  metric's file is its answer with the default parameters, in order. `spark/current.json` names
  the folder that counts and moves in one rename at the end: readers see the former build or the
  new one. The former one stays for those who still read it, the one before that goes.
- A repeated or empty key in any model stops it, and nothing is published. The other checks are run
  by DuckDB's build alone, and plans of requests are made from its warehouse.
- Every build reads the whole lake; there is no update by what changed.
- Times are UTC without a zone (`TIMESTAMP_NTZ`), as in DuckDB.

## How it stays the same answer

sqlglot translates the files of `sql/`; no second version of them is kept. Only constructs of a
closed list are carried over, whose every entry occurs in a golden case, and the golden cases of
all flows and metrics give the same rows on both engines. ANSI mode is on: an overflow or an
impossible cast stops the build and publishes nothing. Not fixed by SQL on either engine are the
last digit of a quantile (`p95_duration_ms`), which the machine may round once or twice; and of two
results with the very same time, from which of them the name of the test is taken.
Letters that Unicode got after version 15 (of scripts such as Garay) have small forms in Spark and
none in DuckDB.
"""

DIFFERENCES = """
Where the engines mean different things by the same words, the translation says what DuckDB means:
"""

REFUSED = """
## What is refused

A model outside the list is refused by name with the reason, and so is each that reads it; the rest
is built. A user-defined field that holds fractions takes `flow.user_defined_field_values` away,
because the two engines write fractions differently as texts.
"""


def spark_page() -> str:
    """The whole page."""
    carried = [model for model in load_models() if model.schema in ("er", "flow", "metric")]
    refused = [(f"`{model.name}`", reason) for model in carried if (reason := refusal_of(model))]
    counts = ", ".join(
        f"{sum(model.schema == schema for model in carried)} `{schema}`"
        for schema in ("er", "flow", "metric")
    )
    differences = [(f"`{one.__name__}`", one.__doc__ or "") for one in REWRITES]
    told = f"Of the models that come with it ({counts}), {len(refused) or 'none'} is refused."
    return "\n".join(
        [
            HEAD,
            DIFFERENCES.strip(),
            "",
            *table(("rewrite", "what it sees to"), differences),
            REFUSED,
            told,
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
