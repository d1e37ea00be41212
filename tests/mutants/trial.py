"""Golden cases run on mutants: which mutants give another answer in at least one of them?

Mutants in, verdicts out. `tests.mutants` and the unit tests call it. A mutant that does not end
within `SECONDS`, or that fails while it runs, is noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from octane_flows.models.model import Model
from tests.golden.warehouse import CaseWarehouse
from tests.mutants.mutations import Mutant, written_again

SECONDS = 30.0


class Verdict(NamedTuple):
    """A mutant and the case that noticed it; None where none did."""

    mutant: Mutant
    case: str | None


def try_mutants(warehouse: CaseWarehouse, model: Model, mutants: Sequence[Mutant]) -> list[Verdict]:
    """Run the cases of the model, and of the models that read it, on each mutant."""
    if not mutants:
        return []
    failures = warehouse.failures(model.name, written_again(model), only_first=True)
    assert not failures, f"{failures[0].case.id} fails without any change"
    return [Verdict(mutant, _notice(warehouse, mutant)) for mutant in mutants]


def _notice(warehouse: CaseWarehouse, mutant: Mutant) -> str | None:
    failures = warehouse.failures(mutant.model, mutant.sql, only_first=True, seconds=SECONDS)
    return failures[0].case.id if failures else None
