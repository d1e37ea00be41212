"""Where settings come from: environment names `OCTANE_*` and one TOML file, as texts by name.

The environment wins. Unknown names and unreadable files are told here, in one sentence each; what
a text means is for the other modules.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from octane_flows.config.setting_names import CONFIG_VARIABLE, NAMES
from octane_flows.errors import UsageError

__all__ = ["Found", "flag", "number"]

DEFAULT_CONFIG: Final = Path("octane-flows.toml")


@dataclass(frozen=True)
class Found:
    """Texts by setting name, and where each came from, for messages and relative paths."""

    texts: Mapping[str, str]
    file: Path | None
    from_file: frozenset[str]

    @classmethod
    def collect(cls, environ: Mapping[str, str], config_file: Path | None) -> Found:
        """Read both sources. Raises UsageError."""
        known = [*(f"OCTANE_{name.upper()}" for name in NAMES), CONFIG_VARIABLE]
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
        """The text of a setting; None when it is empty or not set."""
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
    named = environ.get(CONFIG_VARIABLE, "").strip()
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


Number = TypeVar("Number", int, float)
Default = TypeVar("Default", int, float, None)


def flag(found: Found, name: str, default: bool) -> bool:
    """A setting that is true or false. Raises UsageError."""
    text = found.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false"):
        raise UsageError(f"{found.label(name)} is {text}; write true or false.")
    return text.lower() == "true"


def number(
    found: Found, name: str, default: Default, low: float, high: float, kind: type[Number]
) -> Number | Default:
    """A number within bounds, or the default."""
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
