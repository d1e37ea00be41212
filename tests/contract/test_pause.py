"""An extract that a limit of the site has stopped publishes nothing and goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from octane_flows import refresh
from octane_flows.config import load_settings
from octane_flows.errors import PausedError
from octane_flows.lake import Lake
from octane_simulator import Simulator, serve
from tests.e2e.support import environment_of


def test_a_stopped_extract_goes_on_where_it_was(tmp_path: Path) -> None:
    with serve(Simulator(dataset="empty", seed=1)) as running:
        environ = environment_of(running, tmp_path)

        with pytest.raises(PausedError, match="run it again to go on"):
            refresh.update_lake(load_settings({**environ, "OCTANE_MAX_REQUESTS": "40"}))
        assert Lake(tmp_path / "lake").current() is None
        report = refresh.update_lake(load_settings(environ))

    assert report.resumed > 0
    assert report.manifest.politeness["requests"] < len(report.outcomes) + 13
    assert {row.status for row in report.manifest.certificate} == {"complete"}
