"""`octane-flows doctor`: what stands in the way of an extract, and what a first load costs."""

from octane_flows.doctor.examination import examine
from octane_flows.doctor.finding import Finding

__all__ = ["Finding", "examine"]
