"""`octane-flows doctor`: what stands in the way of an extract, and what a first load costs."""

from octane_flows.doctor.diagnosis import Diagnosis
from octane_flows.doctor.examination import examine

__all__ = ["Diagnosis", "examine"]
