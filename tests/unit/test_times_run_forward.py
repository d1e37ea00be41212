"""The check that warns of rows whose times are the wrong way round."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path

from octane_flows.warehouse import build, load_models
from tests.golden import kit

NAMES = (
    "er.metaphases", "er.phases", "er.list_items", "er.work_items", "er.releases", "er.sprints",
    "er.runs", "er.previous_runs", "er.builds", "check.times_run_forward",
)  # fmt: skip
MODELS = [  # without relations to models that are left out
    dataclasses.replace(model, header=dataclasses.replace(model.header, relations=()))
    for model in load_models()
    if model.name in NAMES
]
EARLY, LATE = datetime(2021, 1, 1), datetime(2021, 1, 2)


def test_each_kind_of_reversed_time_is_a_warning(tmp_path: Path) -> None:
    kit.write_lake(
        tmp_path,
        {
            "story": [
                {"id": "1", "type": "story", "creation_time": LATE, "closed_on": EARLY},
                {"id": "2", "type": "story", "creation_time": EARLY, "closed_on": EARLY},
            ],
            "release": [{"id": "3", "start_date": LATE, "end_date": EARLY}],
            "sprint": [{"id": "4", "start_date": LATE, "end_date": EARLY}],
            "run_automated": [
                {"id": "5", "type": "run_automated", "duration": -1},
                {"id": "6", "type": "run_automated", "duration": 0},
            ],
            "run_history": [{"id": "7", "run_duration": -1}],
            "ci_build": [{"id": "8", "duration": -1}],
        },
    )

    [check] = [check for check in build(tmp_path, models=MODELS).checks if not check.passed]

    assert (check.name, check.severity) == ("times_run_forward", "warn")
    assert {(row["item_type"], row["item_id"]) for row in check.examples} == {
        ("story", "1"),
        ("release", "3"),
        ("sprint", "4"),
        ("run_automated", "5"),
        ("run_history", "7"),
        ("ci_build", "8"),
    }
