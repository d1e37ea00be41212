"""What a build reports: one record per model and per check.

`build` and `checks` fill them; the command line, Dagster and `meta.*` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from octane_flows.warehouse.octane_contract import Missing


@dataclass(frozen=True)
class ColumnResult:
    """A column of a model; `type` is None when the model is unavailable."""

    name: str
    type: str | None
    meaning: str


@dataclass(frozen=True)
class CheckResult:
    """One check; `detail` shows the first violations, `examples` some more as texts by column.

    A result that an update took over from the build before has no examples.
    """

    name: str
    severity: Literal["error", "warn"]
    passed: bool
    detail: str
    violations: int = 0
    examples: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class ModelResult:
    """One model as it was published; `rows` of a macro are those of its default parameters.

    `key` is the check of its key, which one pass over the rows gives together with their number.
    `partial` runs, but something that it reads is not in the lake; `unavailable` does not run.
    """

    name: str
    kind: Literal["view", "table", "macro"]
    status: Literal["available", "partial", "unavailable"]
    columns: tuple[ColumnResult, ...]
    depends_on: tuple[str, ...]
    rows: int | None = None
    reason: str | None = None
    key: CheckResult | None = None


@dataclass(frozen=True)
class BuildReport:
    """What was published: rows by octane table, models, checks, ids of workspaces.

    `newer` is the generation of a build that was published meanwhile and took this one's place.
    """

    generation: int
    tables: dict[str, int]
    models: list[ModelResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    workspaces: tuple[str, ...] = ()
    newer: int | None = None
