"""Tests see nothing of the environment in which a developer starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import settings

from tests.developer_environment import clear, missing_extras

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "OCTANE_HOME": "/x",
    "DAGSTER_HOME": "/x",
    "AWS_PROFILE": "company",
    "https_proxy": "http://proxy.example.com:3128",
    "NO_PROXY": "example.com",
    "SPARK_CONF_DIR": "/x",
}


def test_settings_are_removed_and_everything_else_stays() -> None:
    environment = {**SETTINGS, "PATH": "/bin", "TESTS_NEED_NODE": "1"}

    assert set(clear(environment)) == set(SETTINGS)
    assert environment == {"PATH": "/bin", "TESTS_NEED_NODE": "1"}


def test_neither_tests_nor_their_processes_see_them() -> None:
    code = "import os, tests.conftest, subprocess, sys; "
    code += "subprocess.run([sys.executable, '-c', 'import os; print(*os.environ)'], check=True)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=True,
    )

    assert not set(SETTINGS) & set(done.stdout.split())
    assert "PATH" in done.stdout.split()


def test_no_property_test_has_a_deadline() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None


def test_an_extra_that_is_not_installed_is_named() -> None:
    assert missing_extras({"spark": "no_such_module", "test": "pytest"}) == ["spark"]
