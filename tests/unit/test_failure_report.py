"""The last handler: a fault of the program is one sentence, a file and exit code 70."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from octane_flows import cli
from octane_flows.failure_report import report_failure


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run_main(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("canary-of-a-row"), "itself has a fault (KeyError)"),
        (MemoryError(), "not enough memory"),
        (RecursionError(), "nested too deep"),
        (UnicodeEncodeError("ascii", "ü", 0, 1, "odd"), "a fault (UnicodeEncodeError)"),
    ],
)
def test_a_fault_is_one_sentence_a_file_and_exit_code_70(
    error: Exception,
    words: str,
    temporary_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_main(error, monkeypatch) == 70

    errors = capsys.readouterr().err
    (file,) = temporary_folder.glob("octane-flows-*.log")
    assert words in errors
    assert str(file) in errors
    assert "Traceback" not in errors
    assert "canary" not in errors
    assert "Traceback" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_details_have_no_secret(temporary_folder: Path) -> None:
    environ = {"OCTANE_CLIENT_SECRET": "canary-secret", "OCTANE_URL": "https://octane.example"}
    try:
        raise ValueError("the body was canary-secret at https://octane.example")
    except ValueError as error:
        report_failure(error, environ)
    (file,) = temporary_folder.iterdir()
    assert "canary" not in file.read_text()
    assert "octane.example" in file.read_text()


def test_a_temporary_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert "could not be written" in report_failure(KeyError("x"), {})


def test_too_many_open_files_are_told_with_the_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(OSError(errno.EMFILE, "Too many open files"), monkeypatch) == 1
    assert "ulimit -n" in capsys.readouterr().err


def run_command(*arguments: str, limit: int | None = None, **environ: str) -> tuple[int, str]:
    """The command in a process of its own, with few open files where `limit` says so."""
    prepare = "" if limit is None else f"ulimit -n {limit}; "
    line = f"{prepare}exec {sys.executable} -m octane_flows {' '.join(arguments)}"
    ended = subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PYTHONWARNINGS": "ignore", **environ},
        check=False,
    )
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("limit", [6, 8, 12])
def test_a_command_with_few_open_files_shows_no_traceback(limit: int, tmp_path: Path) -> None:
    code, errors = run_command(
        "extract",
        limit=limit,
        OCTANE_URL="http://127.0.0.1:9",
        OCTANE_SHARED_SPACE="1001",
        OCTANE_TOKEN="a-token",
        OCTANE_HOME=str(tmp_path),
    )
    assert code in (1, 2, 70)
    assert "Traceback" not in errors
    assert errors.strip().startswith("octane-flows: ")


def test_a_name_that_a_console_lacks_is_shown_in_another_way(tmp_path: Path) -> None:
    code, errors = run_command(
        "status", OCTANE_HOME=str(tmp_path / "größe 年"), PYTHONIOENCODING="ascii"
    )
    assert code in (1, 2)
    assert "Traceback" not in errors
