"""Windows and macOS, as far as Linux can simulate them: no POSIX, open files, other consoles."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from octane_flows import portable_files
from octane_flows.actions.audit_log import AuditLog
from octane_flows.config import limit_file_access, open_settings_file
from octane_flows.errors import LakeError
from octane_flows.lake.file_names import file_name
from octane_flows.lake.storage import FolderStorage
from octane_flows.portable_files import HeldFileError, exclusive_lock, put_in_place, sync_file
from octane_flows.warehouse import build, connect, load_models, warehouse_path
from octane_flows.warehouse.file_replacement import replace_file
from octane_simulator import Running, Simulator, serve
from tests.golden import kit

SABOTAGED = Path(__file__).with_name("sabotaged_python.py")
ROOT = Path(__file__).resolve().parents[2]
RELEASE = {"id": "5", "type": "release", "name": "Überraschung \N{PARTY POPPER} ≥ 2.8"}
FEW = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]
#: What Windows takes in no name, and names that it takes for others.
NOT_ON_WINDOWS = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Simulator(dataset="generated", seed=3, runs=30)) as running:
        yield running


@pytest.fixture(scope="module")
def home(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that a Python without POSIX has extracted, built and reported."""
    home = tmp_path_factory.mktemp("no-posix")
    done = without_posix("run", server=server, home=home)
    assert done.returncode == 0, done.stderr
    return home


def without_posix(
    *arguments: str, server: Running, home: Path, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    settings = {
        "OCTANE_URL": server.url,
        "OCTANE_CLIENT_ID": server.client_id,
        "OCTANE_CLIENT_SECRET": server.client_secret,
        "OCTANE_SHARED_SPACE": server.shared_space,
        "OCTANE_WORKSPACES": server.workspace,
        "OCTANE_HOME": str(home),
        "PYTHONIOENCODING": encoding,
        "COLUMNS": "120",
    }
    return subprocess.run(
        [sys.executable, str(SABOTAGED), *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        encoding=encoding,
        timeout=900,
        check=False,
    )


def test_every_module_is_imported_where_posix_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, str(SABOTAGED), "import-all"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert {"octane_flows.cli.command_line", "octane_flows.dagster_pages"} <= set(names)
    files = [path for path in (ROOT / "src").rglob("*.py") if path.stem != "__main__"]
    assert len(names) == len(files) - 2  # the two packages themselves are not listed


def test_only_what_all_systems_have_is_imported_and_texts_have_an_encoding() -> None:
    posix = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
    position = {"read_text": 0, "write_text": 1}  # of the encoding, among the arguments

    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tried = {  # what is imported where ImportError has a way out
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.Try) and "ImportError" in ast.unparse(node).split("except")[-1]
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in tried:
                continue
            if isinstance(node, ast.Import):
                assert not posix & {alias.name for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module not in posix, path
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and (method := node.func.attr) in position
            ):
                by_name = {keyword.arg for keyword in node.keywords}
                has_encoding = "encoding" in by_name or len(node.args) > position[method]
                assert has_encoding, f"{path}:{node.lineno}: Windows would take its code page"


def test_a_refresh_and_questions_need_no_posix(home: Path, server: Running) -> None:
    build = without_posix("build", "--full", server=server, home=home)
    flow = without_posix("flow", "open_high_severity_defects", server=server, home=home)

    for done in (build, flow):
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert "defect_id" in flow.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("query", "select '\N{PARTY POPPER} \N{GREATER-THAN OR EQUAL TO} x' as name"),
        ("doctor",),
    ],
)
def test_a_console_of_code_page_1252_takes_every_text(
    arguments: tuple[str, ...], home: Path, server: Running
) -> None:
    done = without_posix(*arguments, server=server, home=home, encoding="cp1252")

    assert "UnicodeEncodeError" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout
    if arguments[0] == "query":
        assert r"\U0001f389 \u2265 x" in done.stdout


def test_windows_can_store_every_name_of_a_data_folder(home: Path) -> None:
    paths = [path.relative_to(home).as_posix() for path in home.rglob("*")]

    assert len(paths) > 100
    for path in paths:
        for name in path.split("/"):
            assert not NOT_ON_WINDOWS.search(name), path
    folded = {path.casefold() for path in paths}
    assert len(folded) == len(paths), "two names that Windows and macOS take for one"
    assert max(map(len, paths)) < 150  # Windows ends at 260 with the folder


def test_names_of_the_server_differ_on_a_file_system_that_ignores_case() -> None:
    names = ["Team", "team", "TEAM", "con", "CON", "a/b", "a\\b", "C:", "..", "x.", "x "]
    files = [file_name(name) for name in names]

    assert len({file.casefold() for file in files}) == len(names)
    for file in files:
        assert not NOT_ON_WINDOWS.search(file)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """Files that are open are replaced at the third try, or never after `refuse`."""
    tried: list[Path] = []
    original = os.replace
    refusals = [2]

    def replace(source: Path, target: Path) -> None:
        tried.append(Path(target))
        if len(tried) <= refusals[0]:
            raise PermissionError(13, "Access is denied", str(source), 5, str(target))
        original(source, target)

    def refuse() -> list[Path]:
        refusals[0] = 10**9
        return tried

    monkeypatch.setattr(portable_files, "OPEN_FILES_STAY", True)
    monkeypatch.setattr("octane_flows.warehouse.draft_file.OPEN_FILES_STAY", True)
    monkeypatch.setattr(portable_files, "HELD_POLL_S", 0.0)
    monkeypatch.setattr(put_in_place, "__kwdefaults__", {"wait_s": 0.05})
    monkeypatch.setattr(os, "replace", replace)
    return refuse


def test_a_file_that_a_program_has_open_for_a_moment_is_replaced(
    windows: Callable[[], list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(put_in_place, "__kwdefaults__", {"wait_s": 600.0})
    replace_file(tmp_path / "report.html", b"new")

    assert (tmp_path / "report.html").read_bytes() == b"new"


def test_a_file_that_stays_open_is_named_with_what_to_do(
    windows: Callable[[], list[Path]], tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(b"old")
    windows()

    with pytest.raises(
        LakeError, match=r"report\.html: another program has it open.*What was"
    ) as e:
        replace_file(target, b"new")

    assert isinstance(e.value.__cause__, HeldFileError)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_bytes() == b"old"


def test_the_pointer_of_a_lake_that_stays_open_keeps_the_previous_generation(
    windows: Callable[[], list[Path]], tmp_path: Path
) -> None:
    (tmp_path / "CURRENT").write_bytes(b"1")
    windows()

    with pytest.raises(LakeError, match=r"another program has it open.*The previous generation"):
        FolderStorage(tmp_path).swap("CURRENT", b"2", b"1")

    assert (tmp_path / "CURRENT").read_bytes() == b"1"


def test_a_warehouse_that_a_reader_has_open_stays_until_it_is_closed(
    windows: Callable[[], list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.write_lake(tmp_path, {"release": [RELEASE]})
    build(tmp_path, models=FEW)
    before = warehouse_path(tmp_path).read_bytes()
    windows()

    with pytest.raises(LakeError) as caught:
        build(tmp_path, models=FEW, full=True)

    assert re.fullmatch(
        r"The warehouse of generation 1 is built and checked, but could not take the place of "
        r".*warehouse\.duckdb: another program has it open, and Windows does not replace open "
        r"files; close it there .*, and run this again\. The previous warehouse stays\.",
        str(caught.value),
    )
    assert warehouse_path(tmp_path).read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".warehouse-")]
    monkeypatch.undo()  # the reader closes it, and the remedy is followed
    build(tmp_path, models=FEW, full=True)
    with connect(tmp_path) as connection:
        names = connection.execute("select release_name from er.releases").fetchall()
    assert names == [(RELEASE["name"],)]


def test_on_linux_a_refusal_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def refuse(*arguments: object) -> None:
        tries.append(arguments)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(LakeError, match=r"Permission denied; correct the rights of .* or choose"):
        replace_file(tmp_path / "report.html", b"new")

    assert len(tries) == 1


def test_folders_are_not_synced_on_windows_and_files_are_opened_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    opened: list[tuple[Path, int]] = []
    original = os.open

    def open_file(path: Path, flags: int, *more: int) -> int:
        assert not Path(path).is_dir(), "Windows opens no folder"
        opened.append((path, flags))
        return original(path, flags, *more)

    monkeypatch.setattr(portable_files, "IS_WINDOWS", True)
    monkeypatch.setattr(os, "open", open_file)
    sync_file(tmp_path)
    sync_file(file)

    assert opened == [(file, os.O_RDWR)]


def test_asking_for_a_process_never_ends_it_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable_files, "IS_WINDOWS", True)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("on Windows this ends the process"))
    monkeypatch.setattr(psutil, "pid_exists", lambda process: process == 17)

    assert portable_files.is_running(17)
    assert not portable_files.is_running(18)


def test_windows_rights_are_not_judged_by_posix_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "octane-flows.toml"
    file.write_text('client_secret = "c4nary"\n', encoding="utf-8")
    file.chmod(0o666)  # what Python shows for every file there

    assert open_settings_file({"OCTANE_CONFIG": str(file)})
    monkeypatch.setattr("octane_flows.config.file_access.IS_WINDOWS", True)
    assert open_settings_file({"OCTANE_CONFIG": str(file)}) is None


def test_the_audit_log_has_line_ends_of_one_kind_and_is_private(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "actions" / "audit.jsonl")
    log.append({"event": "sending", "name": RELEASE["name"]})
    with log.path.open("ab") as stream:
        stream.write(b'{"event": "cut')
    log.append({"event": "verdict"})

    assert [record["event"] for record in log.read()] == ["sending", "verdict"]
    assert b"\r" not in log.path.read_bytes()
    assert log.path.read_bytes().count(b"\n") == 3
    assert not stat.S_IMODE(log.path.stat().st_mode) & 0o077


@pytest.mark.parametrize(("access", "mode"), [("owner", 0o600), ("group", 0o640)])
def test_a_lock_is_as_private_as_the_data(access: str, mode: int, tmp_path: Path) -> None:
    os.umask(0o002)
    limit_file_access({"OCTANE_FILE_ACCESS": access})
    path = tmp_path / ".writer.lock"

    with exclusive_lock(path):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)  # a lock that somebody closed is not opened again for others
    with exclusive_lock(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
