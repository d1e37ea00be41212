"""Documented requests of the flows whose rows are work items: 12.

Typed parameters in, requests out; `flows.rest` lists them.
"""

from __future__ import annotations

from octane_flows.flows.rest.request import Params, Reading, RestFlow, logical_names, single


def _open_high_severity_defects(params: Params) -> str:
    return (
        f"product_areas EQ {{name EQ ^*^}};phase EQ {{{logical_names(params['phase_codes'])}}};"
        f"severity EQ {{{logical_names(params['severity_codes'])}}}"
    )


FLOWS = {
    "open_high_severity_defects": RestFlow(
        "defects",
        "defect_id",
        single("defects", _open_high_severity_defects),
        "partly",
        (
            Reading(
                "'High severity' may mean the value High or all values from High up.",
                "The value High alone.",
                ("severity_codes",),
            ),
        ),
    ),
}
