"""What a response means: status, headers and body in, JSON or the right error out. Pure.

Servers, proxies and sign-in pages respond in many shapes. Each becomes one sentence: what was
attempted, what came, what to do. `connection`, `session`, `envelope` and `workspace` call it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from octane_flows.client.retry import QUEUE_FULL
from octane_flows.client.server_clock import http_date
from octane_flows.client.transport import Kind, Response, TransportError
from octane_flows.errors import (
    AccessError,
    AddressError,
    AnswerError,
    NotFoundError,
    PartialError,
    QueueFullError,
    RequestError,
    ServerError,
    SignInError,
    TimeOutError,
    TooLargeError,
    UnavailableError,
)

__all__ = [
    "Redact",
    "capitalized",
    "check_response",
    "error_of",
    "is_signed_out",
    "parse_json",
    "read_json",
    "server_message",
    "unreachable_error",
]

Redact = Callable[[str], str]

MAX_DETAIL: Final = 300  # characters of the server's own text in a message
MAX_READ: Final = 65_536  # bytes of a page or text that are searched for such a text
REMEDY: Final[Mapping[Kind, str]] = {
    "connect": "check OCTANE_URL, the network and OCTANE_PROXY",
    "tls": "set OCTANE_CA_FILE to the company's certificates",
    "host_name": "give OCTANE_URL the host name that the certificate is for",
    "expired": "set this machine's clock right, or ask the administrator for a new certificate",
    "not_tls": "correct the port in OCTANE_URL, or write http:// where the site has no TLS",
    "needs_tls": "write https:// in OCTANE_URL",
    "maybe_tls": "write https:// in OCTANE_URL if this port speaks TLS, else try again, and ask "
    "about proxies in between",
    "tls_version": "correct the port in OCTANE_URL, or ask the administrator to allow TLS 1.2",
    "proxy": "check OCTANE_PROXY: its address, and the user and password that it may need",
    "files": "raise the limit (ulimit -n) or lower OCTANE_CONCURRENCY",
    "timeout": "try again, or raise OCTANE_TIMEOUT or lower OCTANE_PAGE_SIZE",
    "too_large": "lower OCTANE_PAGE_SIZE, or ask the administrator about the row or file",
    "not_http": "check the port and the scheme (http or https) of OCTANE_URL",
    "cut": "try again, and ask about proxies in between",
    "other": "check OCTANE_URL and the settings",
}
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
    if _is_error_body(response.body):
        code, detail = server_message(response, redact)
        details = " ".join(part for part in (code, detail) if part).rstrip(".")
        raise AnswerError(
            f"{capitalized(action)} was answered with status {response.status} and an error "
            f"({details}) in place of data; try again, and ask about gateways in between."
        )
    if not response.body.strip():
        raise AnswerError(
            f"{capitalized(action)} gave status {response.status} with an empty body instead of "
            "JSON; try again, and ask the administrator about proxies in between."
        )


def parse_json(body: bytes, action: str) -> Any:
    """The JSON of a body. Raises AnswerError when it is cut or is not JSON."""
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise AnswerError(
            f"{capitalized(action)} gave {len(body)} bytes that are not UTF-8 (first at "
            f"{error.start}), so a gateway changed them or writes another encoding such as "
            "Latin-1; ask its administrator."
        ) from None
    except RecursionError:
        raise AnswerError(
            f"{capitalized(action)} gave JSON that is nested too deep to be Octane's; nothing is "
            "taken from it. Check OCTANE_URL and the proxies in between."
        ) from None
    except ValueError:
        raise AnswerError(
            f"{capitalized(action)} gave {len(body)} bytes that are not whole JSON, so the answer "
            "was cut or changed on its way; try again."
        ) from None


def is_signed_out(response: Response) -> bool:
    """Whether a response is what gateways send for a session that has ended.

    Such are 401, a redirect to a sign-in page, that page itself with status 200, and an error body
    with status 200.
    """
    if response.status == 401 or response.status in (301, 302, 303, 307, 308):
        return True
    if response.status != 200:
        return False
    return _is_html(response) or _is_error_body(response.body)


def _is_error_body(body: bytes) -> bool:
    if len(body) > MAX_READ or not (b'"errorCode"' in body or b'"error_code"' in body):
        return False
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(parsed, dict)
        and "data" not in parsed
        and "id" not in parsed
        and any(isinstance(parsed.get(key), str) for key in ("errorCode", "error_code"))
    )


def error_of(response: Response, action: str, *, redact: Redact = str) -> ServerError:
    """The error for a response whose status is not 2xx."""
    status = response.status
    if status == 304:
        return AnswerError(
            f"{capitalized(action)} was answered with status 304, which sends no data, though no "
            "copy was kept here; ask the administrator about caches and proxies in between."
        )
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
    if code == QUEUE_FULL:
        return QueueFullError(f"{message}; try again later.")
    if status == 401:
        return SignInError(f"{message}; check that the credentials are valid and not expired.")
    if status == 403 and code not in NOT_A_ROLE:
        return AccessError(f"{message}; ask for a role that allows it, in this workspace.")
    if status == 404:
        return NotFoundError(
            f"{message}; check the ids and names, and that this user or API key may see them."
        )
    if status in (414, 431):
        return AddressError(
            f"{message}; the server or a gateway takes no address or headers of this length, so "
            "ask its administrator to allow 8 kB.",
            error_code=code,
        )
    if status == 407:
        return UnavailableError(
            f"{message}; the proxy and not the server asks for a user and password, so write them "
            "into OCTANE_PROXY: http://user:password@host:port."
        )
    if status == 413:
        return RequestError(
            f"{message}; the server or a gateway takes no request of this size.", error_code=code
        )
    if status in (408, 429, 502, 503, 504) or (status >= 500 and _is_html(response)):
        wait = (response.header("retry-after") or "").strip()
        if wait.isascii() and wait.isdecimal() and len(wait) < 9:
            later = f"it asks to wait {int(wait):,} seconds, so try again after that"
        elif http_date(wait) is not None:
            later = f"it asks to wait until {_plain(wait, redact)[:40]}, so try again after that"
        else:
            later = "try again later"
        who = (
            "the server or a proxy allows no more requests now"
            if status == 429
            else ("the server or a proxy is busy or down")
        )
        return UnavailableError(f"{message}; {who}; {later}.")
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
    where = "on the way to" if error.kind in ("proxy", "files") else "at"
    kind = TooLargeError if error.kind == "too_large" else UnavailableError
    if error.kind == "timeout":
        kind = TimeOutError
    return kind(
        f"{capitalized(action)} failed {where} {host}: {error.detail}; {REMEDY[error.kind]}."
    )


def server_message(response: Response, redact: Redact) -> tuple[str | None, str]:
    """The error code and the text of an error body, in any shape that servers use."""
    if _is_html(response):
        title = re.search(rb"<title[^>]*>(.*?)</title>", response.body[:MAX_READ], re.I | re.S)
        title_text = html.unescape(_text_of(title[1])) if title else ""
        shown = f'a web page "{title_text}"' if title_text.strip() else "a web page"
        return None, _plain(shown, redact)
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return None, _plain(_text_of(response.body[:MAX_READ]), redact)
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


def _text_of(body: bytes) -> str:
    """The text of a body that may be UTF-8; every byte is a character of Latin-1."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _plain(text: str, redact: Redact) -> str:
    shown = redact(text)  # first: a secret that is changed or cut would no longer be recognised
    printable = "".join(char if char.isprintable() else " " for char in shown)
    line = " ".join(printable.split())
    return line if len(line) <= MAX_DETAIL else line[: MAX_DETAIL - 3] + "..."


def capitalized(text: str) -> str:
    """A text as the start of a sentence."""
    return text[:1].upper() + text[1:]
