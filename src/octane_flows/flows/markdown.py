"""The flows and metrics as Markdown, for the README.

Nothing in, text out; a test holds the README to it.
"""

from __future__ import annotations

from octane_flows.flows.catalogue import Metric, list_flows, list_metrics


def flow_table() -> str:
    """One line per flow: number, macro, question, parameters with defaults, page."""
    lines = ["| # | flow | question | parameters |", "|---|---|---|---|"]
    for flow in list_flows():
        lines.append(
            f"| {flow.number} | [`{flow.slug}`]({flow.source}) | {flow.question} "
            f"| {_parameters(flow)} |"
        )
    return "\n".join(lines) + "\n"


def metric_table() -> str:
    """One line per metric: macro, question, parameters with defaults."""
    lines = ["| metric | question | parameters |", "|---|---|---|"]
    for metric in list_metrics():
        lines.append(f"| `{metric.slug}` | {metric.question} | {_parameters(metric)} |")
    return "\n".join(lines) + "\n"


def _parameters(asked: Metric) -> str:
    return ", ".join(f"`{one.name} := {one.default_sql}`" for one in asked.parameters)
