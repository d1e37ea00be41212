"""Where things are: the server's address, space and workspaces, the data folder, the way there.

The texts found in the settings in, checked addresses, ids and paths out; `settings` calls it.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from octane_flows.config.setting_texts import Found
from octane_flows.errors import UsageError

DEFAULT_HOME: Final = Path("data")
ALL: Final = "all"  # workspaces


def server_url(found: Found, allow_http_host: str | None) -> str:
    """The server's base address, without a slash at its end."""
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
    # without a scheme nothing is told apart, and what is before the @ is not repeated either
    if (
        parts.username is not None
        or parts.password is not None
        or (not parts.netloc and "@" in text)
    ):
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
    if parts.scheme == "http" and not is_loopback(parts.hostname):
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


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shared_space(found: Found) -> str:
    """The id of the shared space."""
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


def workspaces(found: Found) -> tuple[str, ...] | None:
    """The ids of the workspaces; None for all."""
    text = found.get("workspaces")
    if text is None or text.lower() == ALL:
        return None
    return _ids(found, "workspaces", text)


def warehouse_workspaces(found: Found) -> tuple[str, ...] | None:
    """The ids of the workspaces that the warehouse is to hold, or `all`; None: not set."""
    text = found.get("warehouse_workspaces")
    if text is None:
        return None
    return (ALL,) if text.lower() == ALL else _ids(found, "warehouse_workspaces", text)


def _ids(found: Found, name: str, text: str) -> tuple[str, ...]:
    ids = [one.strip() for one in text.split(",") if one.strip()]
    wrong = [one for one in ids if not re.fullmatch(r"[0-9]+", one)]
    if wrong or not ids:
        raise UsageError(
            f"{found.label(name)} holds {', '.join(wrong) or 'no id'}, but workspaces are "
            "given by id; write numbers such as 1002,1003 or all."
        )
    return tuple(dict.fromkeys(ids))


def entity_types(found: Found, name: str) -> tuple[str, ...]:
    """Names of entity types; whether the server has them is told by its metadata alone."""
    names = [one.strip() for one in (found.get(name) or "").split(",") if one.strip()]
    wrong = [one for one in names if not re.fullmatch(r"[a-z][a-z0-9_]*", one)]
    if wrong:
        raise UsageError(
            f"{found.label(name)} holds {', '.join(wrong)}, which is no name of an entity type; "
            "write names such as ci_build,email_template as octane-flows doctor lists them."
        )
    return tuple(dict.fromkeys(names))


def home_folder(found: Found) -> Path:
    """The data folder; it need not exist yet."""
    home = found.path("home") or DEFAULT_HOME
    if home.exists() and not home.is_dir():
        raise UsageError(f"{found.label('home')} ({home}) is a file; name a folder.")
    return home


def ca_file(found: Found) -> Path | None:
    """The file with the company's certificates."""
    path = found.path("ca_file")
    if path is not None and not path.is_file():
        raise UsageError(
            f"{found.label('ca_file')} names {path}, which does not exist or is no file; give a "
            "PEM file with the company's certificates."
        )
    return path


def proxy_address(found: Found) -> str | None:
    """The proxy's address, which may hold a password."""
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
