"""An S3 server of our own for a lake in a bucket, and a small simulated server with ten defects."""

from __future__ import annotations

import pytest

from octane_simulator import Simulator
from tests.s3 import bucket, s3_endpoint
from tests.served import copied_home, served_home
from tests.small_defects import ten_defects

__all__ = ["bucket", "copied_home", "s3_endpoint", "served_home", "simulator"]


@pytest.fixture
def simulator() -> Simulator:
    """Ten defects, of which the first two have tags, written an hour before the first extract."""
    return ten_defects()
