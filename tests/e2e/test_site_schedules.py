"""The crontab, the systemd units and the Windows tasks run as they are printed, from `/`.

Only the three folders of a site (`/opt`, `/etc`, `/var`) are replaced by folders of the test.
Windows itself and cron are not here: the commands of their files are.
"""

from __future__ import annotations

import fnmatch
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from octane_flows.warehouse import connect
from tests.e2e.support import tiny_server
from tests.generated_docs import ROOT

DEPLOY = ROOT / "deploy"
CRONTAB = DEPLOY / "cron" / "octane-flows.crontab"
SERVICES = ("octane-flows", "octane-flows-nightly", "octane-flows-weekly")
COMMAND = re.compile(r"octane-flows(?:\.exe)? ([^;&|)]+)")
ENTRY = re.compile(r"(?:\S+ +){5}(.+)")
ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")
Schedule = tuple[dict[str, str], list[str]]


class Site:
    """The folders of a site with settings, a secret and a program; nothing is in them else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("opt/bin", "etc", "var/lib", "var/log", "credentials"):
            (folder / name).mkdir(parents=True)
        self.home = folder / "var" / "lib"
        self.secret = folder / "etc" / "client-secret"
        program = folder / "opt" / "bin" / "octane-flows"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m octane_flows "$@"\n', "utf-8")
        program.chmod(0o755)

    def here(self, text: str) -> str:
        """The text with the folders of this test in place of the site's."""
        for site, own in (
            ("/opt/octane-flows", "opt"),
            ("/etc/octane-flows", "etc"),
            ("/var/lib/octane-flows", "var/lib"),
            ("/var/log/octane-flows", "var/log"),
            ("%d", "credentials"),
        ):
            text = text.replace(site, str(self.folder / own))
        return text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with tiny_server() as server:
        site = Site(tmp_path_factory.mktemp("site"))
        site.secret.write_text(f"{server.client_secret}\n", encoding="utf-8")
        site.secret.chmod(0o600)
        shutil.copy(site.secret, site.folder / "credentials" / "client-secret")
        (site.folder / "etc" / "octane-flows.toml").write_text(
            f'url = "{server.url}"\nshared_space = {server.shared_space}\n'
            f'client_id = "{server.client_id}"\nworkspaces = [{server.workspace}]\n',
            encoding="utf-8",
        )
        yield site


def crontab() -> Schedule:
    """Assignments and commands, read as cron reads them."""
    assignments: dict[str, str] = {}
    commands: list[str] = []
    for line in CRONTAB.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if match := ASSIGNMENT.fullmatch(line):
            assignments[match[1]] = match[2]
        elif match := ENTRY.fullmatch(line):
            commands.append(match[1])
        else:
            pytest.fail(f"cron does not read {line!r}")
    return assignments, commands


def unit(name: str) -> Schedule:
    """The environment and the command lines of a service."""
    environment: dict[str, str] = {}
    commands: list[str] = []
    for line in (DEPLOY / "systemd" / f"{name}.service").read_text("utf-8").splitlines():
        key, _, value = line.partition("=")
        if key == "Environment":
            variable, _, text = value.partition("=")
            environment[variable] = text
        elif key == "ExecStart":
            commands.append(value)
    return environment, commands


def run_cron_line(site: Site, command: str) -> subprocess.CompletedProcess[str]:
    assignments, _ = crontab()
    account = {"HOME": str(site.folder), "LOGNAME": "octane", "SHELL": "/bin/sh"}
    environment = {name: site.here(value) for name, value in assignments.items()}
    return subprocess.run(
        ["/bin/sh", "-c", site.here(command)],
        cwd="/",
        env={**account, **environment},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def test_the_crontab_runs_as_printed(site: Site) -> None:
    assignments, commands = crontab()
    # cron takes values as they are, and % as the end of a line
    assert not [value for value in assignments.values() if "$" in value]
    assert not [command for command in commands if "%" in command]

    for command, log in zip(commands, ("run", "nightly", "weekly"), strict=True):
        done = run_cron_line(site, command)
        text = (site.folder / "var" / "log" / f"{log}.log").read_text("utf-8")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), text  # cron mails output
        assert "generation" in text
    with connect(site.home) as connection:
        assert connection.execute("select count(*) from er.runs").fetchall()[0][0] > 0


def test_cron_mails_the_last_lines_of_what_fails(site: Site) -> None:
    _, commands = crontab()
    content = site.secret.read_text("utf-8")
    site.secret.write_text("wrong\n", encoding="utf-8")

    done = run_cron_line(site, commands[0])

    site.secret.write_text(content, encoding="utf-8")
    assert "octane-flows: " in done.stdout
    assert "wrong" not in done.stdout


def test_a_unit_runs_as_printed(site: Site) -> None:
    environment, commands = unit("octane-flows")
    for command in commands:
        done = subprocess.run(
            shlex.split(site.here(command)),
            cwd="/",
            env={name: site.here(value) for name, value in environment.items()},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    files = [path for path in site.home.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_all_schedules_run_the_same_commands() -> None:
    _, cron = crontab()
    expected = [COMMAND.findall(command) for command in cron]
    expected = [[words.split("|")[0].strip() for words in line] for line in expected]
    units = [[words.partition(" ")[2] for words in unit(name)[1]] for name in SERVICES]
    task = (DEPLOY / "windows" / "octane-flows-task.cmd").read_text("utf-8")
    windows = [
        [words.strip() for words in COMMAND.findall(line.partition("(")[2])]
        for line in task.splitlines()
        if line.startswith('if "%1"==')
    ]

    assert [len(line) for line in expected] == [1, 3, 4]
    assert units == expected
    assert windows == expected
    names = re.findall(r'if "%1"=="(\w+)"', task)
    tasks = (DEPLOY / "windows" / "create-tasks.cmd").read_text("utf-8")
    assert re.findall(r"octane-flows-task\.cmd (\w+)", tasks) == names


def test_systemd_takes_the_units(site: Site, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze, of the Debian package systemd")
    units = sorted((DEPLOY / "systemd").iterdir())
    assert len(units) == 2 * len(SERVICES)
    for path in units:
        (tmp_path / path.name).write_text(site.here(path.read_text("utf-8")), encoding="utf-8")

    done = subprocess.run(
        [program, "verify", *(str(tmp_path / path.name) for path in units)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    complaints = [line for line in done.stderr.splitlines() if "octane-flows" in line]
    assert complaints == []


def test_each_log_of_the_crontab_is_rotated() -> None:
    assignments, commands = crontab()
    text = (DEPLOY / "logrotate" / "octane-flows").read_text("utf-8")
    pattern = re.search(r"^(/\S+) \{$", text, re.M)
    assert pattern is not None

    logs = {log for command in commands for log in re.findall(r"\$LOG/\S+\.log", command)}
    assert len(logs) == 3
    for log in logs:
        assert fnmatch.fnmatch(log.replace("$LOG", assignments["LOG"]), pattern[1])


def test_the_page_shows_the_files_as_they_are() -> None:
    page = (ROOT / "docs" / "on-site.md").read_text("utf-8")

    for path in (CRONTAB, DEPLOY / "systemd" / "octane-flows.service"):
        assert f"\n{path.read_text('utf-8')}```" in page, path
