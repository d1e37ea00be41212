"""docs/settings.md: every setting, from the names that the configuration accepts."""

from __future__ import annotations

from itertools import groupby

from octane_flows.config.setting_names import CONFIG_VARIABLE, SETTINGS
from tests.pages.markdown import table

HEAD = f"""# Settings

Each is an environment variable, or a key of a TOML file: `./octane-flows.toml` is found by itself,
`{CONFIG_VARIABLE}` names another. The environment wins. A relative path in the file begins at the
file's folder. Unknown names are an error that tells the nearest one. Secrets appear in no output
and no file; keep them in the environment and the rest in the file.

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
    for group, settings in groupby(SETTINGS, key=lambda one: one.group):
        rows = [
            (
                f"`{one.variable}`",
                f"`{one.name}`",
                one.meaning,
                f"`{one.default}`" if one.default else "",
                f"`{one.example}`" if one.example else "",
            )
            for one in settings
        ]
        head = ("variable", "TOML key", "meaning", "default", "example")
        lines += [f"## {group}", "", *table(head, rows), ""]
    return "\n".join(lines)
