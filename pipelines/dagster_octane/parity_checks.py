"""Parity: every flow's answer compared with its documented REST requests, as checks of the flows.

The live server and the published warehouse in, one check result for each flow out. It runs after
the build, in the same job, and reads about ten pages of ids from the server.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from dagster_octane.asset_metadata import REPORT, key, rows_table
from dagster_octane.resources import OctaneResource, errors_as_failures
from octane_flows import parity, warehouse
from octane_flows.client import Octane
from octane_flows.parity.comparison_record import record_comparisons

CHECK = "same_ids_as_octane"
SUMMARY = "flows_answer_as_octane"
#: No fault of the warehouse: equal ids, changes since the extract, too many rows to compare.
PASSING = ("equal", "changed", "not compared")


@dg.multi_asset_check(
    name="verify_flows",
    specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=key(flow.name),
            description="The live server answers the documented REST requests with the same ids.",
        )
        for flow in parity.flows_with_requests()
    ]
    + [
        dg.AssetCheckSpec(
            SUMMARY,
            asset=REPORT,
            description="All that the comparison of flows with the live server found.",
        )
    ],
    can_subset=True,  # so that the report can be written without the warehouse
)
def verify_flows(
    context: dg.AssetCheckExecutionContext, octane: OctaneResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare each flow in every workspace; a flow has one result for all workspaces."""
    with (
        errors_as_failures(),
        Octane(octane.settings()) as client,
        warehouse.connect(octane.home()) as connection,
    ):
        verifications = list(parity.verify(client, connection))
        comparisons = [verification.as_dict() for verification in verifications]
        record_comparisons(octane.home(), connection, comparisons, datetime.now(UTC))
        _refresh_report(octane.home())
    counts = Counter(verification.status for verification in verifications)
    context.log.info(
        f"Compared {len(verifications)} answers of flows with those of the server: "
        f"{', '.join(f'{count} {status}' for status, count in counts.items())}."
    )
    selected = context.selected_asset_check_keys
    if dg.AssetCheckKey(REPORT, SUMMARY) in selected:
        yield summary(verifications)
    for flow in parity.flows_with_requests():
        if dg.AssetCheckKey(key(flow.name), CHECK) not in selected:
            continue
        of_flow = [each for each in verifications if each.slug == flow.slug]
        failed = [each for each in of_flow if each.status not in PASSING]
        yield dg.AssetCheckResult(
            asset_key=key(flow.name),
            check_name=CHECK,
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(map(_status_text, of_flow)),
            metadata={"comparisons": dg.MetadataValue.json([each.as_dict() for each in of_flow])},
        )


def summary(verifications: Sequence[parity.Verification]) -> dg.AssetCheckResult:
    """What the comparison found: a sentence with the counts, and the answers that are not equal."""
    counts = Counter(verification.status for verification in verifications)
    failed = [each for each in verifications if each.status not in PASSING]
    parts = [f"{len(verifications)} answers were compared: "]
    parts.append(", ".join(f"{count} {status}" for status, count in counts.items()) or "none")
    parts += [f"; {each.slug}, {_status_text(each)}" for each in failed]
    unequal = [each for each in verifications if each.status != "equal"]
    rows = [
        {
            "flow": each.slug,
            "workspace": each.workspace_id,
            "result": each.status,
            "differing ids": str(len(each.differences)),
            "message": each.message or "",
        }
        for each in unequal
    ]
    return dg.AssetCheckResult(
        asset_key=REPORT,
        check_name=SUMMARY,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        description="".join(parts),
        metadata=rows_table(rows),
    )


def _refresh_report(home: Path) -> None:
    """Write the report again if this run has written it; otherwise it is written later."""
    from octane_flows import reports  # plots take long to import

    if (home / reports.REPORT_FILE).is_file():
        reports.write_comparisons(home)


def _status_text(verification: parity.Verification) -> str:
    text = f"workspace {verification.workspace_id}: {verification.status}"
    return f"{text}, {verification.message}" if verification.message else text
