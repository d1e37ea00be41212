"""A fixed choice of mutants: the same seed gives the same ones, whatever else is added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tests.mutants.mutations import Mutant


def chosen(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """That many mutants, spread over all by a hash of their words."""

    def rank(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.model} {mutant.change}".encode()).hexdigest()

    return sorted(mutants, key=rank)[:count]
