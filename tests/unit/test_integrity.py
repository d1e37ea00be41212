"""Damaged files of a lake: each is noticed, and what the message says helps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake import Lake, check_lake, go_back
from octane_simulator import Simulator
from tests.small import run_extract, stored_links, stored_rows
from tests.small_defects import certificate, ids_of

Damage = Callable[[Path], None]


def rewrite(path: Path) -> None:
    """The same columns, one row less: Parquet that can be read and is not what was written."""
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def overwrite(path: Path) -> None:
    path.write_bytes(b"no Parquet at all")


DAMAGES: dict[str, Damage] = {
    "rewritten": rewrite,
    "cut": cut,
    "overwritten": overwrite,
    "missing": Path.unlink,
}


def data_file(home: Path, table: str) -> Path:
    (path,) = (home / "lake" / "data").glob(f"*/{table}/*.parquet")
    return path


def manifest_file(home: Path, generation: int) -> Path:
    return home / "lake" / "generations" / f"{generation:06d}.json"


@pytest.mark.parametrize("table", ["defect", "defect__user_tags"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_data_file_is_named_and_its_remedy_helps(
    simulator: Simulator, tmp_path: Path, damage: str, table: str
) -> None:
    run_extract(simulator, tmp_path)
    expected = stored_rows(tmp_path, "defect", "name")
    links = stored_links(tmp_path, "defect", "user_tags")
    path = data_file(tmp_path, table)
    DAMAGES[damage](path)

    with pytest.raises(LakeError, match=rf"{path.name}.*octane-flows extract --full defect\."):
        stored_rows(tmp_path, "defect")
    (fault,) = check_lake(Lake(tmp_path / "lake")).faults
    assert path.name in fault
    assert "octane-flows extract --full defect." in fault

    report = run_extract(simulator, tmp_path, only=("defect",), full=True)

    assert stored_rows(tmp_path, "defect", "name") == expected
    assert stored_links(tmp_path, "defect", "user_tags") == links
    if table == "defect" and damage != "rewritten":
        assert "the stored files could not be read" in certificate(report).note
    (fault,) = check_lake(Lake(tmp_path / "lake")).faults
    assert "Only generations up to 1 need it" in fault


def test_a_refresh_that_needs_a_damaged_file_says_what_to_do(
    simulator: Simulator, tmp_path: Path
) -> None:
    run_extract(simulator, tmp_path)
    cut(data_file(tmp_path, "defect"))
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    simulator.clock.advance(3600)

    with pytest.raises(LakeError, match=r"octane-flows extract --full defect\."):
        run_extract(simulator, tmp_path)


@pytest.mark.parametrize("damaged", ["manifest", "part", "pointer"])
def test_going_back_helps_when_the_newest_generation_is_damaged(
    simulator: Simulator, tmp_path: Path, damaged: str
) -> None:
    run_extract(simulator, tmp_path)
    simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"})
    simulator.clock.advance(3600)
    run_extract(simulator, tmp_path)
    lake = Lake(tmp_path / "lake")
    if damaged == "manifest":
        cut(manifest_file(tmp_path, 2))
    elif damaged == "part":
        for path in (tmp_path / "lake" / "parts").glob("000002-*-files.json"):
            path.unlink()
    else:
        (tmp_path / "lake" / "CURRENT").write_text("{")

    with pytest.raises(LakeError, match="octane-flows go-back"):
        lake.current()
    assert any("octane-flows go-back" in fault for fault in check_lake(lake).faults)

    kept = go_back(lake)

    assert kept.generation == (2 if damaged == "pointer" else 1)
    assert check_lake(lake).faults == ()
    simulator.clock.advance(3600)
    report = run_extract(simulator, tmp_path)
    assert report.manifest.generation == 3
    rows = stored_rows(tmp_path, "defect", "name")
    assert len(rows) == len(ids_of(simulator))
    assert rows[ids_of(simulator)[0]] == ("changed",)


def test_going_back_to_a_generation_that_is_whole(simulator: Simulator, tmp_path: Path) -> None:
    for _ in range(3):
        run_extract(simulator, tmp_path)
    lake = Lake(tmp_path / "lake")

    with pytest.raises(UsageError, match="keeps no generation 9"):
        go_back(lake, 9)
    assert go_back(lake, 2).generation == 2
    assert [entry.generation for entry in lake.kept()] == [1, 2]
    assert go_back(lake).generation == 1
    with pytest.raises(UsageError, match="no earlier generation"):
        go_back(lake)
    with pytest.raises(UsageError, match="There is no lake"):
        check_lake(Lake(tmp_path / "elsewhere"))


def test_a_lake_as_it_was_written_has_no_faults(simulator: Simulator, tmp_path: Path) -> None:
    manifest = run_extract(simulator, tmp_path).manifest

    report = check_lake(Lake(tmp_path / "lake"))

    files = [file for table in manifest.tables.values() for file in table.files]
    assert (report.generations, report.files, report.faults) == (1, len(files), ())
    assert report.bytes == sum(file.bytes for file in files)
