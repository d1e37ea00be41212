"""The quarantine file: TOML, a table `[[test]]` for each test that is excluded until a date.

A path in, `Entry` records out; new entries are appended, so that what a team wrote stays as it is.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.warehouse.file_replacement import replace_file

_HEAD = """\
# Tests that are left out of builds until they expire. Review with: octane-flows quarantine
# Each entry has a reason, an owner who mends the test, and a date from which it runs again.
"""
_TEXTS = ("workspace", "test_id", "name", "package", "class", "reason", "owner")
_OPTIONAL = frozenset({"package", "class"})


@dataclass(frozen=True)
class Entry:
    """One test in quarantine; it is left out up to and including the day `expires`."""

    workspace: str
    test_id: str
    name: str
    package: str
    class_name: str
    reason: str
    owner: str
    expires: date

    @property
    def key(self) -> tuple[str, str]:
        """Workspace and test."""
        return self.workspace, self.test_id

    @property
    def full_class(self) -> str:
        """Package and class with a dot between them; empty without both."""
        return ".".join(filter(None, (self.package, self.class_name)))


def read_entries(path: Path) -> list[Entry]:
    """All entries, in order of the file; none where there is no file yet. Raises UsageError."""
    try:
        record = tomllib.loads(regular_bytes(path).decode("utf-8-sig"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"The quarantine file {path} cannot be read ({error.strerror}); correct its path or "
            "its rights."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"The quarantine file {path} is not valid TOML ({str(error)[:200]}); correct it, or "
            "remove it and write a new one with --add."
        ) from error
    tables = record.get("test", [])
    if set(record) - {"test"} or not isinstance(tables, list):
        raise UsageError(
            f"The quarantine file {path} holds something else than tables [[test]]; remove it."
        )
    entries = [_entry(table, path, number) for number, table in enumerate(tables, start=1)]
    keys = [entry.key for entry in entries]
    for number, key in enumerate(keys, start=1):
        if key in keys[: number - 1]:
            raise UsageError(
                f"{path}, entry {number}: test {key[1]} of workspace {key[0]} stands there twice; "
                "remove one of the two."
            )
    return entries


def _entry(table: object, path: Path, number: int) -> Entry:
    where = f"{path}, entry {number}"
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is no table; write it as [[test]] with its keys below.")
    unknown = sorted(set(table) - {*_TEXTS, "expires"})
    if unknown:
        raise UsageError(f"{where}: the key {unknown[0]} is unknown; remove it.")
    for name in _TEXTS:
        value = table.get(name, "" if name in _OPTIONAL else None)
        if not isinstance(value, str) or not (value.strip() or name in _OPTIONAL):
            raise UsageError(f'{where}: {name} is missing; write {name} = "..." as a text.')
    expires = table.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise UsageError(f"{where}: expires is no date; write expires = 2026-01-31.")
    texts = {name: str(table.get(name, "")) for name in _TEXTS}
    texts["class_name"] = texts.pop("class")
    return Entry(**texts, expires=expires)


def add_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Append entries; a file that is not there yet is begun. Raises OctaneFlowsError."""
    try:
        before = regular_bytes(path).decode("utf-8-sig") if path.exists() else _HEAD
        text = before.rstrip("\n") + "\n" + "".join(f"\n{_text(entry)}" for entry in entries)
    except OSError as error:
        raise OctaneFlowsError(
            f"The quarantine file {path} cannot be read ({error.strerror}); correct its path or "
            "its rights."
        ) from error
    replace_file(path, text.encode())


def _text(entry: Entry) -> str:
    values = {
        "workspace": entry.workspace,
        "test_id": entry.test_id,
        "name": entry.name,
        "package": entry.package,
        "class": entry.class_name,
        "reason": entry.reason,
        "owner": entry.owner,
    }
    lines = [f"{name} = {_quoted(value)}" for name, value in values.items() if value]
    return "\n".join(["[[test]]", *lines, f"expires = {entry.expires.isoformat()}", ""])


def _quoted(value: str) -> str:
    """A basic string of TOML, which has JSON's escapes; DEL must be escaped, too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
