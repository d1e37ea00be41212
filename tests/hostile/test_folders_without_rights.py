"""Data folders that the user may not read or write: one sentence that names the folder to correct.

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

from octane_flows.warehouse import build
from tests.golden import kit

#: Runs commands in one process and prints how each ended.
RUNNER = """
import contextlib, io, json, sys
from octane_flows import cli
for arguments in json.loads(sys.argv[1]):
    out = io.StringIO()
    sys.argv = ["octane-flows", *arguments]
    from octane_flows.cli import command_line
    command_line.errors.file = out
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, out.getvalue()]))
"""
Ended = tuple[int, str]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("rights") / "home"
    kit.write_lake(home, {"release": [{"id": "1", "type": "release", "name": "Spring"}]})
    build(home)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "home"))


def run(home: Path, *commands: tuple[str, ...]) -> list[Ended]:
    """How each command ends for a user whom the rights of files bind."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) is needed to give up the rights of root")
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ
    }
    done = subprocess.run(
        [
            *(bound if os.geteuid() == 0 else []),
            sys.executable, "-c", RUNNER, json.dumps(commands),
        ],
        env={
            **environment,
            "OCTANE_HOME": str(home),
            "OCTANE_URL": "http://127.0.0.1:9",
            "OCTANE_SHARED_SPACE": "1",
            "OCTANE_CLIENT_ID": "reader",
            "OCTANE_CLIENT_SECRET": "secret",
        },
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(code, messages) for code, messages in map(json.loads, done.stdout.splitlines())]


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("query", "select 1"), ("flow", "my_new_stories"), ("metric", "time_in_phase"),
    ("changes",), ("report",), ("status",), ("build",), ("build", "--full"), ("extract",), ("run",),
    ("generations",), ("check",), ("compact",), ("expire", "--keep", "1"), ("go-back",),
    ("history", "release", "1"), ("verify",), ("quarantine", "review"), ("serve", "--port", "0"),
    ("mcp",), ("plan", "triage"), ("export", "--format", "delta", "--output", "exported"),
)  # fmt: skip


def test_each_command_names_the_folder_that_may_not_be_searched(home: Path) -> None:
    home.chmod(0)
    try:
        ends = run(home, *COMMANDS)
    finally:
        home.chmod(0o700)

    for command, (code, messages) in zip(COMMANDS, ends, strict=True):
        assert code == 1, f"{command}: {messages}"
        (*progress, sentence) = messages.strip().splitlines()
        assert len(progress) <= 1, f"{command}: {messages}"
        assert sentence.startswith("octane-flows: "), command
        assert "Permission denied" in sentence, command
        assert str(home) in sentence, command
        assert "rights" in sentence or "OCTANE_HOME" in sentence, command
    assert run(home, ("query", "select 1"))[0][0] == 0


def test_who_may_only_read_gets_answers_and_a_report_elsewhere(home: Path, tmp_path: Path) -> None:
    report = tmp_path / "mine.html"
    home.chmod(0o500)
    try:
        answer, elsewhere, here, built = run(
            home,
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


def test_a_warehouse_that_may_not_be_read_needs_rights(home: Path) -> None:
    file = home / "warehouse.duckdb"
    file.chmod(0)
    ((code, messages),) = run(home, ("query", "select 1"))
    assert code == 1
    assert f"correct the rights of {file}, or" in messages

    file.chmod(0o400)

    assert run(home, ("query", "select 1"))[0][0] == 0


def test_data_that_may_not_be_read_needs_rights_and_no_backup(home: Path) -> None:
    folder = home / "lake/data/1002/release"
    (file,) = folder.iterdir()
    for closed, mode in ((folder, 0o700), (file, 0o600)):
        closed.chmod(0)
        try:
            checked, built = run(home, ("check",), ("build", "--full"))
        finally:
            closed.chmod(mode)

        assert checked[0] == built[0] == 1
        assert f"correct the rights of {closed}, or restore" in built[1]
        assert f"orrect the rights of {closed}, or restore" in checked[1].replace("\n", " ")
    assert [code for code, _ in run(home, ("check",), ("build", "--full"))] == [0, 0]
