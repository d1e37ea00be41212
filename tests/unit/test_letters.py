"""Letters: a real mail server and web sinks on loopback take them; nothing is told twice."""

from __future__ import annotations

import datetime as dt
import email
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from octane_flows.changes import Change, ChangeList
from octane_flows.config import LetterPlaces, Secret, load_letter_places
from octane_flows.errors import LakeError, OctaneFlowsError, ServerError, UsageError
from octane_flows.gate.gate_scope import Scope
from octane_flows.lake import Lake
from octane_flows.letters import (
    Letter,
    RuleEvent,
    SentLetters,
    judged_rules,
    letter_of,
    letter_round,
    letter_rules,
    notice,
    read_rules,
    send_letters,
)
from tests.services import free_port
from tests.unit.test_changes import EVIL, change, listed

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


def test_a_mail_goes_over_tls_with_a_login(
    mail_server: int, certificate: Path, mailbox: Mailbox
) -> None:
    send_letters(written(), load_letter_places(settings(mail_server, certificate)), "mail")

    (mail,) = mailbox.mails
    assert b"Subject: Octane: 1 newly failing since yesterday" in mail
    assert mailbox.recipients == [["qa@octane.test", "lead@octane.test"]]
    assert CANARY.encode() not in mail


def test_what_may_be_cured_is_sent_again(
    mail_server: int, certificate: Path, mailbox: Mailbox
) -> None:
    mailbox.refusals = ["451 busy", "451 busy"]
    places = load_letter_places(settings(mail_server, certificate))
    send_letters(written(), places, "mail", wait=no_wait)
    assert len(mailbox.mails) == 1

    mailbox.refusals = ["451 busy"] * 3
    with pytest.raises(ServerError, match="in 3 attempts"):
        send_letters(written(), places, "mail", wait=no_wait)
    mailbox.refusals = ["554 never"]
    with pytest.raises(ServerError, match="refused the letter"):
        send_letters(written(), places, "mail", wait=no_wait)
    assert len(mailbox.mails) == 1


def test_a_mail_goes_over_tls_from_the_first_byte(mailbox: Mailbox, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    controller = Controller(mailbox, hostname="localhost", port=free_port(), ssl_context=context)
    controller.start()
    environ = settings(controller.port, certificate, OCTANE_SMTP_SECURITY="tls")
    del environ["OCTANE_SMTP_USER"], environ["OCTANE_SMTP_PASSWORD"]
    try:
        send_letters(written(), load_letter_places(environ), "mail")
    finally:
        controller.stop()

    assert len(mailbox.mails) == 1
    without_port = {**environ, "OCTANE_SMTP_SERVER": "mail.octane.test"}
    place = load_letter_places(without_port).mail
    assert place is not None
    assert place.port == 465


def message_id(mail: bytes) -> str:
    return str(email.message_from_bytes(mail)["Message-ID"])


def test_who_has_the_mail_does_not_get_it_again_because_of_others(
    mail_server: int, certificate: Path, mailbox: Mailbox
) -> None:
    places = load_letter_places(settings(mail_server, certificate))
    mailbox.refused_recipients = {"lead@octane.test": ["451 greylisted"]}

    assert send_letters(written(), places, "mail", wait=no_wait) is None
    assert mailbox.recipients == [["qa@octane.test"], ["lead@octane.test"]]
    assert len({message_id(mail) for mail in mailbox.mails}) == 1

    mailbox.recipients.clear()
    mailbox.refused_recipients = {"lead@octane.test": ["550 nobody"]}
    complaint = send_letters(written(), places, "mail", wait=no_wait)
    assert complaint is not None
    assert "refused some recipients (lead@octane.test)" in complaint
    mailbox.refused_recipients = {"lead@octane.test": ["451 later"] * 3}
    complaint = send_letters(written(), places, "mail", wait=no_wait)
    assert complaint is not None
    assert "lead@octane.test (451); the others have the letter" in complaint
    assert mailbox.recipients == [["qa@octane.test"], ["qa@octane.test"]]

    mailbox.refused_recipients = {
        "lead@octane.test": ["550 nobody"],
        "qa@octane.test": ["550 nobody"],
    }
    with pytest.raises(ServerError, match="refuses the recipients"):
        send_letters(written(), places, "mail", wait=no_wait)


def test_a_mail_has_an_id_of_its_content() -> None:
    first, again, other = written(), written(), written(change(item_name="another"))

    assert first.mail["Message-ID"] == again.mail["Message-ID"] != other.mail["Message-ID"]
    assert first.mail["Message-ID"].endswith("@octane.test>")
    assert json.loads(first.webhook)["letter_id"] in first.mail["Message-ID"]


@pytest.mark.parametrize(
    ("change_of", "sentence"),
    [
        ({"OCTANE_SMTP_PASSWORD": "wrong-" + CANARY}, "did not accept the login"),
        ({"OCTANE_CA_FILE": ""}, "No safe connection"),
    ],
)
def test_a_wrong_login_or_an_unknown_certificate_is_told_without_a_secret(
    mail_server: int, certificate: Path, change_of: dict[str, str], sentence: str
) -> None:
    environ = {**settings(mail_server, certificate), **change_of}

    with pytest.raises(ServerError, match=sentence) as raised:
        send_letters(written(), load_letter_places(environ), "mail", wait=no_wait)

    assert CANARY not in str(raised.value)


@pytest.mark.parametrize("place", ["teams", "slack", "webhook"])
def test_webhooks_take_the_letter_as_json(address: str, sink: Sink, place: str) -> None:
    name = "OCTANE_WEBHOOK" if place == "webhook" else f"OCTANE_{place.upper()}_WEBHOOK"
    places = load_letter_places({name: address})
    sink.statuses = [503, 429]

    send_letters(written(change(item_name=EVIL)), places, place, wait=no_wait)

    (body,) = sink.bodies
    text = json.dumps(body)
    assert CANARY not in text
    assert "1 newly failing" in text
    if place == "slack":
        assert "&lt;b&gt;x&lt;/b&gt;" in body["text"]
    if place == "teams":
        card = body["attachments"][0]["content"]
        assert {block["type"] for block in card["body"]} == {"TextBlock"}
        assert not any("](" in block["text"] for block in card["body"])


def test_a_webhook_that_asks_to_wait_is_heeded(address: str, sink: Sink) -> None:
    places = load_letter_places({"OCTANE_SLACK_WEBHOOK": address})
    waits: list[float] = []
    for retry_after in ("17", format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90))):
        sink.statuses, sink.retry_after = [429], retry_after
        assert send_letters(written(), places, "slack", wait=waits.append) is None
    assert waits[0] == 17
    assert 2 <= waits[1] <= 90

    sink.statuses, sink.retry_after = [429], "3600"
    with pytest.raises(ServerError, match=r"1 attempt .*asks to wait 3,600 s") as raised:
        send_letters(written(), places, "slack", wait=waits.append)
    assert CANARY not in str(raised.value)
    assert len(waits) == 2
    assert len(sink.bodies) == 2


def test_a_webhook_with_an_unknown_certificate_gets_nothing(
    sink: Sink, certificate: Path, tmp_path: Path
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = make_server("localhost", 0, sink, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    hook = {"OCTANE_WEBHOOK": f"https://localhost:{server.server_port}/{CANARY}"}
    try:
        with pytest.raises(ServerError, match="No safe connection to the webhook") as raised:
            send_letters(written(), load_letter_places(hook), "webhook", wait=no_wait)
        assert CANARY not in str(raised.value)
        assert sink.bodies == []
        hook["OCTANE_CA_FILE"] = str(certificate)
        # proxies of the environment, and one for a server of this machine, are not asked
        hook["OCTANE_PROXY"] = "http://127.0.0.1:9"
        send_letters(written(), load_letter_places(hook), "webhook", wait=no_wait)
        assert len(sink.bodies) == 1
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    hook["OCTANE_CA_FILE"] = str(tmp_path / "none.pem")
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="cannot be read as certificates"):
        send_letters(written(), load_letter_places(hook), "webhook", wait=no_wait)


@pytest.mark.parametrize("status", [302, 404])
def test_a_refusal_or_a_redirect_is_told_without_the_address(
    address: str, sink: Sink, status: int
) -> None:
    sink.statuses = [status]

    with pytest.raises(ServerError, match=f"status {status}") as raised:
        send_letters(written(), load_letter_places({"OCTANE_WEBHOOK": address}), "webhook")

    assert CANARY not in str(raised.value)
    assert sink.bodies == []


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"OCTANE_SMTP_SERVER": "a b"}, "is no mail server"),
        ({"OCTANE_SMTP_SERVER": "mail.test:25", "OCTANE_SMTP_SECURITY": "none"}, "unencrypted"),
        ({"OCTANE_SMTP_SERVER": "mail.test", "OCTANE_LETTER_TO": "qa"}, "OCTANE_LETTER_TO"),
        ({"OCTANE_LETTER_TO": "qa@octane.test"}, "OCTANE_SMTP_SERVER is not"),
        ({"OCTANE_WEBHOOK": f"http://octane.test/{CANARY}"}, "is not the https address"),
    ],
)
def test_wrong_settings_are_one_sentence(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as raised:
        load_letter_places(environ)
    assert CANARY not in str(raised.value)


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    file = tmp_path / "hook"
    file.write_text("https://octane.test/hook\n")
    places = load_letter_places({"OCTANE_SLACK_WEBHOOK_FILE": str(file)})

    assert places.slack == Secret("https://octane.test/hook")
    assert "octane.test" not in repr(places)


RULES = """
[[rule]]
name = "pass ratio of R1 is low"
release = "R1"
when = "pass_ratio < 95%"

[[rule]]
name = "a defect was opened"
changes = ["defect_new", "defect_reopened"]
"""


def test_rules_are_read_and_wrong_ones_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES, encoding="utf-8-sig")  # as Windows' Notepad may write it
    assert [rule.name for rule in read_rules(file)] == [
        "pass ratio of R1 is low",
        "a defect was opened",
    ]
    for wrong, sentence in (
        (RULES.replace("when", "wehn"), "the nearest is when"),
        (RULES.replace("pass_ratio", "pass_rate"), "nearest is pass_ratio"),
        (RULES.replace("defect_new", "defect_nwe"), "the nearest is defect_new"),
        (RULES.replace('"defect_new"', "3"), "changes is a list such as"),
        (f'{RULES}release = "R1"', "release means nothing there"),
        (f"{RULES}at_least = true", "whole number"),
        (RULES.replace('release = "R1"', ""), "needs one of release"),
        ("rule = 3", "must have"),
        ("[[rule", "not valid TOML"),
    ):
        file.write_text(wrong)
        with pytest.raises(UsageError, match=sentence):
            read_rules(file)


def test_a_rule_is_told_once_until_it_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    rules = read_rules(file)
    ratio: list[float | None] = [None]

    def scope(_: object, kind: str, name: str, workspace: str | None) -> Scope:
        return Scope(kind, name, workspace, {"pass_ratio": ratio[0]}, {})

    monkeypatch.setattr(letter_rules, "scope_named", scope)
    before: dict[str, bool] = {}
    events = []
    opened = listed(change("defect_new"), change("defect_reopened"))
    for value in (1.0, 0.95, 0.9499, 0.94, None, 0.5, 0.95, 0.949):
        ratio[0] = value
        changes = opened if value == 0.94 else listed()
        happened, before = judged_rules(duckdb.connect(), rules, changes, before)
        events.append([(event.kind, event.details) for event in happened])

    assert events == [
        [],
        [],  # at the border, 95 % is not below 95 %
        [("began", "pass_ratio = 0.9499")],
        [("happened", "2 since the last letter")],
        [],  # an unknown value changes nothing
        [],
        [("recovered", "pass_ratio = 0.95")],
        [("began", "pass_ratio = 0.949")],
    ]


class Round:
    """Rounds of letters over given changes and events, at given moments."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.changes: ChangeList | None = listed(change())
        self.lines: list[str] = []

        def changes(*arguments: Any) -> ChangeList | None:
            state = arguments[-1]
            if state is None or self.changes is None or state.until != self.changes.until:
                return self.changes
            return None

        monkeypatch.setattr(letter_round, "_changes", changes)
        connect = "octane_flows.letters.letter_round.warehouse.connect"
        monkeypatch.setattr(connect, lambda _: _Nothing())

    def tell(self, places: LetterPlaces, **more: Any) -> list[Any]:
        return letter_round.tell_all(
            self.home, Lake(self.home), places, "UTC", say=self.lines.append, **more
        )


class _Nothing:
    def __enter__(self) -> None:
        """A connection that no rule asks."""

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def test_nothing_new_no_letter_and_nothing_twice(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})

    rounds.tell(places, dry_run=True)
    assert sink.bodies == []
    assert rounds.tell(places)[0].error is None
    assert len(sink.bodies) == 1
    assert SentLetters.of(tmp_path).places["webhook"].until == dt.datetime(2021, 1, 20, 21)
    rounds.changes = None  # the warehouse is that of the last letter
    assert rounds.tell(places) == []
    rounds.changes = replace(listed(change("still_failing")), until=dt.datetime(2021, 1, 21, 21))
    assert rounds.tell(places) == []
    assert len(sink.bodies) == 1
    assert SentLetters.of(tmp_path).places["webhook"].until == dt.datetime(2021, 1, 21, 21)


def test_a_letter_that_failed_is_not_noted_and_the_other_places_are_told(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    sink.statuses = [404]
    both = {"OCTANE_SLACK_WEBHOOK": address, "OCTANE_WEBHOOK": address}

    results = rounds.tell(load_letter_places(both))

    assert [(result.place, result.error is None) for result in results] == [
        ("slack", False),
        ("webhook", True),
    ]
    assert list(SentLetters.of(tmp_path).places) == ["webhook"]


def test_a_killed_letter_is_not_sent_twice_and_is_told(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SentLetters, "note", killed)
        with pytest.raises(KeyboardInterrupt):
            rounds.tell(places)
    assert len(sink.bodies) == 1

    rounds.tell(places, dry_run=True)
    for _ in range(2):
        assert rounds.tell(places) == []

    assert len(sink.bodies) == 2
    assert sink.bodies[1]["subject"] == "Octane: the letter before may not have arrived"
    asked = "changes --since 2021-01-19T21:00:00 --until 2021-01-20T21:00:00"
    assert asked in sink.bodies[1]["text"]
    assert any(asked in line for line in rounds.lines)


def test_an_attempt_that_failed_leaves_no_trace(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    sink.statuses = [404]

    results = rounds.tell(load_letter_places({"OCTANE_WEBHOOK": address}))

    assert results[0].error is not None
    assert json.loads((tmp_path / "letters.json").read_text()) == {}


def test_two_letters_at_once_are_one(
    tmp_path: Path, address: str, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    places = load_letter_places({"OCTANE_WEBHOOK": address})
    sink.may_answer.clear()
    tellers = [threading.Thread(target=rounds.tell, args=(places,)) for _ in range(2)]
    for teller in tellers:
        teller.start()
    assert sink.has_begun.wait(600)
    with monkeypatch.context() as patch:
        patch.setattr(letter_round, "LOCK_WAIT_S", 0.1)
        with pytest.raises(OctaneFlowsError, match="Another letter is being sent"):
            rounds.tell(places)
    sink.may_answer.set()
    for teller in tellers:
        teller.join()

    assert len(sink.bodies) == 1
    assert any("nothing is newer" in line for line in rounds.lines)


def test_off_until_set_up_and_a_damaged_note_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Round(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match="no place is set"):
        rounds.tell(load_letter_places({}))
    (tmp_path / "letters.json").write_text("[]")
    with pytest.raises(LakeError, match="is damaged"):
        SentLetters.of(tmp_path)


def test_events_of_rules_stand_first() -> None:
    event = RuleEvent("pass ratio of R1 is low", "recovered", "pass_ratio = 0.96")
    letter = letter_of(listed(change()), [event], "flows@octane.test", ["qa@octane.test"])

    assert letter.subject == "Recovered: pass ratio of R1 is low (pass_ratio = 0.96)"
    body = letter.mail.get_body(preferencelist=("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().startswith("Recovered: pass ratio of R1 is low")
    page = letter.mail.get_body(preferencelist=("html",))
    assert isinstance(page, EmailMessage)
    assert "<strong>Recovered: pass ratio of R1 is low" in page.get_content()
    assert json.loads(letter.webhook)["rules"] == [
        {
            "rule": "pass ratio of R1 is low",
            "kind": "recovered",
            "details": "pass_ratio = 0.96",
        }
    ]


def test_a_notice_has_a_sentence_and_no_control_characters() -> None:
    places = load_letter_places({"OCTANE_WEBHOOK": "https://octane.test/hook"})

    made = notice("Octane: the data is stale", "It is of\nyesterday \x1b[31m.", places)

    assert json.loads(made.webhook)["text"] == "It is of\nyesterday \\x1b[31m."
    assert "\x1b" not in made.slack + made.teams + made.mail.get_content()
