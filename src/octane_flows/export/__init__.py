"""The warehouse's `octane.*` tables in a company lake: Delta Lake or Apache Iceberg.

A data folder and a place in, tables of that format out; the command line calls `export`.
"""

from octane_flows.export.destination import Destination, destination
from octane_flows.export.run_export import ExportedTable, ExportReport, export

__all__ = ["Destination", "ExportReport", "ExportedTable", "destination", "export"]
