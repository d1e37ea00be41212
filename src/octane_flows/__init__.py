"""ALM Octane's documented flows as queries over a Parquet lake and a DuckDB warehouse."""

__version__ = "0.1.0"
