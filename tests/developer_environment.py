"""Keeps the developer's environment away from the tests and from the processes that they start.

An environment in, the same environment without variables that change what the product does out;
`tests/conftest.py` calls it before any test module is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec

#: Settings of octane-flows, Dagster, Celery, AWS clients, Spark and of coloured output.
PREFIXES = ("OCTANE_", "DAGSTER_", "CELERY_", "AWS_", "SPARK_", "PYSPARK_")
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "columns", "no_color", "force_color")
#: A module of each extra that `make test` installs.
EXTRAS = {
    "dagster": "dagster",
    "distributed": "dagster_celery",
    "export": "deltalake",
    "dlt": "dlt",
    "spark": "pyspark",
}


def clear(environment: MutableMapping[str, str]) -> list[str]:
    """Remove the variables; returns their names."""
    names = [name for name in environment if name.startswith(PREFIXES) or name.lower() in NAMES]
    for name in names:
        del environment[name]
    return names


def missing_extras(modules: Mapping[str, str] = EXTRAS) -> list[str]:
    """The extras that are not installed; tests that need one of them are skipped."""
    return [extra for extra, module in modules.items() if find_spec(module) is None]
