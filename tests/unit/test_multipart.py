"""Uploads as the server reads them: two parts, whatever the bytes are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from octane_flows.client.multipart import multipart_form


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"\r\n--", b"a\r\n\r\nb\r\n"])
def test_entity_and_bytes_come_out_as_they_went_in(content: bytes) -> None:
    entity: dict[str, Any] = {"name": 'pläne "neu".png', "owner_test": {"type": "test", "id": "7"}}
    body, content_type = multipart_form(entity, entity["name"], content)

    builder = EnvironBuilder(method="POST", data=body, content_type=content_type)
    with Request(builder.get_environ()) as request:
        assert json.loads(request.files["entity"].read()) == entity
        assert request.files["entity"].mimetype == "application/json"
        assert request.files["content"].read() == content
        assert request.files["content"].filename == entity["name"]
