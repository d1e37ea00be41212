"""Arrays and scalars that are built without pandas are those that pyarrow builds with it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from octane_flows.lake.arrow_arrays import arrow_array, arrow_scalar, int64_values

MOMENT = datetime(2021, 1, 20, 12, 30, 15, 123456)
EXTRACT = """
import sys
from pathlib import Path
from octane_simulator import Simulator
from tests.small import START, run_extract
simulator = Simulator(clock=START, dataset="demo")
run_extract(simulator, Path(sys.argv[1]), page_size=1000)
run_extract(simulator, Path(sys.argv[1]), page_size=1000)
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", None, "é", ""], pa.string()),
        ([], pa.string()),
        ([None], pa.string()),
        ([1, None, -(2**62)], pa.int64()),
        ([0.5, None, float("inf"), -0.0], pa.float64()),
        ([True, None, False] * 5, pa.bool_()),
        ([MOMENT, None, datetime(1950, 1, 1)], pa.timestamp("us")),
        ([["a", None], None, [], ["b"]], pa.list_(pa.string())),
        ([], pa.list_(pa.string())),
        ([date(2021, 1, 20), None, date(1, 1, 1)], pa.date32()),
        ([1, None], pa.int32()),
    ],
    ids=str,
)
def test_arrays_and_scalars_are_those_of_pyarrow(values: list[Any], kind: pa.DataType) -> None:
    expected = pa.array(values, kind)
    array = arrow_array(values, kind)

    array.validate(full=True)
    assert array.equals(expected)
    assert array.null_count == expected.null_count
    assert [arrow_scalar(value, kind) for value in values] == list(expected)


def test_numbers_of_a_column_are_those_of_its_chunks() -> None:
    whole = pa.chunked_array([pa.array([3, 1]), pa.array([], pa.int64()), pa.array([2, 7, 9])])

    assert int64_values(whole.slice(1, 3)).tolist() == [1, 2, 7]
    assert int64_values(whole.slice(0, 0)).tolist() == []


def test_an_extract_does_not_load_pandas(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split()[-1] == "False"
