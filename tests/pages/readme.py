"""The README's tables of flows and metrics, each line with a link to its page."""

from __future__ import annotations

from octane_flows.questions import list_questions
from tests.pages.markdown import anchor, table


def flow_table() -> str:
    """One line per flow: number, name, question."""
    rows = []
    for flow in list_questions("flow"):
        page = anchor(f"{flow.number}. {flow.title}: `{flow.slug}`")
        rows.append((str(flow.number), f"[`{flow.slug}`](docs/flows.md#{page})", flow.text))
    return "\n".join(table(("#", "flow", "question"), rows)) + "\n"


def metric_table() -> str:
    """One line per metric: name, question."""
    rows = [
        (f"[`{metric.slug}`](docs/metrics.md#{anchor(metric.slug)})", metric.text)
        for metric in list_questions("metric")
    ]
    return "\n".join(table(("metric", "question"), rows)) + "\n"
