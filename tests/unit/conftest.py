"""Servers on loopback for buckets and letters, and a small simulated one with ten defects."""

from __future__ import annotations

import pytest

from octane_simulator import Simulator
from tests.letter_servers import address, certificate, mail_server, mailbox, sink
from tests.s3 import bucket, s3_endpoint
from tests.served import copied_home, served_home
from tests.small_defects import ten_defects

__all__ = [
    "address",
    "bucket",
    "certificate",
    "copied_home",
    "mail_server",
    "mailbox",
    "s3_endpoint",
    "served_home",
    "simulator",
    "sink",
]


@pytest.fixture
def simulator() -> Simulator:
    """Ten defects, of which the first two have tags, written an hour before the first extract."""
    return ten_defects()
