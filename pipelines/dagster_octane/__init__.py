"""Dagster and only Dagster: the steps of the command line as assets, checks, jobs and schedules.

`dagster dev -m dagster_octane.definitions` loads it. Needs the extra `dagster`.
"""
