"""Ratios of one run, and those that are committed: a machine's speed cancels out of them.

Benchmarks yield `Ratio` records among their lines; `python -m tests.benchmarks --guard` compares
them with `docs/ratios.csv`, and `--keep` writes them there. Smaller is better.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "ratios.csv"
WORSE = 1.3  # times the committed ratio: less is the noise of a machine with other work
COLUMNS = ("benchmark", "ratio", "size", "value")


@dataclass(frozen=True)
class Ratio:
    """One side of a comparison by the other, measured in the same run, at this size."""

    name: str
    size: str
    value: float

    def __str__(self) -> str:
        return f"{self.name} ({self.size}): {self.value:.3g}"


def read_ratios(file: Path = FILE) -> dict[tuple[str, str, str], float]:
    """The committed values by benchmark, ratio and size."""
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as text:
        return {
            (row["benchmark"], row["ratio"], row["size"]): float(row["value"])
            for row in csv.DictReader(text)
        }


def keep_ratios(benchmark: str, ratios: Iterable[Ratio], file: Path = FILE) -> None:
    """Put the ratios in the place of older ones of the same benchmark and size."""
    values = read_ratios(file)
    values |= {(benchmark, ratio.name, ratio.size): ratio.value for ratio in ratios}
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*key, f"{value:.3g}") for key, value in sorted(values.items()))


def worse_ratios(
    benchmark: str, ratios: Iterable[Ratio], committed: dict[tuple[str, str, str], float]
) -> list[str]:
    """A sentence for each ratio that is worse than the committed one, or has none to compare."""
    sentences = []
    for ratio in ratios:
        before = committed.get((benchmark, ratio.name, ratio.size))
        if before is None:
            sentences.append(f"{ratio} has no committed value; keep one with --keep {benchmark}")
        elif ratio.value > WORSE * before:
            sentences.append(
                f"{ratio} is {ratio.value / before:.2f} times the committed {before:.3g}"
            )
    return sentences
