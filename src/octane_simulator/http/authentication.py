"""Who may call: sign-in, sessions that age and renew themselves, Basic and Bearer.

In: requests. Out: the id of the user who calls, or a 401 answer; cookies to set. Called by
application.py before every other resource.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from werkzeug.wrappers import Request, Response

from octane_simulator.model.refusals import not_authorized
from octane_simulator.model.strict_json import json_value
from octane_simulator.store.current_caller import FIRST_USER

__all__ = ["COOKIE", "TOKEN_COOKIE", "Authentication"]

_LETTERS = string.ascii_letters + string.digits
COOKIE = "LWSSO_COOKIE_KEY"
USER_COOKIE = "OCTANE_USER"
TOKEN_COOKIE = "access_token"
# Tokens against forged writes: the cookie that brings each, and the header it goes back in.
CSRF_TOKENS = {
    "xsrf": ("XSRF_COOKIE", "XSRF-HEADER"),
    "hpsso": ("HPSSO_COOKIE_CSRF", "HPSSO-HEADER-CSRF"),
}
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass
class Session:
    """A session: its user, when it began and was last used, how long a replaced token works.

    `csrf_tokens` are those that its sign-in set, by kind.
    """

    user: str
    started: float
    used: float
    valid_until: float | None = None
    csrf_tokens: dict[str, str] = field(default_factory=dict)


class Authentication:
    """Credentials and live sessions; life times are attributes that tests may change.

    `find_user` gives the id of a workspace user by name or email; all have the same password.
    The same seed gives the same tokens: they protect nothing.
    """

    def __init__(
        self, client_id: str, client_secret: str, user: str, password: str, *, seed: int = 1
    ) -> None:
        self._random = random.Random(f"tokens/{seed}")
        self.client_id = client_id
        self.client_secret = client_secret
        self.user = user
        self.password = password
        self.bearer_tokens: set[str] = {"simulator-bearer-token"}
        self.basic_enabled = True
        self.idle_s = 3 * 3600.0
        self.absolute_s = 24 * 3600.0
        self.rotate_every = 50
        self.grace_s = 60.0
        self.monotonic: Callable[[], float] = time.monotonic
        self.find_user: Callable[[str], str | None] = lambda name: None
        self.demanded_csrf: str | None = None  # the kind of token that writes need, if any
        self.sign_ins = 0
        self._ended = "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT"
        self._sessions: dict[str, Session] = {}
        self._offers: set[str] = set()
        self._answers = 0
        self._lock = threading.Lock()

    # -- sign-in --------------------------------------------------------------------------------

    def sign_in(self, request: Request) -> Response:
        """Both forms of the body; other keys than the credentials are ignored."""
        try:
            body = json_value(request.get_data())
        except ValueError:
            body = None
        user = self._user_of(body) if isinstance(body, dict) else None
        if user is None:
            return _unauthorized("AUTHENTICATION_FAILED", "Wrong user name or password")
        with self._lock:
            self.sign_ins += 1
        token = self.open_session(user)
        response = Response("", 200, content_type="application/json")
        self._set_cookie(response, token)
        self._set_csrf(response, token, body)
        name = self.user if user == FIRST_USER else user
        response.set_cookie(USER_COOKIE, name, path="/", httponly=True)
        return response

    def _set_csrf(self, response: Response, token: str, body: object) -> None:
        """Give the session the tokens that its sign-in asked for and those that writes need."""
        wants_csrf = isinstance(body, dict) and str(body.get("enable_csrf", "")).lower() == "true"
        for kind, (cookie, _) in CSRF_TOKENS.items():
            if kind == self.demanded_csrf or (kind == "hpsso" and wants_csrf):
                with self._lock:
                    value = self._sessions[token].csrf_tokens[kind] = self._new_token()[:32]
                response.set_cookie(cookie, value, path="/")

    def open_session(self, user: str = FIRST_USER) -> str:
        """A new session's token."""
        now = self.monotonic()
        with self._lock:
            token = self._new_token()
            self._sessions[token] = Session(user, now, now)
        return token

    def offer(self) -> str:
        """An identifier that `redeem` turns into a token."""
        with self._lock:
            identifier = self._new_token()[:25]
            self._offers.add(identifier)
        return identifier

    def redeem(self, identifier: object) -> str | None:
        """The token of an identifier that was offered, or None."""
        with self._lock:
            was_offered = identifier in self._offers if isinstance(identifier, str) else False
        return self.open_session() if was_offered else None

    def sign_out(self, request: Request) -> Response:
        """Forget the session and empty the cookie."""
        with self._lock:
            self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response = Response("", 200)
        response.delete_cookie(COOKIE, path="/")
        return response

    def _user_of(self, body: dict[str, object]) -> str | None:
        pairs = (
            (body.get("client_id"), body.get("client_secret")),
            (body.get("user"), body.get("password")),
        )
        return next((user for pair in pairs if (user := self._user_with(*pair))), None)

    def _user_with(self, name: object, secret: object) -> str | None:
        """The id of the user with this name and secret."""
        if (name, secret) in {(self.client_id, self.client_secret), (self.user, self.password)}:
            return FIRST_USER
        has_password = isinstance(name, str) and secret == self.password
        return self.find_user(str(name)) if has_password else None

    # -- every other request --------------------------------------------------------------------

    def caller(self, request: Request) -> str | Response:
        """The id of the user who calls, or the 401 answer when there is none."""
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            if header[7:].strip() in self.bearer_tokens:
                return FIRST_USER
            return _unauthorized("VALIDATION_TOKEN_INVALID", "The bearer token is not valid")
        if header.startswith("Basic "):
            user = self._basic(header[6:]) if self.basic_enabled else None
            if user is not None:
                return user
            return _unauthorized("AUTHENTICATION_FAILED", "Basic authentication was refused")
        token = request.cookies.get(COOKIE, "") or request.cookies.get(TOKEN_COOKIE, "")
        if not token:
            return _unauthorized("VALIDATION_TOKEN_MISSING", "No session cookie was sent")
        with self._lock:
            session = self._sessions.get(token)
            now = self.monotonic()
            if session is None:
                return _unauthorized(self._ended)
            if now - session.started > self.absolute_s:
                del self._sessions[token]
                return _unauthorized("VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT")
            over = session.valid_until is not None and now > session.valid_until
            if over or now - session.used > self.idle_s:
                del self._sessions[token]
                return _unauthorized("VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT")
            session.used = now
        self._check_csrf(request, session)
        return session.user

    def _check_csrf(self, request: Request, session: Session) -> None:
        """Refuse a write of a cookie session without the token that the server demands."""
        kind = self.demanded_csrf
        if kind is None or request.method in _READS:
            return
        cookie, header = CSRF_TOKENS[kind]
        token = session.csrf_tokens.get(kind)
        if token is None or request.headers.get(header) != token:
            raise not_authorized(f"a write needs the value of the cookie {cookie} in {header}")

    def renew(self, request: Request, response: Response, *, force: bool = False) -> None:
        """Give the caller a new token from time to time; the old one works for another minute."""
        token = request.cookies.get(COOKIE, "")
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return
            self._answers += 1
            if not force and (not self.rotate_every or self._answers % self.rotate_every):
                return
            now = self.monotonic()
            fresh = self._new_token()
            self._sessions[fresh] = replace(session, used=now)
            session.valid_until = now + self.grace_s
        self._set_cookie(response, fresh)

    def expire_all(self, *, absolute: bool = False) -> None:
        """End every session, as if it had been idle too long or had lived too long."""
        scope = "GLOBAL" if absolute else "IDLE"
        with self._lock:
            self._ended = f"VALIDATION_TOKEN_EXPIRED_{scope}_TIME_OUT"
            self._sessions.clear()

    def _new_token(self) -> str:
        return "".join(self._random.choices(_LETTERS, k=64))

    def has_valid_basic(self, request: Request) -> bool:
        """Whether the request has valid Basic credentials."""
        header = request.headers.get("Authorization", "")
        return header.startswith("Basic ") and self._basic(header[6:]) is not None

    def _basic(self, encoded: str) -> str | None:
        try:
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._user_with(name, secret)

    def _set_cookie(self, response: Response, token: str) -> None:
        response.set_cookie(COOKIE, token, path="/", httponly=True)


def _unauthorized(code: str, text: str | None = None) -> Response:
    message = text or "Previous validation errors (non mandatory validators): "
    body = json.dumps({"errorCode": code, "accumulatedMessage": message})
    return Response(body, 401, content_type="application/json")
