"""What a test needs of the machine: without it the test is skipped, or fails where it must run.

What was found in, nothing out; fixtures call it. `.ci/run` installs all and sets the switches.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest


def need(program: object, missing: str, switch: str) -> None:
    """Skip the test unless something was found; fail it where the switch is 1."""
    if program:
        return
    if os.environ.get(switch) == "1":
        pytest.fail(f"{missing}, and {switch}=1 says that this test must run")
    pytest.skip(missing)


def need_spark() -> None:
    """Java and PySpark."""
    need(
        (shutil.which("java") or os.environ.get("JAVA_HOME"))
        and importlib.util.find_spec("pyspark"),
        "tests on Spark need Java 17 or newer, and PySpark, which `make test` brings",
        "TESTS_NEED_JAVA",
    )
