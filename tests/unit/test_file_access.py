"""How private new files are, and the warning about a settings file whose secret others may read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from octane_flows import cli
from octane_flows.config import limit_file_access, load_settings, open_settings_file
from octane_flows.doctor import examine
from octane_flows.errors import UsageError

SETTINGS = {
    "OCTANE_URL": "https://octane.example.com",
    "OCTANE_SHARED_SPACE": "1001",
    "OCTANE_CLIENT_ID": "reader",
    "OCTANE_CLIENT_SECRET": "c4nary",
}


@pytest.mark.parametrize(
    ("access", "folder_mode", "file_mode"),
    [("", 0o700, 0o600), ("owner", 0o700, 0o600), ("group", 0o750, 0o640), ("umask", 0o775, 0o664)],
)
def test_new_files_are_as_private_as_the_setting_says(
    access: str, folder_mode: int, file_mode: int, tmp_path: Path
) -> None:
    os.umask(0o002)

    limit_file_access({"OCTANE_FILE_ACCESS": access})
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == folder_mode
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == file_mode


def test_another_value_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(UsageError, match="OCTANE_FILE_ACCESS is 0600; write owner"):
        load_settings({**SETTINGS, "OCTANE_FILE_ACCESS": "0600"})


@pytest.mark.parametrize(
    ("line", "mode", "named"),
    [
        ('client_secret = "c4nary"', 0o644, "client_secret"),
        ('password = "c4nary"', 0o640, "password"),
        ('proxy = "http://ada:c4nary@proxy:8080"', 0o604, "proxy"),
        ('budget = "redis://:c4nary@host/0"', 0o644, "budget"),
        ('client_secret = "c4nary"', 0o600, None),
        ('client_secret = "c4nary"', 0o400, None),
        ('proxy = "http://proxy:8080"', 0o644, None),
        ("shared_space = 1001", 0o644, None),
    ],
)
def test_a_settings_file_with_a_secret_is_for_its_owner_alone(
    line: str, mode: int, named: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "octane-flows.toml"
    file.write_text(line, encoding="utf-8")
    file.chmod(mode)

    # the file still shows its secret where the environment overrides it
    warning = open_settings_file(SETTINGS, file)

    assert (warning is not None) is (named is not None)
    if named is not None and warning is not None:
        assert f"holds {named} and" in warning
        assert "c4nary" not in warning
        remedy = warning.rpartition("run: ")[2]
        assert remedy == f"chmod 600 {file}"
        file.chmod(0o600)
        assert open_settings_file(SETTINGS, file) is None


def test_each_command_warns_once_on_standard_error_and_so_does_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "octane-flows.toml"
    file.write_text('client_secret = "c4nary"\n', encoding="utf-8")
    file.chmod(0o644)
    monkeypatch.chdir(tmp_path)

    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["octane-flows", "status"])
        with pytest.raises(SystemExit):
            cli.main()
        output = capsys.readouterr()
        assert output.err.count("may be read by other users") == 1
        assert "may be read by" not in output.out

    for name, value in SETTINGS.items():
        if name != "OCTANE_CLIENT_SECRET":
            monkeypatch.setenv(name, value)
    findings = [next(examination) for examination in [examine(os.environ)] for _ in range(3)]
    assert [(finding.name, finding.status) for finding in findings] == [
        ("settings", "ok"),
        ("tool", "ok"),
        ("settings", "warning"),
    ]
    assert findings[2].remedy == "run: chmod 600 octane-flows.toml"


def test_the_doctor_tells_a_data_folder_that_others_may_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "data"
    home.mkdir()
    home.chmod(0o755)

    def data_folder(**settings: str) -> list[str]:
        environ = {**SETTINGS, "OCTANE_HOME": str(home), **settings}
        examination = examine(environ)
        findings = [next(examination) for _ in range(5 if not settings else 4)]
        return [finding.remedy for finding in findings if finding.status == "warning"]

    assert data_folder() == [
        f"run chmod -R go-rwx {home}, or set OCTANE_FILE_ACCESS=group or umask if that is meant"
    ]
    assert data_folder(OCTANE_FILE_ACCESS="umask") == []


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"OCTANE_PAGE_SIZE": "0"}, 2),
        ({"OCTANE_CA_FILE": "no-certificate.pem"}, 2),
        ({"OCTANE_HOME": "/proc/nothing", "OCTANE_URL": "http://127.0.0.1:9"}, 1),
    ],
)
def test_the_doctor_ends_with_2_for_wrong_settings_alone(
    settings: dict[str, str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-certificate.pem").write_text("nothing", encoding="utf-8")
    for name, value in {**SETTINGS, **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["octane-flows", "doctor"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == code
    assert "failed  settings" in capsys.readouterr().out or code == 1
