"""The part of docs/writing-back.md about every plan: what it sends, and its parameters.

Nothing in, Markdown out; `make docs` writes it.
"""

from __future__ import annotations

from octane_flows.questions import Question, list_questions
from tests.pages.markdown import table


def plan_parts() -> str:
    """A chapter for each plan, in the order of the flows."""
    lines: list[str] = []
    for plan in list_questions("plan"):
        lines += _chapter(plan)
    return "\n".join(lines)


def _chapter(plan: Question) -> list[str]:
    number = f"{plan.number}. " if plan.number is not None else ""
    writes = ", ".join(f"`{name}`" for name in plan.writes)
    needs = ", ".join(" or ".join(f"`{name}`" for name in group) for group in plan.needs)
    return [
        f"### {number}`plan {plan.slug}`",
        "",
        f"{plan.text} One row is {plan.grain}. Writes: {writes}."
        + (f" Needs: {needs}." if needs else ""),
        "",
        *table(
            ("parameter", "type", "default", "meaning"),
            [
                (f"`{it.name}`", it.type, f"`{it.default_sql}`", it.meaning)
                for it in plan.parameters
            ],
        ),
        "",
    ]
