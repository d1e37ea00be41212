"""Who may read what the commands write, and whether others can read the secrets of a settings file.

The texts of the settings in, the process's umask set or one sentence out; the command line, the
doctor and the pipelines call it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from octane_flows.config.secret_files import FILE_SECRETS
from octane_flows.config.setting_texts import SettingTexts
from octane_flows.errors import UsageError
from octane_flows.portable_files import IS_WINDOWS

#: What the new files and folders of a command lack, by the setting's value. All files follow it,
#: those of DuckDB, Arrow and table formats too, so it is the umask and not a mode at each file.
MASKS: Final[Mapping[str, int | None]] = {"owner": 0o077, "group": 0o027, "umask": None}
DEFAULT_FILE_ACCESS: Final = "owner"
ADDRESSES: Final = ("proxy", "budget")  # they may carry a password


def file_access(texts: SettingTexts) -> str:
    """The checked value of the setting."""
    access = texts.get("file_access") or DEFAULT_FILE_ACCESS
    if access not in MASKS:
        raise UsageError(
            f"{texts.label('file_access')} is {access}; write owner (only you), group (your group "
            "may read) or umask (as your umask says)."
        )
    return access


def limit_file_access(environ: Mapping[str, str], config_file: Path | None = None) -> None:
    """Let the new files of this process be as private as the settings say. Raises UsageError."""
    mask = MASKS[file_access(SettingTexts.collect(environ, config_file))]
    if mask is not None:
        os.umask(mask)


def open_settings_file(environ: Mapping[str, str], config_file: Path | None = None) -> str | None:
    """A sentence about a settings file with a secret that others may read. Raises UsageError."""
    texts = SettingTexts.collect(environ, config_file)
    secrets = [name for name in FILE_SECRETS if name in texts.in_file]
    for name in ADDRESSES:
        if "@" in urlsplit(texts.in_file.get(name, "")).netloc:
            secrets.append(name)
    if texts.file is None or not secrets or IS_WINDOWS:  # which keeps rights elsewhere
        return None
    try:
        mode = stat.S_IMODE(texts.file.stat().st_mode)
    except OSError:  # it was there a moment ago; who reads it next says so
        return None
    if not mode & 0o077:
        return None
    return (
        f"The settings file {texts.file} holds {' and '.join(secrets)} and may be read by other "
        f"users of this machine (mode {mode:04o}); run: chmod 600 {texts.file}"
    )
