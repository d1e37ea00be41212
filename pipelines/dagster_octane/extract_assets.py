"""The extract as an asset: `lake/workspaces`, one partition a workspace, one generation a run.

Settings and the run's partitions in, a published generation and its checks out. A run that names
no partition reads every workspace of the settings, and adds those that are new as partitions.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from dagster_octane.asset_metadata import FRESH, LAKE, Costs, rows_table
from dagster_octane.resources import RETRY, SITE, OctaneResource, one_sentence
from octane_flows.config import DEFAULT_SWEEP_SHARE
from octane_flows.errors import ExtractError
from octane_flows.lake import Manifest

if TYPE_CHECKING:
    from octane_flows.extract import ExtractReport

WORKSPACES = dg.DynamicPartitionsDefinition(name="workspaces")
WAIT_S = 3600.0  # for another run into the same folder: a census of a large space may take as long
COMPLETE, COUNTS, SCHEMA = "complete", "counts_as_the_server", "schema_unchanged"


class Mode(Enum):
    """What an extract reads: what changed; also all ids; also links; everything again."""

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
        """As `refresh.extract` takes them."""
        flags = {one.value: self.mode is one for one in Mode if one is not Mode.changes}
        return {
            **flags,
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
            description="Everything was read, nothing vanished in bulk, no field changed its "
            "type: otherwise nothing is published.",
            blocking=True,
        ),
        dg.AssetCheckSpec(
            COUNTS,
            asset=LAKE,
            description="As many rows as the server counts, by entity type and workspace.",
            blocking=True,
        ),
        dg.AssetCheckSpec(
            SCHEMA,
            asset=LAKE,
            description="No field or list came, went or was changed since the generation before.",
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

    asked = tuple(context.partition_keys) if _is_partitioned(context) else None
    with one_sentence():
        settings = octane.settings()
        settings = dataclasses.replace(settings, workspaces=asked or settings.workspaces)
        try:
            report = refresh.extract(settings, wait_s=WAIT_S, **config.choices())
        except ExtractError as error:
            yield dg.AssetCheckResult(
                asset_key=LAKE, check_name=COMPLETE, passed=False, description=str(error)
            )
            raise
    manifest = report.manifest
    workspaces = asked or sorted({one.workspace for one in report.outcomes})
    _log(context, report, workspaces)
    costs = Costs(manifest)
    if asked is None:
        context.instance.add_dynamic_partitions(str(WORKSPACES.name), workspaces)
        for one in workspaces:
            told = {**costs.of_workspaces([one]), "generation": manifest.generation}
            context.log_event(dg.AssetMaterialization(LAKE, partition=one, metadata=told))
    yield dg.MaterializeResult(
        asset_key=LAKE,
        metadata={
            **costs.of_workspaces(workspaces),
            "generation": manifest.generation,
            "mode": config.mode.value,
            "workspaces": ", ".join(workspaces),
            "findings": dg.MetadataValue.json(manifest.findings),
            "requests": dg.MetadataValue.json(manifest.politeness),
        },
    )
    yield from checked(manifest)


def checked(manifest: Manifest) -> Iterator[dg.AssetCheckResult]:
    """The checks of a published generation, from its certificate and its schema changes."""
    refused = [one for one in manifest.certificate if one.status in ("refused", "incomplete")]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=COMPLETE,
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,  # the rows held are kept as they were
        description="; ".join(f"workspace {one.workspace}: {one.note}" for one in refused) or None,
    )
    wrong = [*_differences(manifest, "came"), *_differences(manifest, "held")]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=COUNTS,
        passed=not wrong,
        # what is held may differ by what users did while it was read; the next census tells
        severity=(
            dg.AssetCheckSeverity.ERROR
            if _differences(manifest, "came")
            else dg.AssetCheckSeverity.WARN
        ),
        description=f"{len(wrong)} of {len(manifest.certificate)} counts differ",
        metadata=rows_table(wrong),
    )
    changes = [one for one in manifest.schema_changes if one.generation == manifest.generation]
    yield dg.AssetCheckResult(
        asset_key=LAKE,
        check_name=SCHEMA,
        passed=not changes,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(changes)} changes",
        metadata=rows_table(
            [
                {name: str(value) for name, value in dataclasses.asdict(one).items()}
                for one in changes
            ]
        ),
    )


def _differences(manifest: Manifest, what: Literal["came", "held"]) -> list[dict[str, str]]:
    """Entity types of which other rows came than were counted, or are held than the server has."""
    found = []
    for one in manifest.certificate:
        counted = one.total_count if what == "came" else one.server_count_end
        rows = one.rows_read if what == "came" else one.rows_held
        if one.status == "complete" and None not in (counted, rows) and counted != rows:
            keys = {"workspace": one.workspace, "entity": one.entity}
            found.append({**keys, "counted": str(counted), what: str(rows)})
    return found


def _is_partitioned(context: dg.AssetExecutionContext) -> bool:
    return bool(context.has_partition_key or context.has_partition_key_range)


def _log(
    context: dg.AssetExecutionContext, report: "ExtractReport", workspaces: Sequence[str]
) -> None:
    manifest = report.manifest
    for one in workspaces:
        read = [outcome for outcome in report.outcomes if outcome.workspace == one]
        context.log.info(
            f"Workspace {one}: {sum(each.rows for each in read):,} rows read in "
            f"{sum(each.pages for each in read):,} pages "
            f"({sum(each.bytes_received for each in read) / 1e6:,.1f} MB), "
            f"{sum(each.rows_written for each in read):,} of them new or changed."
        )
    context.log.info(f"Published generation {manifest.generation}, as of {manifest.as_of:%F %T}Z.")
    for finding in manifest.findings:
        context.log.warning(finding)
