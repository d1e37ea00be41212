"""A list of changes as plain text, Markdown or JSON.

A `ChangeList` in, a text out; the command `changes` and letters call it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from octane_flows.changes.change_list import Change, ChangeGroup, ChangeList, total
from octane_flows.config import workspace_label
from octane_flows.console import VISIBLE

ROWS_SHOWN = 20  # changes of a kind in a text or page; JSON has all
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
#: Characters that JSON may hold as they are, and that a terminal would obey.
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in range(127, 160)}


def as_text(changes: ChangeList, *, rows: int = ROWS_SHOWN, notes: Sequence[str] = ()) -> str:
    """Plain text for a terminal or a mail, after its notes."""
    lines = [*notes, *([""] if notes else []), changes.heading, changes.period, ""]
    if not changes.groups:
        lines.append("Nothing changed.")
    for group in changes.groups:
        lines.append(f"{group.title} ({total(group):,})")
        lines += [f"  - {_words(changes, change)}" for change in group.changes[:rows]]
        lines += [f"  {text}" for text in _more(group, rows)]
        lines.append("")
    lines += [f"Gap: {gap}" for gap in changes.gaps]
    return "\n".join(lines).translate(_LINE_SAFE).rstrip() + "\n"


#: Control characters of names, made visible; the line breaks are ours.
_LINE_SAFE = {code: text for code, text in VISIBLE.items() if code != 10}


def as_markdown(changes: ChangeList, *, rows: int = ROWS_SHOWN) -> str:
    """Markdown; names are escaped, so that none of them is a link or a heading."""
    lines = [f"# {_escaped(changes.heading)}", "", _escaped(changes.period), ""]
    if not changes.groups:
        lines += ["Nothing changed.", ""]
    for group in changes.groups:
        lines += [f"## {group.title} ({total(group):,})", ""]
        for change in group.changes[:rows]:
            name = _escaped(change.label)
            link = f"[{name}]({change.item_url})" if change.item_url else name
            details = "; ".join(_escaped(part) for part in details_of(changes, change))
            lines.append(f"- {link}{': ' + details if details else ''}")
        lines += [f"- {text}" for text in _more(group, rows)]
        lines.append("")
    lines += [f"> Gap: {_escaped(gap)}" for gap in changes.gaps]
    return "\n".join(lines).rstrip() + "\n"


def as_json(changes: ChangeList) -> str:
    """All changes as JSON; times are UTC."""
    content = {
        "since": f"{changes.since.isoformat()}Z",
        "until": f"{changes.until.isoformat()}Z",
        "generation": changes.generation,
        "workspaces": dict(changes.workspace_names),
        "counts": {group.code: total(group) for group in changes.groups},
        "gaps": list(changes.gaps),
        "changes": [
            {
                name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value
                for name, value in asdict(change).items()
            }
            for change in changes.changes
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False).translate(_JSON_ESCAPES) + "\n"


def details_of(changes: ChangeList, change: Change) -> list[str]:
    """What is said behind the name: where, since when, who, from what to what."""
    parts: list[str] = []
    if changes.workspace_names:
        label = workspace_label(change.workspace_id, changes.workspace_names)
        parts.append(f"workspace {label}")
    if change.run_count is not None:
        noun = "run" if change.run_count == 1 else "runs"
        done = change.code.removeprefix("runs_")  # planned or executed
        return [*parts, f"{change.run_count:,} {noun}, {change.after_run_count:,} {done} so far"]
    if change.part_name:
        parts.append(change.part_name)
    if change.code == "severity_raised":
        parts.append(f"{_severity(change.before_code)} to {_severity(change.after_code)}")
    if change.since_at is not None:
        duration = changes.duration(change)
        ended = change.after_code is None
        parts.append(
            f"{'was so since' if ended else 'since'} {changes.local(change.since_at)}"
            + ("" if ended else f" ({duration})")
        )
    if change.module_names:
        parts.append(f"module {change.module_names}")
    parts.append(f"owner {change.owner_name}" if change.owner_name else "no owner")
    return parts


def _severity(code: str | None) -> str:
    return (code or "no severity").rpartition(".")[2].replace("_", " ")


def _words(changes: ChangeList, change: Change) -> str:
    details = "; ".join(details_of(changes, change))
    link = f"\n    {change.item_url}" if change.item_url else ""
    return f"{_one_line(change.label)}: {_one_line(details)}{link}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _more(group: ChangeGroup, rows: int) -> list[str]:
    left = len(group.changes) - rows
    return [f"and {left:,} more; octane-flows changes --format json has all"] if left > 0 else []


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _one_line(text).translate(VISIBLE))
