"""`make bench`, or `python -m tests.benchmarks NAME...`: every measurement, or the named ones.

A benchmark is a module of this package with `measure()`, which yields lines to print and ratios;
its name is the module's. Modules whose name starts with an underscore are helpers. `--guard` ends
with 1 where a ratio is worse than the committed one, `--keep` writes the ratios into
`docs/ratios.csv`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence

from tests import benchmarks
from tests.benchmarks._ratios import Ratio, keep_ratios, read_ratios, worse_ratios

#: What `make bench-guard` runs: a few minutes, with all that they need.
GUARDED = ["build_speed", "many_workspaces"]
OPTIONS = {"--guard", "--keep"}


def names() -> list[str]:
    """Every benchmark of this package."""
    modules = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in modules if not name.startswith("_"))


def main(wanted: Sequence[str]) -> int:
    """Run the wanted benchmarks, or all; 2 when a name is unknown, 1 when a ratio is worse."""
    benchmark_names = names()
    options = {name for name in wanted if name.startswith("-")}
    wanted = [name for name in wanted if name not in options]
    if options & {"--help", "-h"}:
        print(f"{__doc__}\nThe benchmarks are: {', '.join(benchmark_names)}.")
        return 0
    if options - OPTIONS:
        unknown_options = ", ".join(sorted(options - OPTIONS))
        print(f"No option named {unknown_options}; there are: {', '.join(sorted(OPTIONS))}, --help")
        return 2
    if "--guard" in options:
        wanted = wanted or GUARDED
    worse: list[str] = []
    unknown = [name for name in wanted if name not in benchmark_names]
    if unknown:
        print(f"No benchmark named {', '.join(unknown)}; there are: {', '.join(benchmark_names)}")
        return 2
    for name in wanted or benchmark_names:
        print(f"{name}", flush=True)
        module = importlib.import_module(f"tests.benchmarks.{name}")
        measure: Callable[[], Iterator[str | Ratio]] = module.measure
        ratios: list[Ratio] = []
        for line in measure():
            print(f"    {line}", flush=True)
            if isinstance(line, Ratio):
                ratios.append(line)
        if "--guard" in options:
            worse += worse_ratios(name, ratios, read_ratios())
        if "--keep" in options:
            keep_ratios(name, ratios)
    for sentence in worse:
        print(sentence, file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
