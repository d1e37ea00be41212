"""Letters to Teams, Slack and plain webhooks: JSON, and faults are told without secrets."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
from email.utils import format_datetime
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from octane_flows.config import load_letter_places
from octane_flows.errors import ServerError, UsageError
from octane_flows.letters import (
    send_letters,
)
from tests.letter_servers import CANARY, Sink, no_wait, written
from tests.unit.test_changes import EVIL, change


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
