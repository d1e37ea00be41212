"""What an update keeps of the build before: row counts and check results of unchanged models.

The copied warehouse in, a `Former` record out; `build` narrows it to what nothing changed. Macros
whose SQL is the same are not run again by an update, which would cost as much as the data is large:
they are counted and their keys are checked by a full build, and when the SQL models change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from octane_flows.models.macros import MACRO_SCHEMAS
from octane_flows.warehouse.build_report import CheckResult


@dataclass(frozen=True)
class Former:
    """Rows by model and results by check; `generation` None when there was no build before."""

    generation: int | None = None
    rows: Mapping[str, int | None] = field(default_factory=dict)
    checks: Mapping[str, CheckResult] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    def without(self, affected: Collection[str], tables: Collection[str]) -> Former:
        """Without the models that changed; checks are compared with these and the tables."""
        kept = {
            model: None if model in affected else rows
            for model, rows in self.rows.items()
            if model not in affected or _is_macro(model)
        }
        return Former(
            self.generation,
            kept,
            self.checks,
            frozenset(affected) | {f"octane.{table}" for table in tables},
        )

    def check(self, name: str, sources: Collection[str]) -> CheckResult | None:
        """The result of a check none of whose sources changed, or that speaks of macros alone."""
        known = self.checks.get(name)
        if known is not None and known.passed and all(_is_macro(source) for source in sources):
            detail = known.detail or f"not run again since generation {self.generation}"
            return dataclasses.replace(known, detail=detail)
        if any(source in self.changed or source.startswith("meta.") for source in sources):
            return None
        return known


def _is_macro(model: str) -> bool:
    return model.partition(".")[0] in MACRO_SCHEMAS


def read_former(connection: duckdb.DuckDBPyConnection, models_digest: str) -> Former:
    """What the build before recorded; nothing of it counts when its SQL models were others."""
    generation, digest = connection.execute(
        "select generation.generation, build.models_digest "
        "from meta.generation as generation cross join meta.build as build"
    ).fetchall()[0]
    if digest != models_digest:
        return Former(generation)
    rows = connection.execute("select model, row_count from meta.models").fetchall()
    checks = connection.execute(
        "select check_name, severity, is_passed, detail, violation_count from meta.checks"
    ).fetchall()
    return Former(generation, dict(rows), {check[0]: CheckResult(*check) for check in checks})
