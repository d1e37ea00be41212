"""The README's tables of flows and metrics, each line with a link to its page."""

from __future__ import annotations

from octane_flows.questions import documented_flows, list_questions
from tests.pages.flows import heading, own_flows
from tests.pages.markdown import anchor, table


def flow_table() -> str:
    """One line per documented flow: number, name, question; then the flows of one's own."""
    rows = [
        (str(flow.number), f"[`{flow.slug}`](docs/flows.md#{anchor(heading(flow))})", flow.text)
        for flow in documented_flows()
    ]
    lines = [*table(("#", "flow", "question"), rows)]
    own = [
        (f"[`{flow.slug}`](docs/flows.md#{anchor(heading(flow))})", flow.text)
        for flow in own_flows()
    ]
    if own:
        lines += ["", "Flows of your own:", "", *table(("flow", "question"), own)]
    return "\n".join(lines) + "\n"


def metric_table() -> str:
    """One line per metric: name, question."""
    rows = [
        (f"[`{metric.slug}`](docs/metrics.md#{anchor(metric.slug)})", metric.text)
        for metric in list_questions("metric")
    ]
    return "\n".join(table(("metric", "question"), rows)) + "\n"
