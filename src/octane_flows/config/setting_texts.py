"""The texts of settings by name, from `OCTANE_*` variables and one TOML file.

The environment overrides the file. An unknown name or an unreadable file is one UsageError here;
the modules of the settings check what a text means.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from octane_flows.config.secret_files import FILE_SECRETS, file_variable, read_secret_files
from octane_flows.config.setting_names import CONFIG_VARIABLE, NAMES
from octane_flows.errors import UsageError

__all__ = ["SettingTexts", "setting_variables"]

SECRETS: Final = frozenset(
    {"client_secret", "password", "lake_secret", "smtp_password", "serve_password"}
)
DEFAULT_CONFIG: Final = Path("octane-flows.toml")


@dataclass(frozen=True)
class SettingTexts:
    """Texts by setting name, and the source of each, for messages and relative paths.

    `in_file` has all texts of the file, those that the environment overrides too.
    """

    values: Mapping[str, str]
    file: Path | None
    from_file: frozenset[str]
    in_file: Mapping[str, str]

    @classmethod
    def collect(cls, environ: Mapping[str, str], config_file: Path | None) -> SettingTexts:
        """Read both sources. Raises UsageError."""
        variables = [*(f"OCTANE_{name.upper()}" for name in NAMES), CONFIG_VARIABLE]
        variables += map(file_variable, FILE_SECRETS)
        for name in sorted(environ):
            if name.startswith("OCTANE_") and name not in variables:
                raise UsageError(
                    f"The environment sets {name}, which is not a setting"
                    f"{_nearest(name, variables)}; rename or unset it."
                )
        file = config_file or _config_path(environ)
        values = _read_toml(file) if file is not None else {}
        in_file = dict(values)
        from_file = set(values)
        for name in NAMES:
            value = environ.get(f"OCTANE_{name.upper()}", "").strip()
            if value:
                values[name] = value
                from_file.discard(name)
        for name, secret in read_secret_files(environ).items():
            values[name] = secret
            from_file.discard(name)
        texts = cls(values, file, frozenset(from_file), in_file)
        for name in values:
            texts._require_characters(name)
        return texts

    def _require_characters(self, name: str) -> None:
        """Raise UsageError for characters that no setting can have."""
        value = self.values[name]
        if name in SECRETS:  # a password may have any character of Unicode
            is_text = not any("\ud800" <= char <= "\udfff" for char in value)
        else:
            is_text = value.isprintable()
        if not is_text:
            raise UsageError(
                f"{self.label(name)} has characters that cannot be printed, such as control "
                "characters or bytes that are not UTF-8; type it again."
            )

    def get(self, name: str) -> str | None:
        """The text of a setting; None when it is empty or not set."""
        return self.values.get(name) or None

    def label(self, name: str) -> str:
        """The setting's name as the user wrote it."""
        if name in self.from_file:
            return f"{name} in {self.file}"
        return f"OCTANE_{name.upper()}"

    def path(self, name: str) -> Path | None:
        """A path; a path from the file is relative to the file's folder."""
        text = self.get(name)
        if text is None:
            return None
        try:
            path = Path(text).expanduser()
        except RuntimeError:
            raise UsageError(
                f"{self.label(name)} ({text}) begins with the home folder of a user who does not "
                "exist here; write the path in full."
            ) from None
        if name in self.from_file and self.file is not None:
            return self.file.parent / path
        return path


def setting_variables(texts: Mapping[str, str], *, where: str) -> dict[str, str]:
    """The `OCTANE_*` variables of settings by name. Raises UsageError for a name that is none."""
    for name in texts:
        if name not in NAMES:
            raise UsageError(
                f"{where} has the setting {name}, which does not exist{_nearest(name, NAMES)}; "
                "rename or remove it."
            )
    return {f"OCTANE_{name.upper()}": text for name, text in texts.items()}


def _config_path(environ: Mapping[str, str]) -> Path | None:
    path = environ.get(CONFIG_VARIABLE, "").strip()
    if path:
        try:
            return Path(path).expanduser()
        except RuntimeError:
            raise UsageError(
                f"{CONFIG_VARIABLE} ({path}) begins with the home folder of a user who does not "
                "exist here; write the path in full."
            ) from None
    if DEFAULT_CONFIG.is_file():
        return DEFAULT_CONFIG
    if os.path.lexists(DEFAULT_CONFIG):  # as containers make it, when the file to mount is missing
        raise UsageError(
            f"The settings file {DEFAULT_CONFIG} is a folder, a broken link or a device, so no "
            "setting would be read from it; put a file there or remove it."
        )
    return None


def _read_toml(file: Path) -> dict[str, str]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"The settings file {file} does not exist; correct OCTANE_CONFIG or unset it."
        ) from None
    except OSError as error:
        raise UsageError(
            f"The settings file {file} cannot be read ({error.strerror}); correct its permissions."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"The settings file {file} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's message has the position and at most one character of the line.
        raise UsageError(
            f"The settings file {file} is not valid TOML: {error}; write lines such as "
            'url = "https://octane.example.com".'
        ) from None
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        raise UsageError(
            f"The settings file {file} is not a list of settings; write lines such as "
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
    if name in ("workspaces", "warehouse_workspaces") and isinstance(value, list):
        return ",".join(_list_item(item) for item in value)
    raise UsageError(
        f"The key {name} in {file} must be a text or a number, not {type(value).__name__}; "
        f'write {name} = "...".'
    )


def _list_item(item: object) -> str:
    """An id or a name of a TOML list as the variable would have it."""
    text = str(item)
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def _nearest(name: str, names: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (the nearest name is {nearest[0]})" if nearest else ""
