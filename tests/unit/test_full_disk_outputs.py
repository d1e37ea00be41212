"""Files that a user names, and locks, on a full disk: the file is named, what was there stays."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from octane_flows.console import plain_console
from octane_flows.errors import LakeError
from octane_flows.lake.writer_lock import write_lock
from octane_flows.questions.answer_formats import write_answer
from octane_flows.warehouse.file_replacement import replace_file, written_aside

ANSWER = pa.table({"id": ["1", "2"]})


@pytest.mark.parametrize("format", ["table", "csv", "csv-raw", "json", "parquet"])
def test_an_answer_replaces_the_file_of_before_when_it_is_whole(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "answer"
    write_answer(ANSWER, format, file, plain_console())
    before = file.read_bytes()
    assert before

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LakeError) as caught:
        write_answer(ANSWER, format, file, plain_console())

    assert str(caught.value) == (
        f"Could not write {file}: No space left on device; free space or choose another folder. "
        "What was there stays."
    )
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_and_a_link_are_written_and_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"Could not write /dev/full: No space left.*folder\.$"):
        replace_file(Path("/dev/full"), b"x")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")

    replace_file(link, b"x")

    assert link.is_symlink()
    assert (tmp_path / "file").read_bytes() == b"x"


def test_what_else_goes_wrong_leaves_nothing_and_keeps_its_name(tmp_path: Path) -> None:
    def fail() -> None:
        with written_aside(tmp_path / "file") as path:
            path.write_bytes(b"half")
            raise ValueError("own words")

    with pytest.raises(ValueError, match="own words"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_does_not_stop_commands_that_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr("octane_flows.lake.writer_lock.MOMENT_S", 0.1)
    with (
        write_lock(tmp_path, "expire"),
        pytest.raises(LakeError, match="is being written by another process"),
        write_lock(tmp_path, "extract"),
    ):
        pass
