"""Letters by mail: a real server takes them over TLS, with a login; nobody gets one twice."""

from __future__ import annotations

import email
import json
import ssl
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from octane_flows.config import Secret, load_letter_places
from octane_flows.errors import ServerError, UsageError
from octane_flows.letters import (
    notice,
    send_letters,
)
from tests.letter_servers import CANARY, Mailbox, no_wait, settings, written
from tests.services import free_port
from tests.unit.test_changes import change


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


def test_a_notice_has_a_sentence_and_no_control_characters() -> None:
    places = load_letter_places({"OCTANE_WEBHOOK": "https://octane.test/hook"})

    made = notice("Octane: the data is stale", "It is of\nyesterday \x1b[31m.", places)

    assert json.loads(made.webhook)["text"] == "It is of\nyesterday \\x1b[31m."
    assert "\x1b" not in made.slack + made.teams + made.mail.get_content()
