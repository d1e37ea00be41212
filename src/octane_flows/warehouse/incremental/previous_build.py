"""What an update keeps of the previous build: row counts and check results of unchanged models.

The copied warehouse in, a `PreviousBuild` out; `build_start` removes from it what changed.
Macros are run only when a build is asked to count them, because that costs as much as the data is
large; what it found about their keys then is kept, with the generation that it is about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from octane_flows.models.macros import MACRO_SCHEMAS
from octane_flows.warehouse.build_report import CheckResult

#: Name and DuckDB type of each column, in order, by model.
KeptColumns = dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class PreviousBuild:
    """Rows by model, results by check and references by relation of the build before, if any.

    `generation` is None when there was none.

    `changed` names the models and tables whose rows are other ones now.
    """

    generation: int | None = None
    rows: Mapping[str, int | None] = field(default_factory=dict)
    checks: Mapping[str, CheckResult] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    links: Mapping[str, int] = field(default_factory=dict)

    def after_change(
        self, changed_models: Collection[str], changed_tables: Collection[str]
    ) -> PreviousBuild:
        """What still holds after these models and `octane` tables changed.

        A changed macro is still listed, with an unknown number of rows.
        """
        rows = {
            model: None if model in changed_models else row_count
            for model, row_count in self.rows.items()
            if model not in changed_models or _is_macro(model)
        }
        changed = frozenset(changed_models).union(f"octane.{table}" for table in changed_tables)
        return PreviousBuild(self.generation, rows, self.checks, changed, self.links)

    def check_result(self, name: str, sources: Collection[str]) -> CheckResult | None:
        """The result of a check that need not run: none of its sources changed, or all are macros.

        The result of a check of changed macros, passed or not, says that it was not run again; one
        that can block is run again.
        """
        result = self.checks.get(name)
        has_changed = any(
            source in self.changed or source.startswith("meta.") for source in sources
        )
        if result is None or not has_changed:
            return result
        is_only_told = result.severity == "warn"  # what blocks a full build blocks an update too
        if is_only_told and all(_is_macro(source) for source in sources):
            since = result.last_run_generation or self.generation
            return dataclasses.replace(result, last_run_generation=since)
        return None


def _is_macro(model: str) -> bool:
    return model.partition(".")[0] in MACRO_SCHEMAS


def read_previous_build(connection: duckdb.DuckDBPyConnection, models_digest: str) -> PreviousBuild:
    """What the previous build recorded; only its generation if its SQL models were other ones."""
    generation, digest = connection.execute(
        "select generation.generation, build.models_digest "
        "from meta.generation as generation cross join meta.build as build"
    ).fetchall()[0]
    if digest != models_digest:
        return PreviousBuild(generation)
    rows = connection.execute("select model, row_count from meta.models").fetchall()
    checks = connection.execute(
        "select check_name, severity, is_passed, detail, violation_count, last_run_generation "
        "from meta.checks"
    ).fetchall()
    results = {
        name: CheckResult(
            name, severity, passed, detail, violations, last_run_generation=last_run_generation
        )
        for name, severity, passed, detail, violations, last_run_generation in checks
    }
    links = connection.execute(
        "select source_table || '.' || source_column, link_count from meta.relations "
        "where not is_user_defined and link_count is not null"
    ).fetchall()
    return PreviousBuild(generation, dict(rows), results, links=dict(links))


def read_model_columns(connection: duckdb.DuckDBPyConnection) -> KeptColumns:
    """The columns of each model as the previous build recorded them."""
    columns: KeptColumns = {}
    for model, name, kind in connection.execute(
        "select model, column_name, type from meta.columns order by model, position"
    ).fetchall():
        columns.setdefault(model, []).append((name, kind))
    return columns
