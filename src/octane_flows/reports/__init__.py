"""Reports: pages written from the warehouse alone, which open without internet."""

from octane_flows.reports.page import REPORT_FILE, write

__all__ = ["REPORT_FILE", "write"]
