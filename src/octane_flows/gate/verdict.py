"""The verdict of a gate: each criterion with the values it compared, and what stands against them.

Criteria, a scope and doubts in, a `Verdict` out. A doubt or an unknown value never passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from octane_flows.gate.criteria import Criterion
from octane_flows.gate.gate_scope import Scope

Status = Literal["passed", "failed", "incomplete"]
EXIT_CODES: Final[dict[Status, int]] = {"passed": 0, "failed": 1, "incomplete": 3}


@dataclass(frozen=True)
class Reason:
    """One criterion with the values of its variables; `holds` None: that is unknown."""

    criterion: str
    values: dict[str, float | None]
    holds: bool | None

    @property
    def result(self) -> str:
        """In a word."""
        return {True: "passed", False: "failed", None: "unknown"}[self.holds]

    @property
    def shown_values(self) -> str:
        """The values as a text."""
        parts = (f"{name} = {_shown(name, value)}" for name, value in self.values.items())
        return ", ".join(parts)


@dataclass(frozen=True)
class Verdict:
    """What the gate says about a scope."""

    scope: Scope
    generation: int
    as_of: str
    reasons: tuple[Reason, ...]
    doubts: tuple[str, ...]

    @property
    def status(self) -> Status:
        """Passed, failed, or incomplete where the numbers cannot be trusted."""
        if self.doubts:
            return "incomplete"
        return "passed" if all(reason.holds is True for reason in self.reasons) else "failed"

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return EXIT_CODES[self.status]


def judge(
    scope: Scope,
    criteria: Sequence[Criterion],
    doubts: Sequence[str],
    *,
    generation: int,
    as_of: str,
) -> Verdict:
    """Compare each criterion with the scope's values."""
    reasons = tuple(
        Reason(
            criterion.text,
            {name: scope.values.get(name) for name in criterion.tree.names},
            criterion.tree.holds(scope.values),
        )
        for criterion in criteria
    )
    return Verdict(scope, generation, as_of, reasons, tuple(doubts))


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "unknown (nothing to divide by)" if name.endswith("_ratio") else "unknown"
    return f"{value:.4g}" if name.endswith("_ratio") else f"{value:,.0f}"
