"""Settings: environment names `OCTANE_*` and one TOML file in, one validated record out.

Every mistake is one UsageError that names the setting and the remedy; secrets stay wrapped, so
that no message, log line or traceback shows them. The command line and the pipelines call it.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import SplitResult, parse_qs, urlsplit

from octane_flows.errors import UsageError

__all__ = [
    "ApiKey",
    "Cookie",
    "Credentials",
    "Scheme",
    "Secret",
    "Settings",
    "Token",
    "UserPassword",
    "load_home",
    "load_settings",
]

Scheme: TypeAlias = Literal["sign_in", "basic"]

DEFAULT_HOME: Final = Path("data")
DEFAULT_CONFIG: Final = Path("octane-flows.toml")
MAX_PAGE_SIZE: Final = 1000  # the largest page that Octane's own clients ask for
DEFAULT_PAGE_SIZE: Final = 1000  # fewest requests; the server's own default is not documented
MAX_CONCURRENCY: Final = 8
DEFAULT_CONCURRENCY: Final = 4  # more has never been shown to help and is less polite
DEFAULT_TIMEOUT_S: Final = 120.0  # a page of 1,000 wide rows may take a server over a minute
MAX_TIMEOUT_S: Final = 3600.0
SESSION_COOKIE: Final = "LWSSO_COOKIE_KEY"

NAMES: Final = (
    "url",
    "client_id",
    "client_secret",
    "user",
    "password",
    "token",
    "cookie",
    "auth",
    "shared_space",
    "workspaces",
    "home",
    "ca_file",
    "proxy",
    "allow_http_host",
    "page_size",
    "concurrency",
    "timeout",
)


class Secret:
    """Text that is only shown on request: `repr` and `str` give stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the text itself; only for the bytes that go to the server."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A secret is not written anywhere; pass it in memory only.")


@dataclass(frozen=True)
class ApiKey:
    """An API access key: client id and client secret."""

    client_id: str
    client_secret: Secret
    scheme: Scheme = "sign_in"


@dataclass(frozen=True)
class UserPassword:
    """A user's name and password."""

    user: str
    password: Secret
    scheme: Scheme = "sign_in"


@dataclass(frozen=True)
class Token:
    """A bearer token that something else renews."""

    token: Secret


@dataclass(frozen=True)
class Cookie:
    """A session cookie taken from elsewhere, such as a browser; it cannot be renewed here."""

    name: str
    value: Secret


Credentials: TypeAlias = ApiKey | UserPassword | Token | Cookie


@dataclass(frozen=True)
class Settings:
    """All that is needed to talk to one shared space; `workspaces` None means all of them."""

    url: str
    shared_space: str
    workspaces: tuple[str, ...] | None
    credentials: Credentials
    home: Path = DEFAULT_HOME
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)  # may carry a password
    allow_http_host: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S


def load_settings(environ: Mapping[str, str], *, config_file: Path | None = None) -> Settings:
    """Read and check all settings; the environment wins over the TOML file.

    Raises UsageError.
    """
    found = _Found.collect(environ, config_file)
    allow_http_host = found.get("allow_http_host")
    return Settings(
        url=_url(found, allow_http_host),
        shared_space=_shared_space(found),
        workspaces=_workspaces(found),
        credentials=_credentials(found),
        home=_home(found),
        ca_file=_ca_file(found),
        proxy=_proxy(found),
        allow_http_host=allow_http_host,
        page_size=int(_number(found, "page_size", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE, int)),
        concurrency=int(
            _number(found, "concurrency", DEFAULT_CONCURRENCY, 1, MAX_CONCURRENCY, int)
        ),
        timeout_s=_number(found, "timeout", DEFAULT_TIMEOUT_S, 1, MAX_TIMEOUT_S, float),
    )


def load_home(environ: Mapping[str, str], config_file: Path | None = None) -> Path:
    """The data folder alone, for commands that need no server. Raises UsageError."""
    return _home(_Found.collect(environ, config_file))


@dataclass(frozen=True)
class _Found:
    """Texts by setting name, and where each came from, for messages and relative paths."""

    texts: Mapping[str, str]
    file: Path | None
    from_file: frozenset[str]

    @classmethod
    def collect(cls, environ: Mapping[str, str], config_file: Path | None) -> _Found:
        known = [f"OCTANE_{name.upper()}" for name in (*NAMES, "config")]
        for name in sorted(environ):
            if name.startswith("OCTANE_") and name not in known:
                raise UsageError(
                    f"The environment sets {name}, which is not a setting"
                    f"{_nearest(name, known)}; rename or unset it."
                )
        file = config_file or _config_path(environ)
        texts = _read_toml(file) if file is not None else {}
        from_file = set(texts)
        for name in NAMES:
            value = environ.get(f"OCTANE_{name.upper()}", "").strip()
            if value:
                texts[name] = value
                from_file.discard(name)
        return cls(texts, file, frozenset(from_file))

    def get(self, name: str) -> str | None:
        return self.texts.get(name) or None

    def label(self, name: str) -> str:
        """How the user spelled the setting."""
        if name in self.from_file:
            return f"{name} in {self.file}"
        return f"OCTANE_{name.upper()}"

    def path(self, name: str) -> Path | None:
        """A path; one from the file is relative to the file's folder."""
        text = self.get(name)
        if text is None:
            return None
        path = Path(text).expanduser()
        if name in self.from_file and self.file is not None:
            return self.file.parent / path
        return path


def _config_path(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("OCTANE_CONFIG", "").strip()
    if named:
        return Path(named).expanduser()
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def _read_toml(file: Path) -> dict[str, str]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"The settings file {file} does not exist; correct OCTANE_CONFIG or unset it."
        ) from None
    except OSError as error:
        raise UsageError(
            f"The settings file {file} cannot be read ({error.strerror}); correct its rights."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"The settings file {file} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's text names a place and at most one character of the line.
        raise UsageError(
            f"The settings file {file} is not valid TOML: {error}; write lines such as "
            'url = "https://octane.example.com".'
        ) from None
    return {name: text for name, value in raw.items() if (text := _text(file, name, value))}


def _text(file: Path, name: str, value: Any) -> str:
    if name not in NAMES:
        bare = name.lower().removeprefix("octane_")
        raise UsageError(
            f"The settings file {file} has the key {name}, which is not a setting"
            f"{_nearest(bare, NAMES)}; rename or remove it."
        )
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if name == "workspaces" and isinstance(value, list):
        return ",".join(str(one) for one in value)
    raise UsageError(
        f"The key {name} in {file} must be a text or a number, not {type(value).__name__}; "
        f'write {name} = "...".'
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (the nearest one is {near[0]})" if near else ""


def _url(found: _Found, allow_http_host: str | None) -> str:
    text, label = found.get("url"), found.label("url")
    if text is None:
        raise UsageError(
            "No server is named; set OCTANE_URL to its address, such as "
            "https://octane.example.com, or start with: octane-flows demo."
        )
    example = "give it as https://host or https://host:port"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{label} is not a web address; {example}.") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"{label} carries a user or password before the @; take it out, and set OCTANE_USER "
            "and OCTANE_PASSWORD, or an API key, instead."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", text):
        raise UsageError(f"{label} ({text}) is not a web address; {example}.")
    base = f"{parts.scheme}://{_host(parts.hostname)}{f':{port}' if port else ''}"
    first = parts.path.split("/")[1] if parts.path.startswith("/") else ""
    if parts.query or parts.fragment or first in ("ui", "api", "admin", "authentication", "osp"):
        raise UsageError(
            f"{label} is the address of a page or resource, not of the server; give {base}"
            f"{_space_hint(parts)}."
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        allowed = (allow_http_host or "").lower().strip("[]")
        if allowed != parts.hostname.lower():
            raise UsageError(
                f"{label} uses http, which would send the credentials to {parts.hostname} "
                "unencrypted; use https, or set "
                f"OCTANE_ALLOW_HTTP_HOST={parts.hostname} if that is meant."
            )
    return base + parts.path.rstrip("/")


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _space_hint(parts: SplitResult) -> str:
    """Shared space and workspace, where the address of a page tells them (`?p=1001/1002`)."""
    values = parse_qs(parts.query).get("p", []) or parse_qs(parts.fragment).get("p", [])
    match = re.fullmatch(r"(\d+)(?:/(\d+))?", values[0]) if values else None
    if match is None:
        return ""
    hint = f", and OCTANE_SHARED_SPACE={match[1]}"
    return hint + (f" and OCTANE_WORKSPACES={match[2]}" if match[2] else "")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shared_space(found: _Found) -> str:
    text = found.get("shared_space")
    if text is None:
        raise UsageError(
            "No shared space is named; set OCTANE_SHARED_SPACE to its id, the first number after "
            "p= in the address of any Octane page (p=1001/1002)."
        )
    if not re.fullmatch(r"[0-9A-Za-z-]+", text):
        raise UsageError(
            f"{found.label('shared_space')} ({text}) is not the id of a shared space; give a "
            "number such as 1001."
        )
    return text


def _workspaces(found: _Found) -> tuple[str, ...] | None:
    text = found.get("workspaces")
    if text is None or text.lower() == "all":
        return None
    ids = [one.strip() for one in text.split(",") if one.strip()]
    wrong = [one for one in ids if not re.fullmatch(r"[0-9]+", one)]
    if wrong or not ids:
        raise UsageError(
            f"{found.label('workspaces')} holds {', '.join(wrong) or 'no id'}, but workspaces are "
            "given by id; write numbers such as 1002,1003 or all."
        )
    return tuple(dict.fromkeys(ids))


def _credentials(found: _Found) -> Credentials:
    scheme = found.get("auth") or "sign_in"
    if scheme not in ("sign_in", "basic"):
        raise UsageError(f"{found.label('auth')} must be sign_in or basic, not {scheme}.")
    for one, other in (("client_id", "client_secret"), ("user", "password")):
        for given, missing in ((one, other), (other, one)):
            if found.get(given) and not found.get(missing):
                raise UsageError(
                    f"{found.label(given)} is set but OCTANE_{missing.upper()} is not; set both "
                    "or neither."
                )
    kinds = [name for name in ("client_id", "user", "token", "cookie") if found.get(name)]
    if not kinds:
        raise UsageError(
            "No credentials are set; set OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET (an API access "
            "key), or OCTANE_USER and OCTANE_PASSWORD, OCTANE_TOKEN or OCTANE_COOKIE."
        )
    if len(kinds) > 1:
        raise UsageError(
            f"{found.label(kinds[0])} and {found.label(kinds[1])} are two kinds of credentials; "
            "keep one of them."
        )
    secret = Secret
    if kinds == ["client_id"]:
        return ApiKey(
            found.texts["client_id"],
            secret(found.texts["client_secret"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if kinds == ["user"]:
        return UserPassword(
            found.texts["user"],
            secret(found.texts["password"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if scheme == "basic":
        raise UsageError(
            f"{found.label('auth')} is basic, but {found.label(kinds[0])} is no name and "
            "password; unset one of the two."
        )
    if kinds == ["token"]:
        return Token(_header_safe(found, "token"))
    return _cookie(found)


def _cookie(found: _Found) -> Cookie:
    value = _header_safe(found, "cookie").reveal()
    name, equals, rest = value.partition("=")
    # A session value may itself end in "=": only a word that looks like a cookie's name counts.
    if equals and rest and re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]{2,31}", name):
        return Cookie(name, Secret(rest.rstrip("; ")))
    return Cookie(SESSION_COOKIE, Secret(value))


def _header_safe(found: _Found, name: str) -> Secret:
    value = found.texts[name]
    if not value.isascii() or not value.isprintable():
        raise UsageError(
            f"{found.label(name)} holds characters that cannot be sent in a header; copy it again, "
            "without line breaks."
        )
    return Secret(value)


def _home(found: _Found) -> Path:
    home = found.path("home") or DEFAULT_HOME
    if home.exists() and not home.is_dir():
        raise UsageError(f"{found.label('home')} ({home}) is a file; name a folder.")
    return home


def _ca_file(found: _Found) -> Path | None:
    path = found.path("ca_file")
    if path is not None and not path.is_file():
        raise UsageError(
            f"{found.label('ca_file')} names {path}, which does not exist or is no file; give a "
            "PEM file with the company's certificates."
        )
    return path


def _proxy(found: _Found) -> str | None:
    text = found.get("proxy")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:  # the value may hold a password and is not repeated
        raise UsageError(
            f"{found.label('proxy')} is not a proxy address; give it as http://host:port."
        )
    return text


def _number(
    found: _Found, name: str, default: float, low: float, high: float, kind: type[int] | type[float]
) -> float:
    text = found.get(name)
    if text is None:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise UsageError(
            f"{found.label(name)} is {text}, but must be a "
            f"{'whole number' if kind is int else 'number'} from {low:g} to {high:g}."
        )
    return value
