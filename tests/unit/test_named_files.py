"""Files that users name: one that is no regular file is refused at once, and not waited for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from octane_flows.actions import read_plan
from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import UsageError
from octane_flows.gate.criteria import read_criteria
from octane_flows.letters import read_rules
from octane_flows.quarantine import read_entries

READERS: list[Callable[[Path], object]] = [
    read_plan,
    read_rules,
    read_entries,
    lambda path: read_criteria(f"@{path}", ["pass_ratio"]),
]


@pytest.mark.parametrize("read", READERS)
def test_a_pipe_or_a_folder_is_one_sentence(read: Callable[[Path], object], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (pipe, tmp_path):
        with pytest.raises(UsageError, match="it is no regular file"):
            read(path)


def test_the_content_of_a_file_is_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\xff")

    assert regular_bytes(path) == b"a\r\n\xff"
    with pytest.raises(FileNotFoundError):
        regular_bytes(tmp_path / "other")
