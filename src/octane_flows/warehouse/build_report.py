"""What a build reports: one record for each model and each check.

`model_creation` and `data_checks` make them; the command line, Dagster and `meta.*` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from octane_flows.warehouse.octane_contract import Missing

Severity = Literal["error", "warn"]
ModelStatus = Literal["available", "partial", "repeated"]


@dataclass(frozen=True)
class ColumnResult:
    """A column of a model, with its DuckDB type."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class CheckResult:
    """One check; `detail` shows the first violations, `examples` some more as texts by column.

    A result that an update took over from the previous build has no examples. `reason` says what
    the check reads that the lake does not hold; it looked at the rest. `last_run_generation` is
    set when the data changed and the check was not run again.
    """

    name: str
    severity: Severity
    passed: bool
    detail: str
    violations: int = 0
    examples: tuple[Mapping[str, str], ...] = ()
    reason: str | None = None
    last_run_generation: int | None = None


@dataclass(frozen=True)
class ModelResult:
    """One model as it was published; `rows` of a macro are those of its default parameters.

    `rows` is None for a macro that was not counted. `key` is the check of its key, which one
    pass over the rows gives together with their number. A `partial` model runs, but the lake does
    not hold everything that it reads: `reason` says what is missing. A `repeated` flow or metric
    has several rows with one key: `reason` shows the first of them.
    """

    name: str
    kind: Literal["view", "table", "macro"]
    status: ModelStatus
    columns: tuple[ColumnResult, ...]
    depends_on: tuple[str, ...]
    rows: int | None = None
    reason: str | None = None
    key: CheckResult | None = None


@dataclass(frozen=True)
class BuildReport:
    """What was published: rows by octane table, models, checks, ids of workspaces.

    `newer` is the generation of another build that was published meanwhile and stays.
    """

    generation: int
    tables: dict[str, int]
    models: list[ModelResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    workspaces: tuple[str, ...] = ()
    newer: int | None = None
