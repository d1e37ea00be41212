"""Data folders that the user may not read or write: one sentence that names what to correct.

The rights count for root, too, once the command has given up to override them (Linux, `setpriv`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.conftest import environment
from tests.hostile.folder_commands import LAKE_COMMANDS, READERS
from tests.hostile.raw_server import RawServer
from tests.hostile.small_workspace import respond_with

#: Runs commands in one process and prints how each ended.
RUNNER = """
import contextlib, io, json, sys
from octane_flows import cli
from octane_flows.cli import command_line

for arguments in json.loads(sys.argv[1]):
    written = io.BytesIO()
    out = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
    sys.argv = ["octane-flows", *arguments]
    command_line.errors.file = out
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, written.getvalue().decode()]))
"""
#: `doctor` has a finding for each fault, and no sentence at the end.
COMMANDS = [
    *READERS.values(),
    *(words for name, words in LAKE_COMMANDS.items() if name != "doctor"),
    ("build", "--full"),
    ("go-back",),
    ("serve", "--port", "0"),
]
#: Files that keep a command out of a folder that one may write.
LOCKS = {
    ".writer.lock": ("extract",),
    ".writer-2.lock": ("extract",),
    ".publish.lock": ("build", "--full"),
    "lake/.pointer.lock": ("extract", "--full"),
}
Ended = tuple[int, str]


class Bound:
    """A data folder, and commands of a user whom the rights of files bind."""

    def __init__(self, server: RawServer, home: Path) -> None:
        self.home = home
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
            **environment(server, home),
            "OCTANE_WEBHOOK": "http://127.0.0.1:9/letter",
        }

    def run(self, *commands: tuple[str, ...]) -> list[Ended]:
        """How each command ends: exit code, and what it printed."""
        done = subprocess.run(
            [*_without_override(), sys.executable, "-c", RUNNER, json.dumps(commands)],
            env=self._environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return [(code, words) for code, words in map(json.loads, done.stdout.splitlines())]


def _without_override() -> list[str]:
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is needed to give up the rights of root")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def bound(server: RawServer, two_generations: Path, tmp_path: Path) -> Bound:
    server.respond = respond_with()
    return Bound(server, Path(shutil.copytree(two_generations, tmp_path / "home")))


def sentence_of(command: tuple[str, ...], ended: Ended) -> str:
    """The one sentence with which a command failed."""
    code, words = ended
    assert code == 1, f"{command}: {words}"
    (*progress, sentence) = words.strip().splitlines()
    assert len(progress) <= 1, f"{command}: {words}"
    assert sentence.startswith("octane-flows: "), f"{command}: {words}"
    return sentence


def test_each_command_names_the_folder_that_may_not_be_searched(bound: Bound) -> None:
    bound.home.chmod(0)
    try:
        ends = bound.run(*COMMANDS)
    finally:
        bound.home.chmod(0o700)

    for command, ended in zip(COMMANDS, ends, strict=True):
        sentence = sentence_of(command, ended)
        assert "Permission denied" in sentence, command
        assert str(bound.home) in sentence, command
        assert "rights" in sentence or "OCTANE_HOME" in sentence, command
    assert bound.run(("query", "select 1"))[0][0] == 0


def test_who_may_only_read_gets_answers_and_a_report_elsewhere(
    bound: Bound, tmp_path: Path
) -> None:
    home, report = bound.home, tmp_path / "mine.html"
    home.chmod(0o500)
    try:
        answer, elsewhere, here, built = bound.run(
            ("query", "select 1"),
            ("report", "--output", str(report)),
            ("report",),
            ("build", "--full"),
        )
    finally:
        home.chmod(0o700)

    assert answer[0] == 0
    assert elsewhere[0] == 0, elsewhere[1]
    assert report.stat().st_size > 10_000
    assert here[0] == 1
    assert f"correct the rights of {home}" in here[1]
    assert not (home / "report.html").exists()
    assert built[0] == 1
    assert f"correct the rights of {home}, or set OCTANE_HOME" in built[1]


def test_a_warehouse_that_may_not_be_read_needs_rights(bound: Bound) -> None:
    file = bound.home / "warehouse.duckdb"
    file.chmod(0)
    ((code, words),) = bound.run(("query", "select 1"))
    assert code == 1
    assert f"correct the rights of {file}, or" in words

    file.chmod(0o400)

    assert bound.run(("query", "select 1"))[0][0] == 0


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_of_another_user_is_the_file_to_correct(bound: Bound, name: str) -> None:
    lock, command = bound.home / name, LOCKS[name]
    lock.touch()
    lock.chmod(0)
    (ended,) = bound.run(command)
    assert f"correct the rights of {lock}, or" in sentence_of(command, ended)

    lock.chmod(0o600)

    assert bound.run(command)[0][0] == 0


def test_data_that_may_not_be_read_needs_rights_and_no_backup(bound: Bound) -> None:
    (folder,) = bound.home.glob("lake/data/*/defect")
    file = max(folder.iterdir())
    commands = (
        ("check",), ("build", "--full"), ("history", "defect"), ("census",),
        ("query", "select * from octane_history.defect"), ("extract", "--full"),
    )  # fmt: skip
    readers = len(commands) - 1  # the last one needs none of them
    for closed, mode in ((folder, 0o700), (file, 0o600)):
        closed.chmod(0)
        try:
            ends = bound.run(*commands[:readers])
        finally:
            closed.chmod(mode)

        for command, (code, words) in zip(commands, ends, strict=False):
            assert code == 1, f"{command}: {words}"
            told = words.replace("\n", " ")
            assert f"orrect the rights of {closed}, or " in told, f"{command}: {words}"
    assert [code for code, _ in bound.run(*commands)] == [0] * len(commands)
