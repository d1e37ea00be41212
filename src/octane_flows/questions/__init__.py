"""The documented flows and the metrics: list them, run one, compare a flow with the live server.

The command line, reports, notebooks and Dagster call these functions.
"""

from octane_flows.models.documented_columns import Column
from octane_flows.models.header import Parameter
from octane_flows.questions.catalogue import (
    Flow,
    Metric,
    flow_named,
    list_flows,
    list_metrics,
    metric_named,
)
from octane_flows.questions.run_question import (
    missing_of,
    parse_parameters,
    relation_of,
    run_flow,
    run_metric,
    run_query,
)

__all__ = [
    "Column",
    "Flow",
    "Metric",
    "Parameter",
    "flow_named",
    "list_flows",
    "list_metrics",
    "metric_named",
    "missing_of",
    "parse_parameters",
    "relation_of",
    "run_flow",
    "run_metric",
    "run_query",
]
