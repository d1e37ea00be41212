"""docs/settings.md: every setting, from the names that the configuration accepts."""

from __future__ import annotations

from itertools import groupby

from octane_flows.config.setting_names import CONFIG_VARIABLE, SETTINGS
from tests.pages.markdown import table

HEAD = f"""# Settings

A setting is an environment variable or a key of a TOML file. The file is `./octane-flows.toml`, or
the one that `{CONFIG_VARIABLE}` names. If both have a setting, the environment variable counts. A
relative path in the file starts at the file's folder. An unknown name is an error that suggests the
nearest known one. Secrets appear in no output and no file; keep them in the environment, and other
settings in the file.

```toml
url = "https://octane.example.com"
shared_space = 1001
workspaces = [1002, 1003]
quiet_hours = "mon-fri 08:00-18:00"
time_zone = "Europe/Berlin"
```
"""


def settings_page() -> str:
    """The whole page."""
    lines = [HEAD]
    for group, settings in groupby(SETTINGS, key=lambda setting: setting.group):
        rows = [
            (
                f"`{setting.variable}`",
                f"`{setting.name}`",
                setting.meaning,
                f"`{setting.default}`" if setting.default else "",
                f"`{setting.example}`" if setting.example else "",
            )
            for setting in settings
        ]
        head = ("variable", "TOML key", "meaning", "default", "example")
        lines += [f"## {group}", "", *table(head, rows), ""]
    return "\n".join(lines)
