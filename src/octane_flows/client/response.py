"""What a response means: status, headers and body in, JSON or the right error out. Pure.

Servers, proxies and sign-in pages respond in many shapes. Each becomes one sentence: what was
attempted, what came, what to do. `connection`, `session`, `envelope` and `workspace` call it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any, Final

from octane_flows.client.transport import Response, TransportError
from octane_flows.errors import (
    AccessError,
    AnswerError,
    NotFoundError,
    PartialError,
    RequestError,
    ServerError,
    SignInError,
    UnavailableError,
)

__all__ = [
    "Redact",
    "capitalized",
    "check_response",
    "error_of",
    "parse_json",
    "read_json",
    "server_message",
    "unreachable_error",
]

Redact = Callable[[str], str]

MAX_DETAIL: Final = 300  # characters of the server's own text in a message
MAX_READ: Final = 65_536  # bytes of a page or text that are searched for such a text
NOT_A_ROLE: Final = frozenset({"platform.modify_non_editable_field"})  # 403 about the request


def read_json(response: Response, action: str, *, redact: Redact = str) -> Any:
    """The JSON of a good response to `action` ("reading defects"); any other raises."""
    check_response(response, action, redact=redact)
    return parse_json(response.body, action)


def check_response(response: Response, action: str, *, redact: Redact = str) -> None:
    """Raise unless the response is a good one with a body that may be JSON."""
    if not 200 <= response.status < 300:
        raise error_of(response, action, redact=redact)
    if _is_html(response):
        raise _html_error(response, action, redact)
    if not response.body.strip():
        raise AnswerError(
            f"{capitalized(action)} gave status {response.status} with an empty body instead of "
            "JSON; try again, and ask the administrator about proxies in between."
        )


def parse_json(body: bytes, action: str) -> Any:
    """The JSON of a body. Raises AnswerError when it is cut or is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError(
            f"{capitalized(action)} gave {len(body)} bytes that are not whole JSON, so the answer "
            "was cut or changed on its way; try again."
        ) from None


def error_of(response: Response, action: str, *, redact: Redact = str) -> ServerError:
    """The error for a response whose status is not 2xx."""
    status = response.status
    if 300 <= status < 400:
        return AnswerError(
            f"{capitalized(action)} was redirected (status {status}), as a sign-in page or a moved "
            "server does; check OCTANE_URL, and use an API access key where people sign in by SSO."
        )
    code, detail = server_message(response, redact)
    message = f"{capitalized(action)} was answered with status {status}"
    message += f" {code}" if code else ""
    message += f": {detail}" if detail else ""
    message = message.rstrip(".")
    if status == 401:
        return SignInError(f"{message}; check that the credentials are valid and not expired.")
    if status == 403 and code not in NOT_A_ROLE:
        return AccessError(f"{message}; ask for a role that allows it, in this workspace.")
    if status == 404:
        return NotFoundError(
            f"{message}; check the ids and names, and that this user or API key may see them."
        )
    if status in (408, 429, 502, 503, 504) or _is_html(response):
        return UnavailableError(
            f"{message}; the server or a proxy is busy or down, so try again later."
        )
    if status >= 500:
        return ServerError(f"{message}; the server failed, so try again or tell its administrator.")
    rows, errors = _written_and_refused(response)
    if rows:
        return PartialError(
            f"{message}; {len(errors)} of {len(rows) + len(errors)} rows were refused.",
            error_code=code,
            rows=rows,
            errors=errors,
        )
    return RequestError(f"{message}; correct the request.", error_code=code)


def unreachable_error(error: TransportError, action: str, host: str) -> ServerError:
    """The error for a request without a whole response."""
    remedies = {
        "connect": "check OCTANE_URL, the network and OCTANE_PROXY",
        "tls": "set OCTANE_CA_FILE to the company's certificates",
        "proxy": "check OCTANE_PROXY",
        "timeout": "try again, or raise OCTANE_TIMEOUT or lower OCTANE_PAGE_SIZE",
        "cut": "try again, and ask about proxies in between",
        "other": "check OCTANE_URL and the settings",
    }
    return UnavailableError(
        f"{capitalized(action)} failed at {host}: {error.detail}; {remedies[error.kind]}."
    )


def server_message(response: Response, redact: Redact) -> tuple[str | None, str]:
    """The error code and the text of an error body, in any shape that servers use."""
    if _is_html(response):
        title = re.search(rb"<title[^>]*>(.*?)</title>", response.body[:MAX_READ], re.I | re.S)
        title_text = html.unescape(title[1].decode("utf-8", "replace")) if title else ""
        shown = f'a web page "{title_text}"' if title_text.strip() else "a web page"
        return None, _plain(shown, redact)
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return None, _plain(response.body[:MAX_READ].decode("utf-8", "replace"), redact)
    if not isinstance(body, dict):
        return None, ""
    errors = body.get("errors")
    if "error_code" not in body and isinstance(errors, list) and errors:
        body = errors[0] if isinstance(errors[0], dict) else {}
    code = body.get("error_code") or body.get("errorCode")
    for key in ("description_translated", "description", "accumulatedMessage", "message", "error"):
        text = body.get(key)
        if isinstance(text, str) and text.strip():
            wrapped = _wrapped_message(text, redact) if key == "message" else None
            if wrapped is not None:
                return wrapped
            return (code if isinstance(code, str) else None), _plain(text, redact)
    return (code if isinstance(code, str) else None), ""


def _wrapped_message(text: str, redact: Redact) -> tuple[str | None, str] | None:
    """The error body that the servlet layer puts, with escaped quotes, into one text."""
    text = html.unescape(text)
    if not text.lstrip().startswith("{"):
        return None
    code, detail = server_message(Response(0, (), text.encode()), redact)
    return (code, detail) if code or detail else None


def _written_and_refused(response: Response) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return [], []
    rows, errors = (body.get("data"), body.get("errors")) if isinstance(body, dict) else ([], [])
    if not isinstance(rows, list) or not isinstance(errors, list):
        return [], []
    return rows, [error for error in errors if isinstance(error, dict)]


def _html_error(response: Response, action: str, redact: Redact) -> AnswerError:
    _, detail = server_message(response, redact)
    return AnswerError(
        f"{capitalized(action)} gave {detail} where JSON was expected, as a proxy, a maintenance "
        "page or an SSO sign-in does; check OCTANE_URL, and use an API access key behind SSO."
    )


def _is_html(response: Response) -> bool:
    kind = (response.header("content-type") or "").lower()
    return "html" in kind or response.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _plain(text: str, redact: Redact) -> str:
    shown = redact(text)  # first: a secret that is changed or cut would no longer be recognised
    printable = "".join(char if char.isprintable() else " " for char in shown)
    line = " ".join(printable.split())
    return line if len(line) <= MAX_DETAIL else line[: MAX_DETAIL - 3] + "..."


def capitalized(text: str) -> str:
    """A text as the start of a sentence."""
    return text[:1].upper() + text[1:]
