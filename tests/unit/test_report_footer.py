"""The report's footer says how old the last comparison with the server's ids is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from octane_flows.lake import CertificateRow
from octane_flows.reports.report_page import completeness
from octane_flows.warehouse import build, connect, load_models
from tests.golden import kit

MODELS = [model for model in load_models() if model.name == "er.releases"]
ROW = CertificateRow("1002", "release", "releases", 1, 1, 1, 10, "complete")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((None, None), ", not compared with the server's ids by a census, so deletions may be mis"),
        ((0, 0), ", compared with the server's ids at 2021-01-20 21:00 UTC or later"),
        ((1, 0), " or later, 1 day before this state"),
        ((3, None), "2021-01-17 21:00 UTC or later, 3 days before this state, 1 type never"),
    ],
)
def test_the_age_of_the_last_census_is_told(
    tmp_path: Path, days: tuple[int | None, int | None], said: str
) -> None:
    rows = [
        replace(
            ROW,
            entity=entity,
            census_at=None if age is None else kit.AS_OF - timedelta(days=age),
        )
        for entity, age in zip(("release", "sprint"), days, strict=True)
    ]
    kit.write_lake(tmp_path, {}, certificate=rows)
    build(tmp_path, models=MODELS)
    with connect(tmp_path) as connection:
        figures = completeness(connection)

    assert said in figures["census"]
    assert ("before" in figures["census"]) == bool(days[0])
    assert figures["complete_types"] == 2
