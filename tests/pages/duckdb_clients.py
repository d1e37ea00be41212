"""Which DuckDB clients open the published file: the list that a test tries, as a sentence.

Nothing in, text out; `tests/e2e/test_duckdb_clients.py` installs each of these clients.
"""

from __future__ import annotations

#: Of Python's client: the oldest version that opens the file, and the last one before 2.0.
PYTHON_VERSIONS = ("1.4.4", "1.5.6")
#: Of Node.js's client, the newest there is.
NODE_VERSION = "1.5.6-r.1"


def least_version() -> str:
    """The oldest version, as people say it: 1.4."""
    return ".".join(PYTHON_VERSIONS[0].split(".")[:2])


def clients_sentence() -> str:
    """Which clients open the published file."""
    python = ", ".join(PYTHON_VERSIONS)
    node = NODE_VERSION.partition("-")[0]
    return (
        f"`warehouse.duckdb` opens in DuckDB {least_version()} and later, in each client and on\n"
        f"the command line. Tests call everything in it with Python's DuckDB {python} and 2, and\n"
        f"with Node.js's {node}.\n"
    )
