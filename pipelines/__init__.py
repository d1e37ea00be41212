"""Dagster and only Dagster: the same steps as the command line, as assets, checks and a job."""
