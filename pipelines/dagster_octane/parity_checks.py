"""The proof: every flow's answer against its documented REST requests, as checks of the flows.

The live server and the published warehouse in, one check result a flow out. It runs after the
build, in the same job, and asks the server for some ten pages of ids.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from dagster_octane.asset_metadata import key
from dagster_octane.resources import OctaneResource, one_sentence
from octane_flows import warehouse
from octane_flows.parity.comparison_record import record_comparisons
from octane_flows.questions import list_flows

if TYPE_CHECKING:
    from octane_flows.parity import Verification

CHECK = "names_what_octane_names"
#: What is no fault of the warehouse: equal ids, changes since the extract, too many to compare.
PASSING = ("equal", "changed", "not compared")


@dg.multi_asset_check(
    name="verify_flows",
    specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=key(flow.name),
            description="The same ids as the documented REST requests, asked of the live server.",
        )
        for flow in list_flows()
    ],
)
def verify_flows(
    context: dg.AssetCheckExecutionContext, octane: OctaneResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare each flow in every workspace; several workspaces make one result."""
    from octane_flows import parity
    from octane_flows.client import Octane

    with (
        one_sentence(),
        Octane(octane.settings()) as client,
        warehouse.connect(octane.home()) as connection,
    ):
        found = list(parity.verify(client, connection))
        comparisons = [one.as_dict() for one in found]
        record_comparisons(octane.home(), connection, comparisons, datetime.now(UTC))
        _tell_in_report(octane.home())
    told = ", ".join(f"{n} {status}" for status, n in Counter(x.status for x in found).items())
    context.log.info(f"Compared {len(found)} answers of flows with those of the server: {told}.")
    for flow in list_flows():
        own = [one for one in found if one.slug == flow.slug]
        failed = [one for one in own if one.status not in PASSING]
        yield dg.AssetCheckResult(
            asset_key=key(flow.name),
            check_name=CHECK,
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(_said(one) for one in own),
            metadata={"comparisons": dg.MetadataValue.json([one.as_dict() for one in own])},
        )


def _tell_in_report(home: Path) -> None:
    """Write the report again if this run has written it already; otherwise it comes after."""
    from octane_flows import reports  # plots take long to import

    if (home / reports.REPORT_FILE).is_file():
        reports.write(home)


def _said(one: "Verification") -> str:
    status = f"workspace {one.workspace_id}: {one.status}"
    return f"{status}, {one.message}" if one.message else status
