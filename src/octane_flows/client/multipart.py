"""An upload as multipart/form-data: an entity and the bytes of a file in, a body out. Pure.

`client` calls it; the parts are those of the vendor's Java and JavaScript clients.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["upload"]


def upload(entity: Mapping[str, Any], file_name: str, content: bytes) -> tuple[bytes, str]:
    """The body and its content type."""
    described = json.dumps(dict(entity), ensure_ascii=False).encode()
    boundary = _boundary(described + content)
    # as browsers write names: the three characters that could end the header are escaped
    quoted = file_name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    lines = [
        b"--" + boundary,
        b'Content-Disposition: form-data; name="entity"; filename="blob"',
        b"Content-Type: application/json",
        b"",
        described,
        b"--" + boundary,
        b'Content-Disposition: form-data; name="content"; filename="' + quoted.encode() + b'"',
        b"Content-Type: application/octet-stream",
        b"",
        content,
        b"--" + boundary + b"--",
        b"",
    ]
    return b"\r\n".join(lines), f"multipart/form-data; boundary={boundary.decode()}"


def _boundary(held: bytes) -> bytes:
    """A line that the parts do not hold, the same for the same parts."""
    boundary = hashlib.sha256(held).hexdigest()[:32].encode()
    while boundary in held:
        boundary = hashlib.sha256(boundary).hexdigest()[:32].encode()
    return boundary
