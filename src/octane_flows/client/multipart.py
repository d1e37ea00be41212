"""An upload as multipart/form-data: an entity and the bytes of a file in, a body out. Pure.

`workspace` calls it; the parts are those of the vendor's Java and JavaScript clients.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["multipart_form"]


def multipart_form(entity: Mapping[str, Any], file_name: str, content: bytes) -> tuple[bytes, str]:
    """The body of the upload and its content type."""
    entity_json = json.dumps(dict(entity), ensure_ascii=False).encode()
    boundary = _boundary(entity_json + content)
    # as browsers write names: the three characters that could end the header are escaped
    quoted = file_name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    lines = [
        b"--" + boundary,
        b'Content-Disposition: form-data; name="entity"; filename="blob"',
        b"Content-Type: application/json",
        b"",
        entity_json,
        b"--" + boundary,
        b'Content-Disposition: form-data; name="content"; filename="' + quoted.encode() + b'"',
        b"Content-Type: application/octet-stream",
        b"",
        content,
        b"--" + boundary + b"--",
        b"",
    ]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary.decode()}"


def _boundary(parts: bytes) -> bytes:
    """A text that does not occur in the parts; the same parts give the same text."""
    boundary = hashlib.sha256(parts).hexdigest()[:32].encode()
    while boundary in parts:
        boundary = hashlib.sha256(boundary).hexdigest()[:32].encode()
    return boundary
