"""What a build did not look at: models and checks of which the lake lacks something, old checks.

A `BuildReport` or an open warehouse in, sentences out; the commands `build` and `status`, the
report and Dagster show them.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from octane_flows.warehouse.build_report import BuildReport

REPEATED_SQL = """
select models.model, models.reason from meta.models as models where models.status = 'repeated'
"""
PARTIAL_SQL = """
select models.model, models.reason from meta.models as models where models.status = 'partial'
union all
select checks.check_name, checks.reason from meta.checks as checks where checks.reason is not null
"""
NOT_RUN_SQL = """
select checks.check_name from meta.checks as checks where checks.last_run_generation is not null
"""


def gaps_of_report(report: BuildReport) -> list[str]:
    """The gaps of a build that has just ended."""
    partial = [
        *((model.name, model.reason or "") for model in report.models if model.status == "partial"),
        *((check.name, check.reason) for check in report.checks if check.reason is not None),
    ]
    not_run = [check.name for check in report.checks if check.last_run_generation is not None]
    repeated = [
        (model.name, model.reason or "") for model in report.models if model.status == "repeated"
    ]
    return _sentences(partial, not_run, repeated)


def gaps_of_warehouse(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The gaps that a published warehouse records about itself."""
    partial = connection.execute(PARTIAL_SQL).fetchall()
    not_run = connection.execute(NOT_RUN_SQL).fetchall()
    repeated = connection.execute(REPEATED_SQL).fetchall()
    return _sentences(partial, [name for (name,) in not_run], repeated)


def _sentences(
    partial: Iterable[tuple[str, str]],
    not_run: Iterable[str],
    repeated: Iterable[tuple[str, str]],
) -> list[str]:
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in partial:
        names_by_reason.setdefault(reason, []).append(name)
    sentences = [
        f"partial: {', '.join(sorted(names))} ({reason}; see meta.missing)"
        for reason, names in sorted(names_by_reason.items())
    ]
    sentences += [
        f"repeated: {name} has several rows with one key ({reason}); compare them before you "
        "trust it"
        for name, reason in sorted(repeated)
    ]
    names = sorted(set(not_run))
    if names:
        sentences.append(
            f"not run again: {len(names)} checks of flows and metrics keep the results that they "
            "had before rows changed ('octane-flows build --count' runs them): "
            f"{', '.join(names)}"
        )
    return sentences
