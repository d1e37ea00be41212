"""Values of settings: addresses, ids, names, paths, numbers and switches, each checked.

The texts of the settings in, values out, or a UsageError with the remedy; the other modules of the
settings call it.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from octane_flows.config.setting_texts import SettingTexts
from octane_flows.config.workspace_names import is_workspace_id
from octane_flows.errors import UsageError

DEFAULT_HOME: Final = Path("data")
ALL: Final = "all"  # workspaces
MAX_NAME: Final = 500  # characters of a workspace's name
NONE: Final = "none"  # of what is read by default
DEFAULT_HISTORY: Final = ("work_item", "test", "requirement")
#: Items that people edit by hand; nothing that users, rights or a site's rules hang on.
DEFAULT_QUERY_WRITES: Final = (
    "defect", "story", "quality_story", "feature", "epic", "task", "test_manual", "test_automated",
    "gherkin_test", "test_suite", "run_manual", "run_suite", "requirement_document",
)  # fmt: skip
Number = TypeVar("Number", int, float)
Default = TypeVar("Default", int, float, None)


def server_url(texts: SettingTexts, allow_http_host: str | None) -> str:
    """The server's base address, without a slash at its end."""
    text, label = texts.get("url"), texts.label("url")
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
    # without a scheme the parts cannot be recognised; a text with @ is never repeated
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
                f"OCTANE_ALLOW_HTTP_HOST={parts.hostname} if you accept that."
            )
    return base + parts.path.rstrip("/")


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _space_hint(parts: SplitResult) -> str:
    """The shared space and workspace in the address of a page (`?p=1001/1002`)."""
    values = parse_qs(parts.query).get("p", []) or parse_qs(parts.fragment).get("p", [])
    match = re.fullmatch(r"(\d+)(?:/(\d+))?", values[0]) if values else None
    if match is None:
        return ""
    hint = f", and OCTANE_SHARED_SPACE={match[1]}"
    return hint + (f" and OCTANE_WORKSPACES={match[2]}" if match[2] else "")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shared_space(texts: SettingTexts) -> str:
    """The id of the shared space."""
    text = texts.get("shared_space")
    if text is None:
        raise UsageError(
            "No shared space is named; set OCTANE_SHARED_SPACE to its id, the first number after "
            "p= in the address of any Octane page (p=1001/1002)."
        )
    if not re.fullmatch(r"[0-9A-Za-z-]+", text):
        raise UsageError(
            f"{texts.label('shared_space')} ({text}) is not the id of a shared space; give a "
            "number such as 1001."
        )
    return text


def workspaces(texts: SettingTexts) -> tuple[str, ...] | None:
    """The workspaces by id or name; None for all."""
    text = texts.get("workspaces")
    if text is None or text.lower() == ALL:
        return None
    return _workspaces(texts, "workspaces", text)


def warehouse_workspaces(texts: SettingTexts) -> tuple[str, ...] | None:
    """The warehouse's workspaces by id or name, or `all`; None: not set."""
    text = texts.get("warehouse_workspaces")
    if text is None:
        return None
    return (ALL,) if text.lower() == ALL else _workspaces(texts, "warehouse_workspaces", text)


def _workspaces(texts: SettingTexts, name: str, text: str) -> tuple[str, ...]:
    """Ids and names with commas between them; a name with a comma is in double quotes."""
    example = 'write ids or names such as 1002,Payments or all, a name with a comma as "A, B"'
    try:
        [parts] = csv.reader([text], skipinitialspace=True, strict=True)
    except (ValueError, csv.Error):
        raise UsageError(
            f"{texts.label(name)} cannot be read as a list of workspaces; {example}."
        ) from None
    wanted = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not wanted:
        raise UsageError(f"{texts.label(name)} has no workspace; {example}.")
    if any(part.lower() == ALL for part in wanted):
        raise UsageError(
            f"{texts.label(name)} has all beside other workspaces; write all alone, or the others "
            "without it."
        )
    wrong = [part for part in wanted if not part.isprintable()]
    if wrong or max(map(len, wanted)) > MAX_NAME or any(map(_is_long_number, wanted)):
        raise UsageError(
            f"{texts.label(name)} has what can be neither the id nor the name of a workspace: a "
            "line break, a control character, a number with more than 18 digits or more than "
            f"{MAX_NAME} characters; {example}."
        )
    return wanted


def _is_long_number(text: str) -> bool:
    return text.isdecimal() and not is_workspace_id(text)


def entity_types(texts: SettingTexts, name: str) -> tuple[str, ...]:
    """Names of entity types; only the server's metadata can say whether they exist."""
    names = [part.strip() for part in (texts.get(name) or "").split(",") if part.strip()]
    wrong = [part for part in names if not re.fullmatch(r"[a-z][a-z0-9_]*", part)]
    if wrong:
        raise UsageError(
            f"{texts.label(name)} has {', '.join(wrong)}, which cannot be an entity type; "
            "write names such as ci_build,email_template as octane-flows doctor lists them."
        )
    return tuple(dict.fromkeys(names))


def history_types(texts: SettingTexts) -> tuple[str, ...]:
    """The entity types whose change history is read; empty: none."""
    text = texts.get("history")
    if text is None:
        return DEFAULT_HISTORY
    return () if text.strip().lower() == NONE else entity_types(texts, "history")


def query_writes(texts: SettingTexts) -> tuple[str, ...]:
    """What a plan from a query may write, `type` or `type.field`; empty: nothing."""
    text = texts.get("query_writes")
    if text is None:
        return DEFAULT_QUERY_WRITES
    if text.strip().lower() == NONE:
        return ()
    names = [part.strip() for part in text.split(",") if part.strip()]
    wrong = [part for part in names if not re.fullmatch(r"[a-z][a-z0-9_]*(\.\w+)?", part)]
    if wrong:
        raise UsageError(
            f"{texts.label('query_writes')} has {', '.join(wrong)}, which is neither an entity "
            "type nor a field of one; write names such as story,defect.severity, or none."
        )
    return tuple(dict.fromkeys(names))


def home_folder(texts: SettingTexts) -> Path:
    """The data folder; it need not exist yet."""
    home = texts.path("home") or DEFAULT_HOME
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(home)):
        raise UsageError(
            f"{texts.label('home')} ({home}) is an address, but the data folder is on this "
            "machine; name a folder. The lake alone can be in a bucket: OCTANE_LAKE."
        )
    if home.exists() and not home.is_dir():
        raise UsageError(f"{texts.label('home')} ({home}) is a file; name a folder.")
    return home


def ca_file(texts: SettingTexts) -> Path | None:
    """The file with the company's certificates."""
    path = texts.path("ca_file")
    if path is not None and not path.is_file():
        raise UsageError(
            f"{texts.label('ca_file')} names {path}, which is not an existing file; give a "
            "PEM file with the company's certificates."
        )
    return path


def proxy_address(texts: SettingTexts) -> str | None:
    """The proxy's address, which may contain a password."""
    text = texts.get("proxy")
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:  # the text may contain a password, so the message does not repeat it
        raise UsageError(
            f"{texts.label('proxy')} is not a proxy address; give it as http://host:port."
        )
    return text


def flag(texts: SettingTexts, name: str, default: bool) -> bool:
    """A setting that is true or false. Raises UsageError."""
    text = texts.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise UsageError(f"{texts.label(name)} is {text}; write true or false.")
    return text.lower() == "true"


def number(
    texts: SettingTexts, name: str, default: Default, low: float, high: float, kind: type[Number]
) -> Number | Default:
    """A number within bounds, or the default."""
    text = texts.get(name)
    if text is None:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise UsageError(
            f"{texts.label(name)} is {text}, but must be a "
            f"{'whole number' if kind is int else 'number'} from {low:g} to {high:g}."
        )
    return value
