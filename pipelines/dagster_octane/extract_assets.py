"""The extract as an asset: `lake/workspaces`, one partition a workspace, one generation a run.

Settings and the run's partitions in, a published generation and its checks out. A run that names
no partition reads every workspace of the settings and adds new workspaces as partitions.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from dagster_octane.asset_metadata import FRESH, LAKE, Costs, rows_table
from dagster_octane.resources import RETRY, SITE, OctaneResource, errors_as_failures
from octane_flows.config import DEFAULT_SWEEP_SHARE, workspace_label, workspace_list
from octane_flows.errors import ExtractError
from octane_flows.lake import Manifest

if TYPE_CHECKING:
    from octane_flows.extract import ExtractReport

WORKSPACES = dg.DynamicPartitionsDefinition(name="workspaces")
WAIT_S = 3600.0  # until another run into the same folder ends; a large census may take that long
COMPLETE, COUNTS, SCHEMA = "complete", "counts_as_the_server", "schema_unchanged"


class Mode(Enum):
    """What an extract reads: changed rows; also all ids; also all links; everything again."""

    changes = "changes"
    census = "census"
    sweep = "sweep"
    full = "full"


class ExtractConfig(dg.Config):
    """What an operator may choose for one run."""

    mode: Mode = Field(default=Mode.changes, description="What is read.")
    skip: list[str] = Field(default=[], description="Entity types to leave out.")
    accept_deletions: list[str] = Field(
        default=[], description="Entity types of which many rows were really deleted."
    )
    accept_retyped: list[str] = Field(
        default=[], description="Fields, as entity.field, whose new type is accepted."
    )
    sweep_share: float = Field(default=DEFAULT_SWEEP_SHARE, description="Of the rows to sweep.")

    def choices(self) -> dict[str, Any]:
        """The options as arguments of `refresh.update_lake`."""
        flags = {mode.value: self.mode is mode for mode in Mode if mode is not Mode.changes}
        return {
            **flags,
            "counts": self.mode is Mode.changes,  # a full reading and a census count by themselves
            "skip": self.skip,
            "accept_deletions": self.accept_deletions,
            "accept_retyped": self.accept_retyped,
            "sweep_share": self.sweep_share,
        }


@dg.multi_asset(
    name="extract",
    specs=[
        dg.AssetSpec(
            LAKE,
            description="Octane's workspaces as Parquet files: every readable entity type, "
            "every version that was read. One run publishes one generation, or nothing.",
            group_name="lake",
            kinds={"parquet"},
            owners=SITE.owners,
            freshness_policy=FRESH,
            partitions_def=WORKSPACES,
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(
            COMPLETE,
            asset=LAKE,
            description="Every entity type was read. An extract that loses many rows at once, or "
            "meets a field with another type, publishes nothing.",
            blocking=True,
        ),
        dg.AssetCheckSpec(
            COUNTS,
            asset=LAKE,
            description="The lake has as many rows of each entity type as the server counts.",
            blocking=True,
        ),
        dg.AssetCheckSpec(
            SCHEMA,
            asset=LAKE,
            description="No field or list was added, removed or changed since the last generation.",
        ),
    ],
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY,
)
def extract(
    context: dg.AssetExecutionContext, config: ExtractConfig, octane: OctaneResource
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Read the Octane server into a new generation of the lake."""
    from octane_flows import refresh

    partitions = tuple(context.partition_keys) if _is_partitioned(context) else None
    with errors_as_failures():
        settings = octane.settings()
        settings = dataclasses.replace(settings, workspaces=partitions or settings.workspaces)
        try:
            report = refresh.update_lake(settings, wait_s=WAIT_S, **config.choices())
        except ExtractError as error:
            yield dg.AssetCheckResult(
                asset_key=LAKE, check_name=COMPLETE, passed=False, description=str(error)
            )
            raise
    manifest = report.manifest
    workspaces = partitions or sorted({outcome.workspace for outcome in report.outcomes})
    _log(context, report, workspaces)
    costs = Costs(manifest)
    if partitions is None:
        context.instance.add_dynamic_partitions(str(WORKSPACES.name), workspaces)
        for workspace in workspaces:
            metadata = {
                **costs.of_workspaces([workspace]),
                "generation": manifest.generation,
                "workspaces": workspace_label(workspace, manifest.names),
            }
            context.log_event(dg.AssetMaterialization(LAKE, partition=workspace, metadata=metadata))
    yield dg.MaterializeResult(
        asset_key=LAKE,
        metadata={
            **costs.of_workspaces(workspaces),
            "generation": manifest.generation,
            "mode": config.mode.value,
            "workspaces": workspace_list(workspaces, manifest.names),
            "findings": dg.MetadataValue.json([str(each) for each in manifest.findings]),
            "requests": dg.MetadataValue.json(manifest.politeness),
        },
    )
    yield from check_results(manifest)


def check_results(manifest: Manifest) -> Iterator[dg.AssetCheckResult]:
    """The checks of a published generation, from its certificate and its schema changes."""
    missing = [row for row in manifest.certificate if row.status in ("refused", "absent")]
    faults = [f"workspace {row.workspace}: {row.entity}: {row.note}" for row in missing]
    faults += [
        f"workspace {row.workspace}: {row.rejected_values:,} values of {row.entity} do not fit "
        "their fields and are null; meta.rejected_values lists them"
        for row in manifest.certificate
        if row.rejected_values
    ]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=COMPLETE,
        passed=not faults,
        severity=dg.AssetCheckSeverity.WARN,  # the lake keeps the rows that it has
        description="; ".join(faults) or None,
    )
    lost = _count_differences(manifest, "rows_read")
    different = [*lost, *_count_differences(manifest, "rows_held")]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=COUNTS,
        passed=not different,
        # users may change rows while an extract reads; the next census compares again
        severity=dg.AssetCheckSeverity.ERROR if lost else dg.AssetCheckSeverity.WARN,
        description=f"{len(different)} of {len(manifest.certificate)} counts differ",
        metadata=rows_table(different),
    )
    changes = [
        change for change in manifest.schema_changes if change.generation == manifest.generation
    ]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=SCHEMA,
        passed=not changes,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(changes)} changes",
        metadata=rows_table(
            [
                {name: str(value) for name, value in dataclasses.asdict(change).items()}
                for change in changes
            ]
        ),
    )


def _count_differences(
    manifest: Manifest, count: Literal["rows_read", "rows_held"]
) -> list[dict[str, str]]:
    """Entity types of which the lake or this extract has fewer or more rows than the server."""
    differences = []
    server_count: int | None
    rows: int | None
    for row in manifest.certificate:
        if row.status != "complete":
            continue
        if count == "rows_read":
            server_count, rows = row.total_count, row.rows_read
        else:
            server_count, rows = row.server_count_end, row.rows_held
        if None not in (server_count, rows) and server_count != rows:
            keys = {"workspace": row.workspace, "entity": row.entity}
            differences.append({**keys, "server_count": str(server_count), count: str(rows)})
    return differences


def _is_partitioned(context: dg.AssetExecutionContext) -> bool:
    return bool(context.has_partition_key or context.has_partition_key_range)


def _log(
    context: dg.AssetExecutionContext, report: "ExtractReport", workspaces: Sequence[str]
) -> None:
    manifest = report.manifest
    for workspace in workspaces:
        outcomes = [outcome for outcome in report.outcomes if outcome.workspace == workspace]
        context.log.info(
            f"Workspace {workspace_label(workspace, manifest.names)}: "
            f"{sum(outcome.rows for outcome in outcomes):,} rows read in "
            f"{sum(outcome.pages for outcome in outcomes):,} pages "
            f"({sum(outcome.bytes_received for outcome in outcomes) / 1e6:,.1f} MB), "
            f"{sum(outcome.rows_written for outcome in outcomes):,} of them new or changed."
        )
    context.log.info(f"Published generation {manifest.generation}, as of {manifest.as_of:%F %T}Z.")
    for finding in manifest.findings:
        context.log.warning(finding)
