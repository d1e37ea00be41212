"""Each remedy that is printed when a file cannot be written or read helps when it is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from octane_flows.disk_remedies import disk_remedy
from octane_flows.errors import LakeError, OctaneFlowsError, UsageError
from octane_flows.lake import Lake
from octane_flows.warehouse import build, connect
from octane_flows.warehouse.file_replacement import replace_file
from tests.golden import kit


def test_a_folder_in_the_place_of_a_file_is_to_be_moved(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.mkdir()
    with pytest.raises(LakeError, match="a folder is in its place: move or delete it"):
        replace_file(file, b"new")

    file.rename(tmp_path / "moved")
    replace_file(file, b"new")

    assert file.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_to_be_created(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "report.html"
    with pytest.raises(LakeError, match=f"create {file.parent}, or choose another folder"):
        replace_file(file, b"new")

    file.parent.mkdir(parents=True)
    replace_file(file, b"new")

    assert file.read_bytes() == b"new"


def test_a_file_in_the_place_of_a_folder_stays(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(b"no folder")
    with pytest.raises(LakeError, match=f"{file} is a file and no folder, so choose another"):
        replace_file(file / "report.html", b"new")

    replace_file(tmp_path / "report.html", b"new")

    assert file.read_bytes() == b"no folder"
    assert (tmp_path / "report.html").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (13, "correct the rights of {folder}, or choose another"),
        (30, "correct the rights of {folder}, or choose another"),
        (28, "free space or choose another"),
        (5, "check the disk, or choose another"),
    ],
)
def test_rights_a_full_disk_and_a_broken_one_need_something_else(
    number: int, remedy: str, tmp_path: Path
) -> None:
    error = OSError(number, os.strerror(number))

    words = disk_remedy(error, tmp_path / "file", "choose another")

    assert words == remedy.format(folder=tmp_path)


def test_a_folder_in_the_place_of_the_warehouse_is_to_be_moved(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "1", "type": "release", "name": "Spring"}]})
    file = tmp_path / "warehouse.duckdb"
    file.mkdir()
    for attempt in (lambda: connect(tmp_path), lambda: build(tmp_path)):
        with pytest.raises(UsageError, match="is a folder and no warehouse; move or delete it"):
            attempt()

    file.rmdir()
    build(tmp_path)

    with connect(tmp_path) as connection:
        assert connection.execute("select release_name from er.releases").fetchall() == [
            ("Spring",)
        ]


def test_a_folder_in_the_place_of_a_file_of_the_lake_is_to_be_moved(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "1", "type": "release", "name": "Spring"}]})
    pointer = tmp_path / "lake" / "CURRENT"
    saved = pointer.read_bytes()
    pointer.unlink()
    pointer.mkdir()
    with pytest.raises(OctaneFlowsError, match="is a folder and no file; move it away, and put"):
        Lake(tmp_path / "lake").current()

    pointer.rmdir()
    pointer.write_bytes(saved)

    assert Lake(tmp_path / "lake").current() is not None
