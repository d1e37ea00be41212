"""From the REST API to a generation of the lake: what to read, pages by key, JSON to Arrow."""

from octane_flows.extract.entity_result import EntityOutcome, ExtractReport
from octane_flows.extract.extract_plan import EntityPlan, Plan, make_plan
from octane_flows.extract.options import Options, Progress
from octane_flows.extract.run_extract import extract

__all__ = [
    "EntityOutcome",
    "EntityPlan",
    "ExtractReport",
    "Options",
    "Plan",
    "Progress",
    "extract",
    "make_plan",
]
