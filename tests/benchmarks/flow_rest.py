"""Each flow as a query beside its documented REST requests, asked of a simulated server.

`BENCH_REST_RUNS` generated runs (100,000 unless given), served by a process of its own; they are
extracted and built first. A line for each flow: rows, medians of both, how often they were asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from octane_flows import parity, refresh, warehouse
from octane_flows.client import Octane
from octane_flows.config import load_settings
from octane_flows.questions import run_question
from tests.benchmarks._timing import median_ms

RUNS = int(os.environ.get("BENCH_REST_RUNS", "100000"))
REPEATS = 3
#: Flows whose defaults ask for the whole history are asked as one asks them daily.
PARAMETERS: dict[str, dict[str, str]] = {
    "failed_previous_runs": {"days": "7"},
    "failed_automated_runs": {"hours": "72"},
    "release_runs_with_environments": {"status_codes": "list_node.run_status.failed"},
}


def measure() -> Iterator[str]:
    """Milliseconds of each flow on both sides, and their ratio."""
    with tempfile.TemporaryDirectory() as home, _served(Path(home)) as environment:
        settings = load_settings(environment)
        refresh.refresh(settings)
        yield f"{RUNS:,} generated runs; milliseconds, medians of {REPEATS}"
        yield f"{'flow':<40} {'rows':>8} {'query':>8} {'REST':>10} {'ratio':>7}  requests"
        with warehouse.connect(settings.home) as connection, Octane(settings) as octane:
            workspace = octane.workspace(environment["OCTANE_WORKSPACES"])
            for flow in parity.flows_with_requests():
                parameters = PARAMETERS.get(flow.slug, {})
                documented = parity.documented_requests(flow.slug)
                values = parity.effective_parameters(
                    connection, workspace.id, flow.slug, parameters
                )
                rows = run_question(connection, flow, parameters).num_rows
                requests, _ = parity.send_requests(workspace, documented, values)
                query = median_ms(partial(run_question, connection, flow, parameters), REPEATS)
                send = partial(parity.send_requests, workspace, documented, values)
                rest = median_ms(send, REPEATS)
                yield (
                    f"{flow.slug:<40} {rows:>8,} {query:>8,.0f} {rest:>10,.0f} "
                    f"{rest / query:>7.1f}  {len(requests)}"
                )


@contextmanager
def _served(home: Path) -> Iterator[dict[str, str]]:
    command = [
        sys.executable, "-m", "octane_flows", "simulate", "--dataset", "generated",
        "--runs", str(RUNS),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = json.loads(process.stdout.readline())
            yield {
                "OCTANE_URL": facts["url"],
                "OCTANE_CLIENT_ID": facts["client_id"],
                "OCTANE_CLIENT_SECRET": facts["client_secret"],
                "OCTANE_SHARED_SPACE": facts["shared_space"],
                "OCTANE_WORKSPACES": facts["workspace"],
                "OCTANE_HOME": str(home),
            }
        finally:
            process.terminate()
