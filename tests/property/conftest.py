"""How long random tests run: `TESTS_EXAMPLES=20000` looks deeper than the suite does."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_DEEP = os.environ.get("TESTS_EXAMPLES")

# The suite's examples are the same on each run; a deep run draws new ones.
settings.register_profile(
    "suite",
    max_examples=int(_DEEP or 150),
    derandomize=_DEEP is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")
