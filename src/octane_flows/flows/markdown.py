"""The flows as Markdown, for the README.

Nothing in, text out; a test holds the README to it.
"""

from __future__ import annotations

from octane_flows.flows.catalogue import list_flows


def flow_table() -> str:
    """One line per flow: number, macro, question, parameters with defaults, page."""
    lines = [
        "| # | flow | question | parameters |",
        "|---|---|---|---|",
    ]
    for flow in list_flows():
        parameters = ", ".join(
            f"`{parameter.name} := {parameter.default_sql}`" for parameter in flow.parameters
        )
        lines.append(
            f"| {flow.number} | [`{flow.slug}`]({flow.source}) | {flow.question} | {parameters} |"
        )
    return "\n".join(lines) + "\n"
