"""What an answer means: status, headers and body in, JSON or the right error out. Pure.

Servers, proxies and sign-in pages answer in many shapes; each becomes one sentence with what was
attempted, what came and what to do. `client` and `session` call it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any, Final

from octane_flows.client.transport import Answer, TransportError
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
    "check_answer",
    "describe",
    "explain",
    "parse_json",
    "read_json",
    "sentence",
    "unreachable",
]

Redact = Callable[[str], str]

MAX_DETAIL: Final = 300  # characters of the server's own words in a message
MAX_READ: Final = 65_536  # bytes of a page or text that are looked at for such words
NOT_A_ROLE: Final = frozenset({"platform.modify_non_editable_field"})  # 403 about the request


def read_json(answer: Answer, what: str, *, redact: Redact = str) -> Any:
    """The JSON of a good answer to `what` ("reading defects"); any other answer raises."""
    check_answer(answer, what, redact=redact)
    return parse_json(answer.body, what)


def check_answer(answer: Answer, what: str, *, redact: Redact = str) -> None:
    """Raise unless the answer is a good one with a body that may be JSON."""
    if not 200 <= answer.status < 300:
        raise explain(answer, what, redact=redact)
    if _is_html(answer):
        raise _html_error(answer, what, redact)
    if not answer.body.strip():
        raise AnswerError(
            f"{sentence(what)} gave status {answer.status} with an empty body, where JSON was "
            "expected; try again, and ask the administrator about proxies in between."
        )


def parse_json(body: bytes, what: str) -> Any:
    """The JSON of a body; raises AnswerError when it is cut or none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError(
            f"{sentence(what)} gave {len(body)} bytes that are not whole JSON, so the answer "
            "was cut or changed on its way; try again."
        ) from None


def explain(answer: Answer, what: str, *, redact: Redact = str) -> ServerError:
    """The error for an answer that is not 2xx."""
    status = answer.status
    if 300 <= status < 400:
        return AnswerError(
            f"{sentence(what)} was redirected (status {status}), as a sign-in page or a moved "
            "server does; check OCTANE_URL, and use an API access key where people sign in by SSO."
        )
    code, detail = describe(answer, redact)
    said = f": {detail}" if detail else ""
    named = f" {code}" if code else ""
    found = f"{sentence(what)} was answered with status {status}{named}{said}"
    found = found.rstrip(".")
    if status == 401:
        return SignInError(f"{found}; check that the credentials are valid and not expired.")
    if status == 403 and code not in NOT_A_ROLE:
        return AccessError(f"{found}; ask for a role that allows it, in this workspace.")
    if status == 404:
        return NotFoundError(
            f"{found}; check the ids and names, and that this user or API key may see them."
        )
    if status in (408, 429, 502, 503, 504) or _is_html(answer):
        return UnavailableError(
            f"{found}; the server or a proxy is busy or down, so try again later."
        )
    if status >= 500:
        return ServerError(f"{found}; the server failed, so try again or tell its administrator.")
    rows, errors = _partial(answer)
    if rows:
        return PartialError(
            f"{found}; {len(errors)} of {len(rows) + len(errors)} rows were refused.",
            error_code=code,
            rows=rows,
            errors=errors,
        )
    return RequestError(f"{found}; correct the request.", error_code=code)


def unreachable(error: TransportError, what: str, host: str) -> ServerError:
    """The error for a request without a whole answer."""
    remedies = {
        "connect": "check OCTANE_URL, the network and OCTANE_PROXY",
        "tls": "set OCTANE_CA_FILE to the company's certificates",
        "proxy": "check OCTANE_PROXY",
        "timeout": "try again, or raise OCTANE_TIMEOUT or lower OCTANE_PAGE_SIZE",
        "cut": "try again, and ask about proxies in between",
        "other": "check OCTANE_URL and the settings",
    }
    return UnavailableError(
        f"{sentence(what)} failed at {host}: {error.detail}; {remedies[error.kind]}."
    )


def describe(answer: Answer, redact: Redact) -> tuple[str | None, str]:
    """The error code and the words of an error body, in any of the shapes that are known."""
    if _is_html(answer):
        title = re.search(rb"<title[^>]*>(.*?)</title>", answer.body[:MAX_READ], re.I | re.S)
        name = html.unescape(title[1].decode("utf-8", "replace")) if title else ""
        return None, _plain(f'a web page "{name}"' if name.strip() else "a web page", redact)
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None, _plain(answer.body[:MAX_READ].decode("utf-8", "replace"), redact)
    if not isinstance(body, dict):
        return None, ""
    errors = body.get("errors")
    if "error_code" not in body and isinstance(errors, list) and errors:
        body = errors[0] if isinstance(errors[0], dict) else {}
    code = body.get("error_code") or body.get("errorCode")
    for key in ("description_translated", "description", "accumulatedMessage", "message", "error"):
        words = body.get(key)
        if isinstance(words, str) and words.strip():
            inner = _inner(words, redact) if key == "message" else None
            if inner is not None:
                return inner
            return (code if isinstance(code, str) else None), _plain(words, redact)
    return (code if isinstance(code, str) else None), ""


def _inner(words: str, redact: Redact) -> tuple[str | None, str] | None:
    """The servlet layer wraps an error body, with escaped quotes, into one text."""
    text = html.unescape(words)
    if not text.lstrip().startswith("{"):
        return None
    code, detail = describe(Answer(0, (), text.encode()), redact)
    return (code, detail) if code or detail else None


def _partial(answer: Answer) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return [], []
    rows, errors = (body.get("data"), body.get("errors")) if isinstance(body, dict) else ([], [])
    if not isinstance(rows, list) or not isinstance(errors, list):
        return [], []
    return rows, [one for one in errors if isinstance(one, dict)]


def _html_error(answer: Answer, what: str, redact: Redact) -> AnswerError:
    _, detail = describe(answer, redact)
    return AnswerError(
        f"{sentence(what)} gave {detail} where JSON was expected, as a proxy, a maintenance "
        "page or an SSO sign-in does; check OCTANE_URL, and use an API access key behind SSO."
    )


def _is_html(answer: Answer) -> bool:
    kind = (answer.header("content-type") or "").lower()
    return "html" in kind or answer.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _plain(text: str, redact: Redact) -> str:
    shown = redact(text)  # first of all: a changed or half-cut secret would no longer be found
    words = " ".join("".join(one if one.isprintable() else " " for one in shown).split())
    return words if len(words) <= MAX_DETAIL else words[: MAX_DETAIL - 3] + "..."


def sentence(what: str) -> str:
    """The words at the start of a sentence."""
    return what[:1].upper() + what[1:]
