"""Reports written from the warehouse alone: a page that opens without internet, Excel, CSV."""

from octane_flows.reports.report_excel_csv import write_csv, write_excel
from octane_flows.reports.report_page import REPORT_FILE, write, write_comparisons

__all__ = ["REPORT_FILE", "write", "write_comparisons", "write_csv", "write_excel"]
