"""A mail server and a web sink on loopback, which take letters: fixtures and settings of tests."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from octane_flows.changes import Change
from octane_flows.letters import (
    Letter,
    letter_of,
)
from tests.services import free_port
from tests.unit.test_changes import change, listed

CANARY = "canary-secret-4711"


class Mailbox:
    """What a mail server took; `refusals` are answered first."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.refusals: list[str] = []
        self.refused_recipients: dict[str, list[str]] = {}

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        if self.refused_recipients.get(address):
            return self.refused_recipients[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and data.password == CANARY.encode()
    return AuthResult(success=is_right, handled=is_right)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mail_server(mailbox: Mailbox, certificate: Path) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    controller = Controller(
        mailbox, hostname="localhost", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=_login, auth_required=True,
    )  # fmt: skip
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class Sink:
    """A web server that keeps what was posted; `statuses` are answered first."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.retry_after: str | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.has_begun = threading.Event()

    def __call__(self, environ: Any, start: Any) -> Any:
        """Answer one request."""
        request = Request(environ)
        body = request.get_data()
        self.has_begun.set()
        assert self.may_answer.wait(600)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.bodies.append(json.loads(body))
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        if status == 429 and self.retry_after is not None:
            headers["Retry-After"] = self.retry_after
        return Response("", status=status, headers=headers)(environ, start)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def address(sink: Sink) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, sink, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{CANARY}"
    server.shutdown()
    thread.join()
    server.server_close()


def settings(port: int, certificate: Path, **more: str) -> dict[str, str]:
    return {
        "OCTANE_SMTP_SERVER": f"localhost:{port}",
        "OCTANE_SMTP_USER": "octane",
        "OCTANE_SMTP_PASSWORD": CANARY,
        "OCTANE_LETTER_FROM": "flows@octane.test",
        "OCTANE_LETTER_TO": "qa@octane.test, lead@octane.test",
        "OCTANE_CA_FILE": str(certificate),
        **more,
    }


def written(*changes: Change) -> Letter:
    recipients = ("qa@octane.test", "lead@octane.test")
    return letter_of(listed(*(changes or (change(),))), [], "flows@octane.test", recipients)


def no_wait(_: float) -> None:
    """Tests wait for nothing."""
