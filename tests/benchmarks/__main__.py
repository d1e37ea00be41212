"""`make bench`, or `python -m tests.benchmarks NAME...`: every measurement, or the named ones.

A benchmark is a module of this package with `measure()`, which yields lines to print; its name is
the module's. Modules whose name starts with an underscore are helpers.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence

from tests import benchmarks


def names() -> list[str]:
    """Every benchmark of this package."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main(wanted: Sequence[str]) -> int:
    """Run the wanted benchmarks, or all; 2 when a name is unknown."""
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"No benchmark named {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    for name in wanted or known:
        print(f"{name}", flush=True)
        module = importlib.import_module(f"tests.benchmarks.{name}")
        measure: Callable[[], Iterator[str]] = module.measure
        for line in measure():
            print(f"    {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
