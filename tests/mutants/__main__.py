"""`python -m tests.mutants [SLUG...] [--sample N --seed S]`: what does no golden case notice?

Prints every mutant that no case notices and that `same_query.csv` does not list, then the numbers;
exits with 1 where a mutant of a join condition is among them, where fewer than 98 percent are
noticed, or where an entry of the list is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from octane_flows.models.model import Model, load_models
from tests.golden.warehouse import CaseWarehouse
from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.same_query import read_same_queries
from tests.mutants.sample import chosen
from tests.mutants.trial import Verdict, try_mutants

LEAST_RATIO = 0.98


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="models, as runs or er.runs")
    parser.add_argument("--sample", type=int, metavar="N", help="try only N mutants")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which N they are")
    options = parser.parse_args(arguments)
    models = _models(options.slugs)
    mutants = [mutant for model in models for mutant in mutants_of(model)]
    if options.sample is not None:
        mutants = chosen(mutants, options.sample, options.seed)
    verdicts: list[Verdict] = []
    with CaseWarehouse() as warehouse:
        for model in models:
            own = [mutant for mutant in mutants if mutant.model == model.name]
            tried = try_mutants(warehouse, model, own)
            _print_faults(tried)
            verdicts += tried
    return _print_numbers(verdicts)


def _print_faults(verdicts: Sequence[Verdict]) -> None:
    listed = read_same_queries()
    for verdict in verdicts:
        name = f"{verdict.mutant.model}: {verdict.mutant.change}"
        if verdict.case is None and verdict.mutant.key not in listed:
            print(f"no golden case notices {name}", flush=True)
        if verdict.case is not None and verdict.mutant.key in listed:
            print(f"{verdict.case} notices what is listed as the same query: {name}", flush=True)


def _print_numbers(verdicts: Sequence[Verdict]) -> int:
    listed = read_same_queries()
    survivors = [verdict.mutant for verdict in verdicts if verdict.case is None]
    unlisted = [mutant for mutant in survivors if mutant.key not in listed]
    noticed, same = len(verdicts) - len(survivors), len(survivors) - len(unlisted)
    ratio = noticed / (noticed + len(unlisted)) if noticed + len(unlisted) else 1.0
    print(
        f"{len(verdicts)} mutants: {noticed} noticed, {same} listed as the same query, "
        f"{len(unlisted)} not noticed; {ratio:.1%} of those that are not listed are noticed"
    )
    return int(_has_failed(verdicts, unlisted) or ratio < LEAST_RATIO)


def _has_failed(verdicts: Sequence[Verdict], unlisted: Sequence[Mutant]) -> bool:
    listed = read_same_queries()
    has_stale = any(
        verdict.case is not None and verdict.mutant.key in listed for verdict in verdicts
    )
    return has_stale or any(mutant.is_join_condition for mutant in unlisted)


def _models(slugs: Sequence[str]) -> list[Model]:
    models = [model for model in load_models() if model.schema != "check"]
    if not slugs:
        return models
    names = {name for model in models for name in (model.name, model.slug)}
    if unknown := sorted(set(slugs) - names):
        sys.exit(f"There is no model {', '.join(unknown)}; write a slug such as planned_runs.")
    return [model for model in models if {model.name, model.slug} & set(slugs)]


if __name__ == "__main__":
    sys.exit(main())
