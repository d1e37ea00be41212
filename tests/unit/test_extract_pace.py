"""An extract decodes in more threads than it may send requests with."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from octane_flows.client.transport import Request, Response
from octane_simulator import Simulator
from tests.small import START, SmallTransport, run_extract, stored_rows


class CountingTransport(SmallTransport):
    """Notes the most requests in flight at once; each takes two milliseconds longer."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self.lock = threading.Lock()
        self.under_way = self.most = 0

    def send(self, request: Request) -> Response:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(0.002)
        try:
            return super().send(request)
        finally:
            with self.lock:
                self.under_way -= 1


def test_no_more_requests_are_in_flight_than_the_concurrency_allows(tmp_path: Path) -> None:
    simulator = Simulator(clock=START)
    for number in range(90):
        simulator.store.insert("defect", {"name": f"d{number}"})
    transport = CountingTransport(simulator)

    run_extract(simulator, tmp_path, transport, concurrency=2, decoding=3)  # thirty pages of three

    assert len(stored_rows(tmp_path, "defect")) == 90
    assert transport.most == 2
