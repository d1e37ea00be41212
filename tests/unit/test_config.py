"""Settings: what is accepted, and that each mistake is one sentence with its remedy."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from octane_flows.config import (
    ApiKey,
    Cookie,
    Secret,
    Settings,
    Token,
    UserPassword,
    load_home,
    load_settings,
    load_site,
)
from octane_flows.config.setting_names import SETTINGS
from octane_flows.errors import UsageError

GOOD = {
    "OCTANE_URL": "https://octane.example.com",
    "OCTANE_CLIENT_ID": "reader_1",
    "OCTANE_CLIENT_SECRET": "canary-secret",
    "OCTANE_SHARED_SPACE": "1001",
}
NO_KEY = {name: GOOD[name] for name in ("OCTANE_URL", "OCTANE_SHARED_SPACE")}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def complaint(environ: dict[str, str], config_file: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(environ, config_file=config_file)
    return str(caught.value)


def test_the_defaults_are_all_workspaces_full_pages_and_the_data_folder() -> None:
    assert load_settings(GOOD) == Settings(
        url="https://octane.example.com",
        shared_space="1001",
        workspaces=None,
        credentials=ApiKey("reader_1", Secret("canary-secret")),
        home=Path("data"),
        ca_file=None,
        proxy=None,
        allow_http_host=None,
        page_size=1000,
        concurrency=4,
        timeout_s=120.0,
    )


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (
            {"OCTANE_USER": "ada", "OCTANE_PASSWORD": "p=w"},
            UserPassword("ada", Secret("p=w")),
        ),
        (
            {"OCTANE_USER": "ada", "OCTANE_PASSWORD": "pw", "OCTANE_AUTH": "basic"},
            UserPassword("ada", Secret("pw"), "basic"),
        ),
        ({"OCTANE_TOKEN": "t"}, Token(Secret("t"))),
        ({"OCTANE_COOKIE": "abc+/=="}, Cookie("LWSSO_COOKIE_KEY", Secret("abc+/=="))),
        ({"OCTANE_COOKIE": "access_token=abc="}, Cookie("access_token", Secret("abc="))),
    ],
)
def test_each_kind_of_credentials_is_read(credentials: dict[str, str], expected: object) -> None:
    assert load_settings({**NO_KEY, **credentials}).credentials == expected


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"OCTANE_URL": ""}, ["OCTANE_URL", "octane-flows demo"]),
        ({"OCTANE_URL": "octane.example.com"}, ["not a web address", "https://host"]),
        ({"OCTANE_URL": "https://host:port"}, ["not a web address"]),
        ({"OCTANE_URL": "https://ada:pw1@host"}, ["before the @", "OCTANE_USER"]),
        ({"OCTANE_URL": "ada:canary@host"}, ["before the @", "OCTANE_USER"]),
        ({"OCTANE_URL": "https:/ada:canary@host"}, ["before the @", "OCTANE_USER"]),
        (
            {"OCTANE_URL": "https://h.example:8443/ui?p=1001/1002"},
            [
                "give https://h.example:8443",
                "OCTANE_SHARED_SPACE=1001",
                "OCTANE_WORKSPACES=1002",
            ],
        ),
        ({"OCTANE_URL": "https://h.example/api/shared_spaces/1"}, ["give https://h.example."]),
        ({"OCTANE_URL": "http://h.example"}, ["OCTANE_ALLOW_HTTP_HOST=h.example", "https"]),
        (
            {"OCTANE_URL": "http://h.example", "OCTANE_ALLOW_HTTP_HOST": "other.example"},
            ["OCTANE_ALLOW_HTTP_HOST=h.example"],
        ),
        ({"OCTANE_SHARED_SPACE": ""}, ["OCTANE_SHARED_SPACE", "p=1001/1002"]),
        ({"OCTANE_SHARED_SPACE": "../1"}, ["not the id of a shared space"]),
        ({"OCTANE_CLIENT_SECRET": ""}, ["OCTANE_CLIENT_ID is set", "OCTANE_CLIENT_SECRET is not"]),
        ({"OCTANE_CLIENT_ID": ""}, ["OCTANE_CLIENT_SECRET is set", "OCTANE_CLIENT_ID is not"]),
        ({"OCTANE_CLIENT_ID": "", "OCTANE_CLIENT_SECRET": ""}, ["No credentials", "OCTANE_TOKEN"]),
        ({"OCTANE_TOKEN": "t"}, ["two kinds of credentials", "OCTANE_CLIENT_ID", "OCTANE_TOKEN"]),
        ({"OCTANE_AUTH": "kerberos"}, ["sign_in or basic", "kerberos"]),
        ({"OCTANE_CLIENTID": "x"}, ["OCTANE_CLIENTID", "OCTANE_CLIENT_ID", "rename"]),
        ({"OCTANE_SKIP": "defect, Build 7"}, ["OCTANE_SKIP has Build 7", "ci_build"]),
        (
            {"OCTANE_QUERY_WRITES": "story, Defect"},
            ["OCTANE_QUERY_WRITES has Defect", "story,defect.severity"],
        ),
        ({"OCTANE_SCRIPTS": "maybe"}, ["OCTANE_SCRIPTS is maybe", "true or false"]),
        ({"OCTANE_PAGE_SIZE": "0"}, ["OCTANE_PAGE_SIZE is 0", "from 1 to 1000"]),
        ({"OCTANE_PAGE_SIZE": "1001"}, ["from 1 to 1000"]),
        ({"OCTANE_PAGE_SIZE": "10.5"}, ["whole number"]),
        ({"OCTANE_CONCURRENCY": "9"}, ["from 1 to 8"]),
        ({"OCTANE_TIMEOUT": "soon"}, ["OCTANE_TIMEOUT is soon"]),
        ({"OCTANE_TIMEOUT": "nan"}, ["OCTANE_TIMEOUT is nan"]),
        ({"OCTANE_WORKSPACES": "1002,all"}, ["all beside other workspaces"]),
        ({"OCTANE_WORKSPACES": ","}, ["has no workspace", "1002,Payments or all"]),
        ({"OCTANE_WORKSPACES": '"Pay'}, ["cannot be read as a list", '"A, B"']),
        ({"OCTANE_WORKSPACES": "1" * 19}, ["more than 18 digits"]),
        ({"OCTANE_WORKSPACES": "Pay\x1bments"}, ["control character"]),
        ({"OCTANE_CA_FILE": "absent.pem"}, ["absent.pem", "PEM"]),
        ({"OCTANE_PROXY": "user:canary@proxy"}, ["http://host:port"]),
        ({"OCTANE_CONFIG": "absent.toml"}, ["absent.toml", "OCTANE_CONFIG"]),
    ],
)
def test_each_mistake_names_the_setting_and_the_remedy(
    changes: dict[str, str], parts: list[str]
) -> None:
    message = complaint({**GOOD, **changes})
    assert [part for part in parts if part not in message] == []
    assert "canary" not in message
    assert "pw1" not in message


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1:8080", "http://[::1]:80", "https://h/base/"]
)
def test_loopback_may_use_http_and_a_path_prefix_is_kept(url: str) -> None:
    assert load_settings({**GOOD, "OCTANE_URL": url}).url == url.rstrip("/")


def test_http_is_allowed_for_the_host_that_is_named() -> None:
    environ = {**GOOD, "OCTANE_URL": "http://h.example", "OCTANE_ALLOW_HTTP_HOST": "H.example"}
    assert load_settings(environ).url == "http://h.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", None),
        ("1002", ("1002",)),
        ("7, 8,7", ("7", "8")),
        ("1002, Payments EU ,Claims", ("1002", "Payments EU", "Claims")),
        ('"Cards, EU",Claims', ("Cards, EU", "Claims")),
    ],
)
def test_workspaces_are_ids_names_or_all(text: str, expected: tuple[str, ...] | None) -> None:
    assert load_settings({**GOOD, "OCTANE_WORKSPACES": text}).workspaces == expected


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "octane-flows.toml"
    file.write_text(
        'url = "https://file.example"\nclient_id = "a"\nclient_secret = "b"\nshared_space = 1001\n'
        'workspaces = [1002, "1003", "Cards, EU"]\npage_size = 50\nhome = "store"\n',
        encoding="utf-8",
    )
    settings = load_settings({"OCTANE_URL": "https://environ.example"})
    assert settings.url == "https://environ.example"
    assert settings.workspaces == ("1002", "1003", "Cards, EU")
    assert settings.page_size == 50
    elsewhere = load_settings({}, config_file=file)
    assert elsewhere.home == tmp_path / "store"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("url = ", "not valid TOML"),
        ('adress = "x"', "adress"),
        ('sharedspace = "1"', "shared_space"),
        ("page_size = true", "must be a text or a number"),
        ("page_size = 5000", "page_size in "),
    ],
)
def test_a_mistake_in_the_file_names_the_file(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text, encoding="utf-8")
    message = complaint(GOOD, file)
    assert part in message
    assert "own.toml" in message


def test_the_data_folder_needs_no_server(tmp_path: Path) -> None:
    assert load_home({}) == Path("data")
    assert load_home({"OCTANE_HOME": "elsewhere"}) == Path("elsewhere")
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        load_home({"OCTANE_HOME": "taken"})
    with pytest.raises(UsageError, match="OCTANE_HOME"):
        load_home({"OCTANE_HOMES": "typo"})


def test_the_settings_of_a_scheduler_need_no_server() -> None:
    owners = "team:qa, jane@example.com"
    site = load_site({"OCTANE_TIME_ZONE": "Europe/Berlin", "OCTANE_OWNERS": owners})

    assert (site.time_zone, site.owners) == ("Europe/Berlin", ("team:qa", "jane@example.com"))
    assert load_site({}).time_zone == "UTC"
    with pytest.raises(UsageError, match="OCTANE_OWNERS has qa"):
        load_site({"OCTANE_OWNERS": "qa"})


def test_a_secret_shows_in_no_text_and_is_not_pickled() -> None:
    settings = load_settings({**GOOD, "OCTANE_PROXY": "http://u:canary-proxy@proxy:8080"})
    secret = Secret("canary")
    texts = [repr(settings), str(settings), repr(secret), str(secret), f"{secret} {secret!r:>20}"]
    assert [text for text in texts if "canary" in text] == []
    assert secret.reveal() == "canary"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_the_declared_defaults_are_those_that_hold() -> None:
    declared = {setting.variable: setting.default for setting in SETTINGS if setting.default}

    assert load_settings({**declared, **GOOD}) == load_settings(GOOD)
    assert len(declared) >= 10


@pytest.mark.parametrize("kind", ["folder", "broken link", "link to itself", "device", "pipe"])
def test_a_settings_file_that_is_none_is_not_passed_over(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "octane-flows.toml"
    match kind:
        case "folder":
            file.mkdir()
        case "broken link":
            file.symlink_to("absent.toml")
        case "link to itself":
            file.symlink_to(file.name)
        case "device":
            file.symlink_to("/dev/zero")
        case _:
            os.mkfifo(file)

    assert "octane-flows.toml is a folder, a broken link or a device" in complaint(GOOD)

    file.rmdir() if kind == "folder" else file.unlink()
    assert load_settings(GOOD).shared_space == "1001"
