"""Mutants that give the same rows as their model, whatever is in the tables, each with the reason.

`same_query.csv` in, reasons by model and change out.
"""

from __future__ import annotations

import csv
from pathlib import Path

LIST = Path(__file__).with_suffix(".csv")


def read_same_queries() -> dict[tuple[str, str], str]:
    """The reasons by model and change of the mutant."""
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    return {(row["model"], row["mutant"]): row["reason"] for row in rows}
