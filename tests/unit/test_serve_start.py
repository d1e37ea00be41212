"""`octane-flows serve` starts where it is safe, and says in one sentence why it does not."""

from __future__ import annotations

import importlib.util
import signal
import socket
import ssl
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from octane_flows.cli import app
from octane_flows.config import ServePlace, load_serve_place
from octane_flows.config.credentials import Secret
from octane_flows.errors import UsageError
from octane_flows.serve.run_server import require_protection, server_config
from tests.served import serving
from tests.services import free_port, until

TOKEN = "a-token-of-many-letters"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*arguments: str, **settings: str) -> str:
    result: Result = CliRunner().invoke(app, ["serve", *arguments], env=settings)
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "uvicorn" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)

    assert "pip install 'octane-flows[serve]'" in refused()


def test_a_port_that_is_taken_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sentence = refused("--port", str(taken.getsockname()[1]))

    assert "cannot be served at 127.0.0.1" in sentence
    assert "--port" in sentence


@pytest.mark.parametrize(
    ("host", "settings", "sentence"),
    [
        ("0.0.0.0", {}, "no sign-in is set; set OCTANE_SERVE_TOKEN"),
        ("::", {}, "no sign-in is set"),
        ("0.0.0.0", {"OCTANE_SERVE_TOKEN": TOKEN}, "would send logins and rows unencrypted"),
        ("no.such.host.invalid", {}, "no sign-in is set"),
    ],
)
def test_others_are_served_with_sign_in_and_encryption_alone(
    host: str, settings: dict[str, str], sentence: str
) -> None:
    assert sentence in refused("--host", host, "--port", "0", **settings)


def test_what_is_safe_is_served() -> None:
    secured = load_serve_place(
        {"OCTANE_SERVE_TOKEN": TOKEN, "OCTANE_SERVE_ADDRESS": "https://reports.example.com/octane/"}
    )

    require_protection("0.0.0.0", secured)
    require_protection("localhost", ServePlace())
    assert secured.address == "https://reports.example.com/octane"
    assert TOKEN not in repr(secured)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"OCTANE_SERVE_TOKEN": "short"}, "12 characters or more"),
        ({"OCTANE_SERVE_TOKEN": "with blanks in the token"}, "without blanks"),
        ({"OCTANE_SERVE_USER": "qa"}, "belong together; set both"),
        ({"OCTANE_SERVE_PASSWORD": "long-enough-password"}, "belong together; set both"),
        (
            {"OCTANE_SERVE_USER": "q:a", "OCTANE_SERVE_PASSWORD": "long-enough-password"},
            "has a colon",
        ),
        ({"OCTANE_SERVE_KEY": "key.pem"}, "OCTANE_SERVE_CERTIFICATE is not"),
        ({"OCTANE_SERVE_ADDRESS": "http://reports.example.com"}, "must be the https address"),
        ({"OCTANE_SERVE_ADDRESS": "https://[broken"}, "must be the https address"),
        ({"OCTANE_SERVE_SECONDS": "0"}, "number from 1 to 3600"),
        ({"OCTANE_SERVE_REQUESTS": "many"}, "whole number from 1 to 64"),
        ({"OCTANE_SERVE_MEMORY": "1"}, "from 128"),
    ],
)
def test_a_wrong_setting_is_one_sentence(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        load_serve_place(settings)


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("no certificate", encoding="utf-8")

    for path in (file, tmp_path / "missing.pem"):
        with pytest.raises(UsageError, match="OCTANE_SERVE_CERTIFICATE names a PEM file"):
            server_config(_nothing, ServePlace(certificate=path))


def test_rows_are_served_over_https(served_home: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    place = ServePlace(
        token=Secret(TOKEN), certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem"
    )
    trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")

    with serving(served_home, place) as opened:
        address = str(opened.base_url).rstrip("/").replace("http:", "https:")
        headers = {"authorization": f"Bearer {TOKEN}"}
        with httpx.Client(verify=trusted, trust_env=False, timeout=120, headers=headers) as client:
            answer = client.get(f"{address}/odata/er_defects?$top=1")
        with pytest.raises(httpx.TransportError):
            opened.get("/")  # not encrypted

    assert answer.status_code == 200
    assert answer.json()["@odata.context"].startswith(address)


async def _nothing(scope: object, receive: object, send: object) -> None:
    """An application that answers nothing."""


def test_the_command_serves_until_it_is_ended(served_home: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "octane_flows", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={"OCTANE_HOME": str(served_home)}
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}/flow/open_high_severity_defects.json"
            until(lambda: _answers(address), "the command serves", within_s=120)
            answer = httpx.get(address, trust_env=False, timeout=60)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=120)

    assert answer.json()["row_count"] > 0
    assert f"pages        http://127.0.0.1:{port}/" in errors
    assert "GET /flow/open_high_severity_defects.json 200" in errors
    assert "Traceback" not in errors
    assert process.returncode in (0, -signal.SIGTERM)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=60).status_code == 200
    except httpx.TransportError:
        return False
